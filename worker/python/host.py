"""Runs a WSGI application (PEP 3333) for the tsicorn worker that started this process. Python 3.9 and later, no packages.

usage: host.py module|paste APP THREADS PARENT_PID [--path FOLDER]... [--global NAME=VALUE]... [--forks SOCKET]

The descriptors are sockets: 3 control, 4 queue, 7 and on a channel for each thread; 5 is a pipe for the stacks of all
threads, which SIGUSR1 asks for; 6 is a file in memory with a place for each thread, or no file. Requests wait in the
queue, and a thread that is free takes the next one. Answers, and bodies that are still arriving, use the channel of that
thread; large pieces of answers are left in the file. The end of the control socket is the end of the worker.

A frame is u32 length of what follows these fourteen bytes, u8 kind, u8 flags, u32 length of the head, u32 number of the
request; then the head and the body. Heads are latin-1, separated by NUL.

With --forks, this is the fork server of a generation (preload_app): it loads the application, tells the arbiter on
descriptor 3, and forks a host for each worker that connects to the socket; the end of descriptor 3 is its own end, and
its beginning a length and the environment that it was started with, in JSON, which Python may find changed. A
worker makes as many connections as a host has sockets, and begins each with HELLO. The first one then has a length and
what the host gets of its worker, in JSON; the fork server keeps it, says on it in lines of JSON which process the host is
and how it has ended, and kills the host when it is closed.
"""
import faulthandler
import gc
import importlib
import io
import json
import os
import re
import select
import selectors
import signal
import socket
import stat
import struct
import sys
import threading
import time
import traceback
from urllib.parse import unquote_to_bytes

FRAME = struct.Struct('<IBBII')
pack, unpack_from = FRAME.pack, FRAME.unpack_from
REQUEST, DATA, END, ABORT, TAKEN = 1, 2, 3, 4, 5                        # from the worker
HEAD, BODY, LAST, PULL, READY, FAILED, HINTS = 1, 2, 3, 4, 5, 6, 7      # to the worker
WHOLE = 1                                                               # the flag of a request with its whole body
FINAL, BROKEN, STORED = 1, 2, 4                                         # flags of answers
UNUSABLE, MISSING = 1, 2                                                # flags of a failure to load
CONTROL, QUEUE, STACKS, STORE, CHANNELS = 3, 4, 5, 6, 7
HELLO = struct.Struct('<16sHH')                                         # the worker's token, which connection, of how many
SIZE = struct.Struct('<I')
FORKED = 6                  # connections of a forked host before its channels: life, control, queue, stacks, output, errors
OLDEST = (3, 9)
WINDOW = 1048576            # how much of a body the worker sends before it is asked again; as in upload.ts
PLACE = 1048576             # the size of a place in the file; as in channel.ts
STORED_FROM = 131072        # smaller pieces go through the socket
SERVER_GRACE = 1.0          # seconds between the end of the worker and that of threads which do not come back


class Gone(Exception):
    """The worker is gone."""


class ClientGone(OSError):
    """The client is gone: raised in an application that reads its body or writes on."""


class Channel:
    """Frames on a socket."""

    def __init__(self, sock, place=-1):
        self.sock, self.place = sock, place
        self.data, self.at = b'', 0
        self.is_free = True             # the worker has taken what was in the place

    def store(self, data):
        """Whether this is in the place now: the file system may be full."""
        try:
            self.is_free = os.pwrite(STORE, data, self.place) < len(data)
        except OSError:
            pass
        return not self.is_free

    def next(self):
        """Number, kind, flags, head and body of the next frame."""
        data, at = self.data, self.at
        have = len(data) - at
        if have < 14:
            data, at = self.more(data[at:], 14), 0
        length, kind, flags, head, number = unpack_from(data, at)
        end = at + 14 + length
        if end > len(data):
            data, at = self.more(data[at:], 14 + length), 0
            end = 14 + length
        self.data, self.at = data, end
        start = at + 14
        return number, kind, flags, data[start:start + head], data[start + head:end]

    def more(self, data, need):
        parts, have = [data], len(data)
        while have < need:
            try:
                chunk = self.sock.recv(262144)
            except OSError:
                raise Gone from None
            if not chunk:
                raise Gone
            parts.append(chunk)
            have += len(chunk)
        return b''.join(parts)

    def has_more(self):
        """Whether a frame has begun to arrive."""
        if len(self.data) > self.at:
            return True
        try:
            if self.sock.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK):
                return True
        except BlockingIOError:
            return False
        except OSError:
            pass
        raise Gone

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            raise Gone from None

    def send_parts(self, *parts):
        """The same without copying large parts into one."""
        try:
            sent = self.sock.sendmsg(parts)
            for part in parts:
                if sent < len(part):
                    self.sock.sendall(memoryview(part)[sent:])
                sent = max(0, sent - len(part))
        except OSError:
            raise Gone from None


