"""The app of the loss harness, as a WSGI application: see `app.ts` and `client/pattern.ts`."""
import os
import socket
import struct
import time
from urllib.parse import parse_qs

LENGTH = 16384
STAMP = 16
PIECES = 8
PIECE_SECONDS = 0.025


def make_noise(length):
    data, state = bytearray(length), 1
    for index in range(length):
        state = (state * 1664525 + 1013904223) & 0xffffffff
        data[index] = state >> 24
    return bytes(data)


IMPORTER = os.getpid()
NOISE = make_noise(LENGTH * 5)


def body_of(number):
    begin = (number * 61) % (len(NOISE) - LENGTH)
    stamp = str(number).zfill(STAMP).encode()
    return stamp + NOISE[begin + STAMP:begin + LENGTH - STAMP] + stamp


def worker():
    """A forked host is no child of its worker, but prints on a connection that its worker has made."""
    if os.getpid() == IMPORTER:
        return os.getppid()
    with socket.socket(fileno=os.dup(2)) as errors:
        return struct.unpack('3i', errors.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def application(environ, start_response):
    query = parse_qs(environ['QUERY_STRING'])
    body, path = body_of(int(query.get('id', ['0'])[0])), environ['PATH_INFO']
    if path == '/slow':
        time.sleep(int(query['ms'][0]) / 1000)
    headers = [('X-Worker', str(worker()))]
    headers.append(('X-Sent', '%.3f' % (time.monotonic() * 1000)))
    if path == '/echo':
        body = environ['wsgi.input'].read()
    if path == '/stream':
        start_response('200 OK', headers)
        return stream(body)
    start_response('200 OK', [*headers, ('Content-Length', str(len(body)))])
    return [body]


def stream(body):
    step = len(body) // PIECES
    for begin in range(0, LENGTH, step):
        yield body[begin:begin + step]
        time.sleep(PIECE_SECONDS)
