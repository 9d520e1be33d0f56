"""Pyramid."""
from pyramid.config import Configurator
from pyramid.response import FileResponse, Response


def hello(request):
    return Response('hello')


def form(request):
    return Response('form ' + request.POST['name'])


def upload(request):
    return Response('upload %d' % len(request.body))


def files(request):
    return Response('files %d' % len(request.POST['file'].file.read()))


def stream(request):
    return Response(app_iter=(b'piece %d\n' % n for n in range(5)), content_type='text/plain')


def json(request):
    return Response(json_body={'query': dict(request.GET), 'root': request.script_name, 'host': request.host})


def cookies(request):
    answer = Response('cookies')
    answer.set_cookie('a', '1')
    answer.set_cookie('b', '2')
    return answer


def file(request):
    return FileResponse(__file__, request=request, content_type='text/plain')


def fails(request):
    raise ValueError('on purpose')


def create():
    with Configurator() as config:
        for view in (hello, form, upload, files, stream, json, cookies, file, fails):
            config.add_route(view.__name__, '/' if view is hello else '/' + view.__name__)
            config.add_view(view, route_name=view.__name__)
        return config.make_wsgi_app()
