"""What the benchmark asks for."""
import tempfile
import time

LARGE = b'x' * 1048576
FILE = tempfile.NamedTemporaryFile()
FILE.write(LARGE)
FILE.flush()
PLAIN = ('Content-Type', 'text/plain')

try:
    from flask import Flask
    flask = Flask(__name__)
    flask.get('/flask')(lambda: 'Hello, World!\n')
except ImportError:
    flask = None


def application(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/flask' and flask is not None:
        return flask(environ, start_response)
    data = b'Hello, World!\n'
    if path == '/large':
        data = LARGE
    elif path == '/file':
        start_response('200 OK', [PLAIN, ('Content-Length', str(len(LARGE)))])
        return environ['wsgi.file_wrapper'](open(FILE.name, 'rb'))
    elif path == '/upload':
        left, read = int(environ.get('CONTENT_LENGTH') or 0), environ['wsgi.input'].read
        while left > 0:
            piece = read(min(65536, left))
            if not piece:
                break
            left -= len(piece)
    elif path == '/slow':
        time.sleep(0.2)
    start_response('200 OK', [PLAIN, ('Content-Length', str(len(data)))])
    return [data]