class Upload(io.RawIOBase):
    """A body that is still arriving: the worker sends it when the application reads it."""

    def __init__(self, channel, number):
        self.channel, self.number = channel, number
        self.parts, self.credit = [], 0
        self.ended = self.aborted = False

    def readable(self):
        return True

    def readinto(self, into):
        while not self.parts:
            if self.ended:
                return 0
            if self.aborted:
                raise ClientGone('the client left before its request was complete')
            if self.credit <= WINDOW // 2:
                self.credit += WINDOW
                self.channel.send(pack(0, PULL, 0, 0, self.number))
            self.receive()
        part = self.parts[0]
        size = min(len(into), len(part))
        into[:size] = part[:size]
        if size < len(part):
            self.parts[0] = part[size:]
        else:
            del self.parts[0]
        return size

    def receive(self):
        number, kind, _, _, body = self.channel.next()
        if kind == TAKEN:
            self.channel.is_free = True
        if number != self.number:
            return
        if kind == DATA:
            self.credit -= len(body)
            self.parts.append(memoryview(body))
        elif kind == END:
            self.ended = True
        elif kind == ABORT:
            self.aborted = True

    def is_aborted(self):
        """Looks without waiting for anything."""
        while not self.aborted and self.channel.has_more():
            self.receive()
        return self.aborted


class Whole:
    """Stands for the upload of a request whose body has come with it."""

    def __init__(self, channel, number):
        self.channel, self.number, self.aborted = channel, number, False

    def receive(self):
        number, kind, _, _, _ = self.channel.next()
        if kind == TAKEN:
            self.channel.is_free = True
        elif number == self.number and kind == ABORT:
            self.aborted = True

    def is_aborted(self):
        while not self.aborted and self.channel.has_more():
            self.receive()
        return self.aborted


ORDINARY, LENGTH, HOP = 0, 1, 2
HOP_BY_HOP = {'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'trailers',
              'transfer-encoding', 'upgrade'}
is_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
is_status = re.compile(r'[2-9][0-9][0-9](?: .*)?').fullmatch
unfit = re.compile('[\x01-\x08\n-\x1f\x7f\u0100-\U0010ffff]').search


class FieldKinds(dict):
    """What to do with a field of an answer, by its name."""

    def __missing__(self, name):
        if not isinstance(name, str):
            raise TypeError(f'the name of a header has to be str, not {type(name).__name__}')
        if not is_token(name):
            raise ValueError(f'the name of a header is malformed: {name!r}')
        lower = name.lower()
        kind = LENGTH if lower == 'content-length' else HOP if lower in HOP_BY_HOP else ORDINARY
        if len(self) < 1024:
            self[name] = kind
        return kind


class Keys(dict):
    """The key in `environ` of a field, by its name; only fields with hyphens can become these two without a prefix."""

    def __missing__(self, name):
        upper = name.upper()
        if upper in ('CONTENT-TYPE', 'CONTENT-LENGTH'):
            key = upper.replace('-', '_')
        else:
            key = 'HTTP_' + upper.replace('-', '_')
        if len(self) < 1024:
            self[name] = key
        return key


kinds = FieldKinds()
keys = Keys()
key_of = keys.__getitem__


