"""The app of plain.ts, for Gunicorn."""
import json
import os
import time

ITEMS = [
    {'id': n, 'name': f'Item {n}', 'price': n * 1.25, 'isInStock': n % 3 == 0, 'tags': ['first', 'second', 'third']}
    for n in range(100)
]
LARGE = b'x' * 2 ** 20
requests = 0


def application(environ, start_response):
    global requests
    path, kind = environ['PATH_INFO'], 'text/plain'
    if path == '/':
        data = b'hello'
    elif path == '/json':
        data, kind = json.dumps(ITEMS, separators=(',', ':')).encode(), 'application/json'
    elif path == '/large':
        data = LARGE
    elif path == '/echo':
        data = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    elif path == '/mix':
        requests += 1
        if requests % 50 == 0:
            time.sleep(0.05)
        data = b'hello'
    else:
        data = str(os.getpid()).encode()
    start_response('200 OK', [('Content-Type', kind), ('Content-Length', str(len(data)))])
    return [data]
