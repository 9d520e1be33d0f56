"""A WSGI application: tsicorn -k exec --ready-line 'Booting worker' -- gunicorn -k gthread --threads 4 wsgi_app:app"""
import os
import time


def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(2)
    body = f"Hello from process {os.getpid()}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