class Answer:
    """What the application answers to one request."""

    __slots__ = ('channel', 'number', 'upload', 'is_head', 'head', 'is_sized', 'bodiless', 'sent', 'left', 'ended')

    def __init__(self, channel, number, upload, is_head):
        self.channel, self.number, self.upload, self.is_head = channel, number, upload, is_head
        self.head = None
        self.sent = self.ended = self.bodiless = self.is_sized = False
        self.left = -1                  # what Content-Length still allows; -1 is no limit

    def start(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.head is not None:
            raise AssertionError('start_response was called twice, without exc_info')
        if not isinstance(status, str):
            raise TypeError(f'the status has to be str, not {type(status).__name__}')
        if not is_status(status):
            raise ValueError(f'the status is malformed: {status!r}')
        code = status[:3]
        self.bodiless = self.is_head or code in ('204', '304')
        self.left, self.is_sized = -1, False
        parts = [status]
        for name, value in headers:
            kind = kinds[name]
            if kind:
                if kind == HOP or code == '204':
                    continue
                if not isinstance(value, str) or not (value.isascii() and value.isdigit()):
                    raise ValueError(f'the Content-Length is malformed: {value!r}')
                if self.is_sized:
                    # RFC 9110, section 8.6: a client could not tell where the answer ends.
                    raise ValueError(f'there is another Content-Length: {value!r}')
                self.is_sized = True
                if not self.bodiless:
                    self.left = int(value)
            parts += (name, value)
        try:
            text = '\0'.join(parts)
        except TypeError:
            raise TypeError('the value of a header has to be str') from None
        if unfit(text) or text.count('\0') >= len(parts):
            bad = next(part for part in parts if '\0' in part or unfit(part))
            raise ValueError(f'a header, or the status, has a character that it cannot have: {bad!r}')
        self.head = text.encode('latin-1')
        return self.write

    def write(self, data):
        """The callable that start_response returns."""
        self.chunk(data)

    def chunk(self, data, last=False):
        """One piece of the body, which is sent at once; the head waits for the first one that is not empty."""
        if not isinstance(data, bytes):
            raise TypeError(f'the application has to give bytes, not {type(data).__name__}')
        if self.ended:
            return
        if not data and not last:
            return
        if self.sent:
            kind, head = BODY, b''
            if self.upload.is_aborted():
                self.ended = True
                raise ClientGone('the client left')
        else:
            kind, head = HEAD, self.head
            if head is None:
                raise AssertionError('the application did not call start_response')
            self.sent = True
        size = len(data)
        if self.bodiless:
            data, size, last = b'', 0, True
        elif self.left >= 0:
            if size > self.left:
                data, size = data[:self.left], self.left
            self.left -= size
            last = last or self.left == 0
        if last:
            if kind == HEAD and not self.bodiless and not self.is_sized:
                head += b'\0Content-Length\0%d' % size
            self.ended = True
        flags = 0 if not last else FINAL | BROKEN if self.left > 0 else FINAL
        if size >= STORED_FROM and self.channel.place >= 0:
            return self.send_stored(kind, flags, head, memoryview(data))
        self.send(kind, flags, head, data)

    def send_stored(self, kind, flags, head, data):
        """Leaves large pieces in the file: the worker copies them at once, and not from one buffer of a socket to another."""
        while data:
            piece, data = data[:PLACE], data[PLACE:]
            while not self.channel.is_free:
                self.upload.receive()
            now = 0 if data else flags
            if self.channel.store(piece):
                head = b'%d\0%d\0' % (self.channel.place, len(piece)) + head
                self.send(kind, now | STORED, head, b'')
            else:
                self.send(kind, now, head, piece)
            kind, head = BODY, b''

    def send(self, kind, flags, head, data):
        size = len(data)
        frame = pack(len(head) + size, kind, flags, len(head), self.number)
        if size < 32768:
            self.channel.send(b''.join((frame, head, data)))
        else:
            self.channel.send_parts(frame, head, data)

    def end(self):
        if not self.sent:
            self.chunk(b'', True)
        elif not self.ended:
            self.ended = True
            self.channel.send(pack(0, LAST, BROKEN if self.left > 0 else 0, 0, self.number))

    def fail(self, why):
        """The application raised; `why` is for the log."""
        text = why.encode('utf-8', 'backslashreplace')
        if self.ended:
            kind = FAILED
        else:
            self.ended = True
            kind = LAST if self.sent else FAILED
        self.channel.send(pack(len(text), kind, BROKEN, len(text), self.number) + text)

    def early_hints(self, headers):
        """wsgi.early_hints, as Gunicorn has it: answers 103 with these headers."""
        if self.sent:
            return
        parts = []
        for name, value in headers:
            kinds[name]
            parts += (name, value)
        text = '\0'.join(parts)
        if not unfit(text) and text.count('\0') < len(parts):
            head = text.encode('latin-1')
            self.channel.send(pack(len(head), HINTS, 0, len(head), self.number) + head)


class FileWrapper:
    """wsgi.file_wrapper."""

    def __init__(self, filelike, blksize=65536):
        self.filelike, self.blksize = filelike, blksize
        if hasattr(filelike, 'close'):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if data:
            return data
        raise StopIteration


def pieces_of(result):
    """Files are read in large pieces, whatever size the application has named."""
    if type(result) is FileWrapper:
        try:
            if stat.S_ISREG(os.fstat(result.filelike.fileno()).st_mode):
                return iter(lambda: result.filelike.read(PLACE), b'')
        except (AttributeError, OSError, ValueError):
            pass
    return result


def environ_of(base, head):
    """The environ of a request, but for its body."""
    parts = head.decode('latin-1').split('\0')
    environ = base.copy()
    (environ['REQUEST_METHOD'], target, environ['SERVER_PROTOCOL'], environ['REMOTE_ADDR'], environ['REMOTE_PORT'],
     environ['wsgi.url_scheme'], environ['SERVER_NAME'], environ['SERVER_PORT'], path, script_name) = parts[:10]
    names, values = list(map(key_of, parts[10::2])), parts[11::2]
    fields = dict(zip(names, values))
    if len(fields) < len(names):
        fields = {}
        for name, value in zip(names, values):
            if name in fields:
                value = f'{fields[name]}{"; " if name == "HTTP_COOKIE" else ","}{value}'
            fields[name] = value
    environ.update(fields)
    environ['RAW_URI'] = environ['REQUEST_URI'] = target
    path, _, environ['QUERY_STRING'] = path.partition('?')
    if '%' in path:
        path = unquote_to_bytes(path.encode('latin-1')).decode('latin-1')
    if script_name:
        # A proxy may have cut it off already.
        if path.startswith(script_name) and path[len(script_name):len(script_name) + 1] in ('', '/'):
            path = path[len(script_name):]
        environ['SCRIPT_NAME'] = script_name
    environ['PATH_INFO'] = path
    return environ


def serve(take, channel, app, base):
    """The life of a thread: one request after the other."""
    pid = os.getpid()
    while True:
        number, _, flags, head, body = take()
        environ = environ_of(base, head)
        if flags & WHOLE:
            upload = Whole(channel, number)
            environ['wsgi.input'] = io.BytesIO(body)
        else:
            upload = Upload(channel, number)
            environ['wsgi.input'] = io.BufferedReader(upload, 65536)
        answer = Answer(channel, number, upload, environ['REQUEST_METHOD'] == 'HEAD')
        environ['wsgi.early_hints'] = answer.early_hints
        result = None
        try:
            try:
                result = app(environ, answer.start)
                if type(result) in (list, tuple) and len(result) == 1:
                    answer.chunk(result[0], True)
                else:
                    for data in pieces_of(result):
                        if answer.ended and data:
                            break
                        answer.chunk(data)
                    answer.end()
            finally:
                if hasattr(result, 'close'):
                    result.close()
        except BaseException as error:
            # A process that the application forked came back from it.
            if os.getpid() != pid:
                os._exit(70)
            if isinstance(error, Gone):
                raise
            answer.fail('' if isinstance(error, ClientGone) and upload.aborted else describe(error))
        if os.getpid() != pid:
            os._exit(0)


def describe(error):
    """The traceback, without the frame of this file at its beginning."""
    trace = error.__traceback__
    if trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return ''.join(traceback.format_exception(type(error), error, trace)).rstrip()


class Unusable(Exception):
    """The application was found, and cannot be served."""


class Missing(Exception):
    """There is no such module."""


def load(spec):
    """The application of `package.module:name` or `package.module:factory(literals)`, as Gunicorn has it."""
    module, _, expression = spec.partition(':')
    expression = expression or 'application'
    name, args, kwargs = parse(spec, expression)
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module + '.').startswith(error.name + '.'):
            raise Missing(f'there is no Python module {error.name!r} in {", ".join(filter(None, sys.path[:4]))}') from None
        raise
    try:
        app = getattr(found, name)
    except AttributeError:
        raise Unusable(f'the module {module!r} has no attribute {name!r}') from None
    if args is not None:
        if not callable(app):
            raise Unusable(f'{name} of the module {module!r} cannot be called: it is {app!r:.200}')
        app = app(*args, **kwargs)
        if app is None:
            raise Unusable(f'{expression} of the module {module!r} returned None')
    if not callable(app):
        raise Unusable(f'{expression} of the module {module!r} is no application: {app!r:.200} cannot be called')
    return app


