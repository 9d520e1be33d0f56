"""Applications with the standard library's checker of PEP 3333 around them, which raises where either side is wrong."""
import threading
from wsgiref.validate import validator

started, ended = 0, 0


def inner(environ, start_response):
    path = environ['PATH_INFO']
    body = environ['wsgi.input']
    if path == '/line':
        data = body.readline() + b'|' + body.readline(3) + b'|' + b''.join(body.readlines()) + b'|' + body.read(5)
    elif path == '/each':
        data = b'|'.join(body)
    elif path == '/empty':
        start_response('204 No Content', [])
        return []
    else:
        size = 0
        while True:
            piece = body.read(4096)
            if not piece:
                break
            size += len(piece)
        data = b'%s %d' % (environ['REQUEST_METHOD'].encode(), size)
    environ['wsgi.errors'].write('')
    environ['wsgi.errors'].flush()
    write = start_response('200 OK', [('Content-Type', 'text/plain'), ('X-Method', environ['REQUEST_METHOD'])])
    if path == '/write':
        write(b'written ')
        return [data]
    if path == '/stream':
        return stream(environ, data)
    return [data]


def stream(environ, data):
    global started, ended
    started += 1
    try:
        for _ in range(200):
            yield data
            threading.Event().wait(0.01)
    finally:
        ended += 1
        print(f'streams ended: {ended} of {started}', file=environ['wsgi.errors'])


application = validator(inner)
