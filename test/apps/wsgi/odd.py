"""What WSGI applications do, one thing for each path."""
import json
import os
import subprocess
import sys
import threading
import time

PLAIN = [('Content-Type', 'text/plain')]


def application(environ, start_response):
    return globals()[environ['PATH_INFO'].lstrip('/') or 'hello'](environ, start_response)


def hello(environ, start_response):
    start_response('200 OK', PLAIN)
    return [b'hello']


def pid(environ, start_response):
    start_response('200 OK', PLAIN)
    return [str(os.getpid()).encode()]


def environ(environ, start_response):
    start_response('200 OK', PLAIN)
    return [json.dumps({key: value for key, value in environ.items() if isinstance(value, (str, bool))}).encode()]


def generated(environ, start_response):
    start_response('200 OK', PLAIN)
    for n in range(3):
        yield b'' if n == 1 else b'chunk %d\n' % n


def endless(environ, start_response):
    start_response('200 OK', PLAIN)
    n = 0
    try:
        while True:
            n += 1
            yield b'x' * 65536
    finally:
        print('closed the endless one', file=environ['wsgi.errors'])


def ticking(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/event-stream')])
    try:
        while True:
            yield b'data: tick\n\n'
            time.sleep(0.05)
    finally:
        print('closed the ticking one', file=environ['wsgi.errors'])


def written(environ, start_response):
    write = start_response('200 OK', PLAIN)
    write(b'a')
    write(b'b')
    return [b'c']


def raises(environ, start_response):
    raise ValueError('before')


def raises_late(environ, start_response):
    start_response('200 OK', PLAIN)
    yield b'part'
    raise ValueError('late')


def raises_in_close(environ, start_response):
    class Body:
        def __iter__(self):
            return iter([b'whole'])

        def close(self):
            raise ValueError('in close')
    start_response('200 OK', PLAIN + [('Content-Length', '5')])
    return Body()


def better(environ, start_response):
    start_response('200 OK', [('X-A', 'first')])
    try:
        raise ValueError('x')
    except ValueError:
        start_response('503 Later', [('X-A', 'second')], sys.exc_info())
    return [b'thought better of it']


def too_late(environ, start_response):
    write = start_response('200 OK', PLAIN)
    write(b'sent')
    try:
        raise ValueError('too late')
    except ValueError:
        start_response('500 Oops', PLAIN, sys.exc_info())
    return [b'never']


def short(environ, start_response):
    start_response('200 OK', [('Content-Length', '10')])
    return [b'abc']


def long(environ, start_response):
    start_response('200 OK', [('Content-Length', '3')])
    return [b'ab', b'cdefgh', b'ijk']


def twice(environ, start_response):
    start_response('200 OK', [])
    start_response('200 OK', [])
    return [b'x']


def never_started(environ, start_response):
    return [b'x']


def nothing(environ, start_response):
    start_response('200 OK', [])


def text(environ, start_response):
    start_response('200 OK', [])
    return ['text']


def status(environ, start_response):
    start_response(environ['QUERY_STRING'].replace('+', ' '), [])
    return []


def number(environ, start_response):
    start_response(200, [])
    return []


def header(environ, start_response):
    """One with this JSON name and value."""
    from urllib.parse import unquote
    name, value = json.loads(unquote(environ['QUERY_STRING']))
    start_response('200 OK', [(name, value)])
    return [b'x']


def no_content(environ, start_response):
    start_response('204 No Content', [('Content-Length', '0')])
    return []


def not_modified(environ, start_response):
    start_response('304 Not Modified', [('Content-Length', '5'), ('ETag', '"a"')])
    return [b'']


def sized(environ, start_response):
    start_response('200 OK', PLAIN + [('Content-Length', '5')])
    return [b'sized']


def sized_twice(environ, start_response):
    start_response('200 OK', [('Content-Length', '2'), ('content-length', '3')])
    return [b'ok']


def hop(environ, start_response):
    start_response('200 OK', [
        ('Connection', 'close'), ('Transfer-Encoding', 'chunked'), ('Keep-Alive', 'x'), ('Upgrade', 'x'),
        ('Set-Cookie', 'a=1'), ('Set-Cookie', 'b=2'), ('X-Latin', 'caf\xe9')])
    return [b'hop']


def lines(environ, start_response):
    body = environ['wsgi.input']
    start_response('200 OK', PLAIN)
    return [repr([body.readline(), body.read(3), body.readlines(1), list(body), body.read(), body.read(5)]).encode()]


def count(environ, start_response):
    size, read = 0, environ['wsgi.input'].read
    while True:
        data = read(65536)
        if not data:
            break
        size += len(data)
    start_response('200 OK', PLAIN)
    return [f'{size} {environ.get("CONTENT_LENGTH")} {environ.get("HTTP_TRANSFER_ENCODING")}'.encode()]


def unread(environ, start_response):
    start_response('413 Too Large', PLAIN)
    return [b'unread']


def echo(environ, start_response):
    """Answers while it reads."""
    start_response('200 OK', PLAIN)
    while True:
        data = environ['wsgi.input'].read(65536)
        if not data:
            return
        yield data


def reads(environ, start_response):
    try:
        environ['wsgi.input'].read()
    except OSError as error:
        print(f'the body: {error}', file=environ['wsgi.errors'])
        raise
    start_response('200 OK', PLAIN)
    return [b'read']


def file(environ, start_response):
    start_response('200 OK', PLAIN)
    return environ['wsgi.file_wrapper'](open(__file__, 'rb'))


def thread(environ, start_response):
    time.sleep(0.05)
    start_response('200 OK', PLAIN)
    return [str(threading.get_ident()).encode()]


def slow(environ, start_response):
    time.sleep(float(environ['QUERY_STRING'] or 1))
    start_response('200 OK', PLAIN)
    return [b'slow %d' % os.getpid()]


def slow_stream(environ, start_response):
    start_response('200 OK', PLAIN)
    for n in range(10):
        time.sleep(0.1)
        yield b'%d' % n


def hangs_midway(environ, start_response):
    start_response('200 OK', PLAIN)
    yield b'begun'
    time.sleep(60)


def large(environ, start_response):
    start_response('200 OK', PLAIN)
    return [b'x' * 5_000_000]


def hints(environ, start_response):
    environ['wsgi.early_hints']([('Link', '</style.css>; rel=preload; as=style')])
    start_response('200 OK', PLAIN)
    return [b'hinted']


def exits(environ, start_response):
    sys.exit('an exit in a thread')


def dies(environ, start_response):
    os._exit(9)


def crashes(environ, start_response):
    import faulthandler
    faulthandler._sigsegv()


def forks(environ, start_response):
    """The child comes back from the application as well."""
    sleeper = os.fork()
    if sleeper == 0:
        time.sleep(60)
        os._exit(0)
    os.kill(sleeper, 15)
    ended_by = os.waitpid(sleeper, 0)[1]
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    start_response('200 OK', PLAIN)
    return [b'forked %d' % ended_by]


def descriptors(environ, start_response):
    """What a program that it starts inherits, and which signals that ignores."""
    own = {os.readlink(f'/proc/self/fd/{fd}') for fd in range(3, 8)}
    links = subprocess.run('readlink /proc/self/fd/*', shell=True, capture_output=True, close_fds=False).stdout
    ignored = subprocess.run(['grep', 'SigIgn', '/proc/self/status'], capture_output=True).stdout.split()[1]
    start_response('200 OK', PLAIN)
    return [json.dumps([len(own & set(links.decode().split())), int(ignored, 16) & (1 << 14 | 1 << 1 | 1)]).encode()]


def prints(environ, start_response):
    def speak(word):
        for _ in range(200):
            print(word, word, word)
    threads = [threading.Thread(target=speak, args=(word * 20,)) for word in 'abcd']
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    print('half a line', end='', flush=True)
    print(' and its end')
    start_response('200 OK', PLAIN)
    return [b'printed']


def floods(environ, start_response):
    for n in range(20_000):
        print(f'flood {n} {"x" * 80}')
    start_response('200 OK', PLAIN)
    return [b'flooded']


def logs(environ, start_response):
    import logging
    logging.getLogger('app').warning('a warning of logging')
    environ['wsgi.errors'].write('written to wsgi.errors\n')
    environ['wsgi.errors'].writelines(['one\n', 'two\n'])
    environ['wsgi.errors'].flush()
    start_response('200 OK', PLAIN)
    return [b'logged']
