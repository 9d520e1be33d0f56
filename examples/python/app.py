"""A WSGI application without a framework."""
import os


def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'Hello from Python %d\n' % os.getpid()]
