"""Django, in one file."""
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], SECRET_KEY='none', DATA_UPLOAD_MAX_MEMORY_SIZE=None,
                   MIDDLEWARE=['django.middleware.common.CommonMiddleware'])


def hello(request):
    return HttpResponse('hello')


def form(request):
    return HttpResponse('form ' + request.POST['name'])


def upload(request):
    return HttpResponse('upload %d' % len(request.body))


def files(request):
    return HttpResponse('files %d' % len(request.FILES['file'].read()))


def stream(request):
    return StreamingHttpResponse((f'piece {n}\n' for n in range(5)), content_type='text/plain')


def json(request):
    return JsonResponse({'query': request.GET.dict(), 'root': request.META['SCRIPT_NAME'], 'host': request.get_host()})


def cookies(request):
    answer = HttpResponse('cookies')
    answer.set_cookie('a', '1')
    answer.set_cookie('b', '2')
    return answer


def file(request):
    return FileResponse(open(__file__, 'rb'), content_type='text/plain')


def fails(request):
    raise ValueError('on purpose')


urlpatterns = [path('' if view is hello else view.__name__, view)
               for view in (hello, form, upload, files, stream, json, cookies, file, fails)]
application = get_wsgi_application()
