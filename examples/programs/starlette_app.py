"""A Starlette application: tsicorn -k exec --ready-line 'startup complete' -- uvicorn starlette_app:app --fd 3"""
import asyncio
import os

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(request):
    return PlainTextResponse(f"Hello from process {os.getpid()}\n")


async def slow(request):
    await asyncio.sleep(2)
    return PlainTextResponse("done\n")


app = Starlette(routes=[Route("/", hello), Route("/slow", slow)])