def parse(spec, expression):
    """The name, and the arguments of a call."""
    if expression.isidentifier():
        return expression, None, None
    import ast
    try:
        node = ast.parse(expression, mode='eval').body
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            args = [ast.literal_eval(arg) for arg in node.args]
            kwargs = {pair.arg: ast.literal_eval(pair.value) for pair in node.keywords}
            if None not in kwargs:
                return node.func.id, args, kwargs
    except (SyntaxError, ValueError):
        pass
    raise Unusable(f'{expression!r} is neither a name nor a call with literals: write it as app:name or app:create()')


def load_paste(uri, variables):
    """The application of a paste-deploy file: FILE, or FILE#NAME."""
    path, _, name = uri.partition('#')
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise Missing(f'there is no paste file {path}')
    try:
        from paste.deploy import loadapp
    except ModuleNotFoundError as error:
        if error.name not in ('paste', 'paste.deploy'):
            raise
        raise Missing(f'paste needs PasteDeploy in the Python that serves, {sys.executable}: pip install PasteDeploy') \
            from None
    import logging.config
    from configparser import ConfigParser
    parser = ConfigParser(strict=False, interpolation=None)
    parser.read(path)
    if parser.has_section('loggers'):
        here = {'__file__': path, 'here': os.path.dirname(path)}
        logging.config.fileConfig(path, here, disable_existing_loggers=False)
    return loadapp(f'config:{path}', name=name or None, relative_to=os.getcwd(), global_conf=variables)


