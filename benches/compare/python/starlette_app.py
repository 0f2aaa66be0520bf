"""The pages with Starlette, served by uvicorn; with COMPARE_FLOOR set, without sessions.

Says where it listens, and ends with its standard input, as every server of the comparison.
"""

import os
import socket
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from visitor import KEY, SESSION


async def fill(request):
    request.session.update(SESSION)
    return PlainTextResponse("filled")


async def count(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return PlainTextResponse(str(request.session["visits"]))


async def read(request):
    return PlainTextResponse(str(request.session.get("visits", 0)))


async def unused(request):
    return PlainTextResponse("unused")


async def filled_floor(request):
    return PlainTextResponse("filled")


async def one(request):
    return PlainTextResponse(str(1))


def application():
    if "COMPARE_FLOOR" in os.environ:
        pages, middleware = (filled_floor, one, one), []
    else:
        sessions = Middleware(SessionMiddleware, secret_key=KEY)
        pages, middleware = (fill, count, read), [sessions]
    routes = [Route(path, page) for path, page in zip(("/fill", "/", "/read"), pages)]
    return Starlette(routes=[*routes, Route("/unused", unused)], middleware=middleware)


def end_with_stdin():
    os.read(0, 1)
    os._exit(0)


def main():
    threading.Thread(target=end_with_stdin, daemon=True).start()
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    config = uvicorn.Config(application(), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


main()
