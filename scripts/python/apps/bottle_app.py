"""Bottle."""
import os

from bottle import Bottle, request, response, static_file

app = Bottle()


@app.get('/')
def hello():
    return 'hello'


@app.post('/form')
def form():
    return 'form ' + request.forms.name


@app.post('/upload')
def upload():
    return 'upload %d' % len(request.body.read())


@app.post('/files')
def files():
    return 'files %d' % len(request.files.file.file.read())


@app.get('/stream')
def stream():
    for n in range(5):
        yield f'piece {n}\n'


@app.get('/json')
def json():
    return {'query': dict(request.query), 'root': request.script_name.rstrip('/'), 'host': request.get_header('host')}


@app.get('/cookies')
def cookies():
    response.set_cookie('a', '1')
    response.set_cookie('b', '2')
    return 'cookies'


@app.get('/file')
def file():
    return static_file(os.path.basename(__file__), os.path.dirname(__file__), mimetype='text/plain')


@app.get('/fails')
def fails():
    raise ValueError('on purpose')