class Pipe(io.RawIOBase):
    """Standard output or error. Losing its reader costs no request, and Node may have made it non-blocking."""

    def __init__(self, fd):
        self.fd = fd

    def writable(self):
        return True

    def fileno(self):
        return self.fd

    def write(self, data):
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self.fd, rest):]
            except BlockingIOError:
                select.select([], [self.fd], [], 1)
            except OSError:
                break
        return len(data)


class Lines(io.TextIOWrapper):
    """What a thread prints goes out in whole lines, or when it is flushed."""

    def __init__(self, fd):
        super().__init__(Pipe(fd), 'utf-8', 'backslashreplace', write_through=True)
        self.local = threading.local()

    def write(self, text):
        waiting = getattr(self.local, 'text', '') + text
        whole = waiting.rfind('\n') + 1
        if len(waiting) - whole > 65536:
            whole = len(waiting)
        self.local.text = waiting[whole:]
        if whole:
            super().write(waiting[:whole])
        return len(text)

    def flush(self):
        waiting, self.local.text = getattr(self.local, 'text', ''), ''
        if waiting:
            super().write(waiting)
        super().flush()


def environ_base(threads):
    return {
        'wsgi.version': (1, 0),
        'wsgi.errors': sys.stderr,
        'wsgi.multithread': threads > 1,
        'wsgi.multiprocess': True,
        'wsgi.run_once': False,
        'wsgi.file_wrapper': FileWrapper,
        'wsgi.input_terminated': True,
        'SERVER_SOFTWARE': 'tsicorn',
        'SCRIPT_NAME': '',
    }


