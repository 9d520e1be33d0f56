"""Flask."""
from flask import Flask, Response, jsonify, make_response, request, send_file

application = Flask(__name__)


@application.get('/')
def hello():
    return 'hello'


@application.post('/form')
def form():
    return 'form ' + request.form['name']


@application.post('/upload')
def upload():
    return 'upload %d' % len(request.get_data())


@application.post('/files')
def files():
    return 'files %d' % len(request.files['file'].read())


@application.get('/stream')
def stream():
    return Response((f'piece {n}\n' for n in range(5)), mimetype='text/plain')


@application.get('/json')
def json():
    return jsonify(query=request.args.to_dict(), root=request.script_root, host=request.host)


@application.get('/cookies')
def cookies():
    answer = make_response('cookies')
    answer.set_cookie('a', '1')
    answer.set_cookie('b', '2')
    return answer


@application.get('/file')
def file():
    return send_file(__file__)


@application.get('/fails')
def fails():
    raise ValueError('on purpose')