def end_with(parent, name=signal.SIGKILL):
    """Has the kernel end this process together with its parent, even if no thread of it can run; on Linux."""
    try:
        import ctypes
        ctypes.CDLL(None).prctl(1, int(name), 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass
    if os.getppid() != parent:
        os._exit(0)


def watch(control, wait):
    """Ends the process after the worker, which limits how long it may take itself; what does not come back is left."""
    try:
        while control.recv(64):
            pass
    except OSError:
        pass
    wait()
    time.sleep(SERVER_GRACE)
    os._exit(0)


def wait_for_parent(worker):
    while os.getppid() == worker:
        time.sleep(0.25)


def wait_for_errors():
    """The worker of a forked host, which is no parent of it, keeps the connection for its errors until it ends."""
    hangup = select.poll()
    hangup.register(2, 0)
    hangup.poll()


ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR2)


def do_nothing(*_):
    pass


def part_from(sockets):
    """A process that the application forks must not speak for this one, nor keep its sockets open; signals end it."""
    mask = threading.local()

    # A signal that comes in between waits until it ends the child.
    def before():
        mask.old = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)

    def stay():
        signal.pthread_sigmask(signal.SIG_SETMASK, mask.old)

    def part():
        for sock in sockets:
            sock.close()
        for name in ENDING:
            if signal.getsignal(name) is do_nothing:
                signal.signal(name, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask.old)
    os.register_at_fork(before=before, after_in_parent=stay, after_in_child=part)


def work(take, channel, app, base):
    try:
        serve(take, channel, app, base)
    except Gone:
        pass
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)


class Connection:
    """A connection of a worker to the fork server."""

    def __init__(self, sock):
        self.sock, self.said, self.need = sock, b'', HELLO.size
        self.token, self.place, self.count, self.host = None, -1, 0, None

    def receive(self):
        """Whether all that belongs to the fork server has arrived. What follows is for the host."""
        piece = self.sock.recv(self.need - len(self.said))
        if not piece:
            raise Gone
        self.said += piece
        if len(self.said) < self.need:
            return False
        if self.token is None:
            self.token, self.place, self.count = HELLO.unpack(self.said)
            if self.place > 0:
                return True
            self.need += SIZE.size
            return False
        if self.need == HELLO.size + SIZE.size:
            self.need += SIZE.unpack_from(self.said, HELLO.size)[0]
            return len(self.said) == self.need
        return True

    def tell(self, **said):
        try:
            self.sock.sendall(json.dumps(said).encode() + b'\n')
        except OSError:
            pass


class ForkServer:
    """Forks hosts for workers. It has one thread: a lock that another one holds would stay locked in the host."""

    def __init__(self, path, control):
        self.control, self.hosts, self.waiting, self.connections = control, {}, {}, set()
        self.listener = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)
        try:
            self.listener.bind(path)
        finally:
            os.umask(mask)
        self.listener.listen(128)
        self.listener.setblocking(False)
        self.woken, self.waker = socket.socketpair()
        for sock in (self.woken, self.waker):
            sock.setblocking(False)
        self.selector = selectors.DefaultSelector()
        for sock, hear in ((self.listener, self.accept), (control, self.hear), (self.woken, self.reap)):
            self.selector.register(sock, selectors.EVENT_READ, hear)

    def run(self):
        """Returns the connections of a worker in the host that was forked for it, or None when the arbiter is gone."""
        signal.signal(signal.SIGCHLD, do_nothing)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)
        self.control.sendall(pack(0, READY, 0, 0, os.getpid()))
        while True:
            for key, _ in self.selector.select():
                try:
                    found = key.data()
                except Gone:
                    return None
                if found is not None:
                    return found

    def hear(self):
        try:
            if self.control.recv(64):
                return
        except OSError:
            pass
        raise Gone

    def accept(self):
        try:
            sock, _ = self.listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        connection = Connection(sock)
        self.connections.add(connection)
        self.selector.register(sock, selectors.EVENT_READ, lambda: self.read(connection))

    def read(self, connection):
        if connection not in self.connections:
            return None
        try:
            if connection.need == 0:
                if connection.sock.recv(64):
                    return None
                raise Gone
            if not connection.receive():
                return None
        except BlockingIOError:
            return None
        except (Gone, OSError):
            return self.drop(connection)
        if connection.place > 0:
            self.selector.unregister(connection.sock)
        # What belongs to this one is complete, and what the worker says on it now is of no interest but for its end.
        connection.need = 0
        waiting = self.waiting.setdefault(connection.token, {})
        waiting[connection.place] = connection
        if len(waiting) < connection.count:
            return None
        del self.waiting[connection.token]
        return self.fork([waiting[place] for place in sorted(waiting)])

    def fork(self, connections):
        life, *others = connections
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid = os.fork()
        except OSError as error:
            life.tell(failure=str(error))
            for one in connections:
                self.drop(one)
            return None
        if pid == 0:
            self.part_from(others)
            given = json.loads(life.said[HELLO.size + SIZE.size:].decode('utf-8', 'surrogateescape'))
            return given, [one.sock for one in others]
        self.hosts[pid], life.host = life, pid
        life.tell(pid=pid)
        for one in others:
            self.connections.discard(one)
            one.sock.close()
        return None

    def part_from(self, own):
        """In a host: nothing of the fork server is open any more."""
        signal.set_wakeup_fd(-1)
        for name in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(name, signal.SIG_DFL)
        self.selector.close()
        for sock in (self.listener, self.control, self.woken, self.waker):
            sock.close()
        for one in self.connections.difference(own):
            one.sock.close()

    def reap(self):
        try:
            self.woken.recv(4096)
        except BlockingIOError:
            pass
        for pid, life in list(self.hosts.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == 0:
                continue
            del self.hosts[pid]
            if os.WIFSIGNALED(status):
                life.tell(signal=signal.Signals(os.WTERMSIG(status)).name)
            else:
                life.tell(code=os.WEXITSTATUS(status))
            life.host = None
            self.drop(life)

    def drop(self, connection):
        """Its worker is gone, or wants no host any more; the others of the worker go with the first one."""
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        if connection.place <= 0:
            self.selector.unregister(connection.sock)
        connection.sock.close()
        if connection.host is not None:
            os.kill(connection.host, signal.SIGKILL)
        if connection.place == 0:
            for other in self.waiting.pop(connection.token, {}).values():
                self.drop(other)


def receive_environment(control):
    size, = SIZE.unpack(control.recv(SIZE.size, socket.MSG_WAITALL))
    return json.loads(control.recv(size, socket.MSG_WAITALL))


def become_host(given, sockets, before):
    """
    What a process that was forked needs to be like one that its worker has started; returns its sockets. What the
    application has set while it was imported stays, and so does what a wrapper of Python has.
    """
    global STORE
    control, queue, stacks, out, err, *channels = sockets
    for name, value in given['env'].items():
        if before.get(name) != value:
            os.environ[name] = value
    for name in before:
        if name not in given['env']:
            os.environ.pop(name, None)
    if hasattr(time, 'tzset'):
        time.tzset()
    os.umask(given['umask'])
    os.chdir(given['cwd'])
    for sock, fd in ((out, 1), (err, 2)):
        sock.setblocking(True)
        os.dup2(sock.fileno(), fd)
        sock.close()
    STORE = -1
    if given['store'] is not None:
        try:
            STORE = os.open(given['store'], os.O_RDWR | os.O_NOFOLLOW)
            os.unlink(given['store'])
        except OSError:
            pass
    report_stacks(stacks.detach())
    return control, queue, channels


def report_stacks(fd):
    faulthandler.enable(fd)
    faulthandler.register(signal.SIGUSR1, fd)


def main():
    mode, spec, threads, parent, *rest = sys.argv[1:]
    threads, parent = int(threads), int(parent)
    options = list(zip(rest[::2], rest[1::2]))
    paths = [value for option, value in options if option == '--path']
    variables = dict(value.split('=', 1) for option, value in options if option == '--global')
    forks = dict(options).get('--forks')
    end_with(parent)
    fds = [CONTROL] if forks else range(CONTROL, CHANNELS + threads)
    for fd in fds:
        os.set_inheritable(fd, False)
    control, queue, *channels = [socket.socket(fileno=fd) for fd in fds if fd not in (STACKS, STORE)] + [None] * bool(forks)
    if forks:
        faulthandler.enable(2)
        signal.signal(signal.SIGUSR1, do_nothing)
        environment = receive_environment(control)
    else:
        connect(control, queue, channels)
        report_stacks(STACKS)
    # The worker decides. Not ignored, or processes that the application starts would ignore them too.
    for name in ENDING:
        signal.signal(name, do_nothing)
    sys.stdout, sys.stderr = Lines(1), Lines(2)
    sys.argv = [sys.argv[0]]
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [*paths, os.getcwd(), *(path for path in sys.path if path and os.path.abspath(path) != here)]
    if not forks:
        threading.Thread(target=watch, args=(control, lambda: wait_for_parent(parent)), daemon=True).start()
    try:
        app = load(spec) if mode == 'module' else load_paste(spec, variables)
    except BaseException as error:
        sys.stdout.flush()
        sys.stderr.flush()
        flags = UNUSABLE if isinstance(error, Unusable) else MISSING if isinstance(error, Missing) else 0
        text = (str(error) if flags else describe_load(error)).encode('utf-8', 'backslashreplace')
        control.sendall(pack(len(text), FAILED, flags, len(text), 0) + text)
        os._exit(1)
    if forks:
        warn_of_threads()
        # From now on its channel tells it of the end of the arbiter, after which it has something to remove.
        end_with(parent, 0)
        # What is shared stays shared: a collection would write to every object.
        gc.collect()
        gc.freeze()
        found = ForkServer(forks, control).run()
        if found is None:
            remove_socket(forks)
            return leave_soon()
        control, queue, channels = become_host(*found, environment)
        connect(control, queue, channels)
        threading.Thread(target=watch, args=(control, wait_for_errors), daemon=True).start()
    run(app, threads, control, Channel(queue), channels_of(channels))


def connect(control, queue, channels):
    for sock in (control, queue, *channels):
        sock.setblocking(True)
    part_from((control, queue, *channels))


def remove_socket(path):
    """With its two folders, as far as they may be removed; the arbiter, if it is there, removes all of it."""
    try:
        os.unlink(path)
        os.rmdir(os.path.dirname(path))
        os.rmdir(os.path.dirname(os.path.dirname(path)))
    except OSError:
        pass


def leave_soon():
    """Threads of the application that do not end are left."""
    timer = threading.Timer(SERVER_GRACE, os._exit, (0,))
    timer.daemon = True
    timer.start()


def warn_of_threads():
    names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if names:
        sys.stderr.write(f'The application has started threads while it was imported ({", ".join(names)}): '
                         'with preload_app, no worker has them\n')


def channels_of(sockets):
    is_file = STORE >= 0 and stat.S_ISREG(os.fstat(STORE).st_mode)
    return [Channel(sock, n * PLACE if is_file else -1) for n, sock in enumerate(sockets)]


def describe_load(error):
    """The traceback, without the frames of this file and of importlib at its beginning."""
    trace = error.__traceback__
    own = (__file__, importlib.__file__)
    while trace is not None and trace.tb_next is not None \
            and (trace.tb_frame.f_code.co_filename in own or 'importlib._bootstrap' in trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return ''.join(traceback.format_exception(type(error), error, trace)).rstrip()


def run(app, threads, control, queue, channels):
    base = environ_base(threads)
    lock = threading.Lock()

    def take():
        with lock:
            return queue.next()

    take = queue.next if threads == 1 else take
    others = [threading.Thread(target=work, args=(take, channel, app, base), daemon=True) for channel in channels[1:]]
    for thread in others:
        thread.start()
    control.sendall(pack(0, READY, 0, 0, os.getpid()))
    # One thread is the main thread, which some applications need.
    work(take, channels[0], app, base)
    for thread in others:
        thread.join()


if __name__ == '__main__':
    if sys.version_info < OLDEST:
        text = ('Python %d.%d is too old: Python 3.9 or later is needed' % sys.version_info[:2]).encode()
        socket.socket(fileno=CONTROL).sendall(pack(len(text), FAILED, MISSING, len(text), 0) + text)
        sys.exit(1)
    main()
