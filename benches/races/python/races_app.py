"""The pages with Flask; STORE names where the session is: cookie:, sqlite:FILE or redis://HOST:PORT."""

import os
import time

from flask import Flask, jsonify, request, session

app = Flask(__name__)
app.secret_key = os.urandom(32)

store = os.environ["STORE"]
if store.startswith("redis:"):
    from flask_session import Session
    from redis import Redis

    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=Redis.from_url(store))
    Session(app)
elif store.startswith("sqlite:"):
    from flask_session import Session
    from flask_sqlalchemy import SQLAlchemy

    app.config.update(
        SESSION_TYPE="sqlalchemy",
        SQLALCHEMY_DATABASE_URI="sqlite:///" + store.removeprefix("sqlite:"),
        # A connection for each thread: with the default of 15, the last of 20 requests wait for one.
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 32},
    )
    app.config["SESSION_SQLALCHEMY"] = SQLAlchemy(app)
    Session(app)
elif store != "cookie:":
    raise SystemExit(store.partition(":")[0] + ": is no store: cookie:, sqlite:FILE or redis://HOST:PORT")


class TellWhen:
    """An answer tells when, even one that stands in the place of the page's."""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, environ, start_response):
        def start(status, headers, *error):
            return start_response(status, headers + environ.get("races.times", []), *error)

        return self.inner(environ, start)


app.wsgi_app = TellWhen(app.wsgi_app)


def overlap():
    """Waits, so that others overlap: the session is open, and not yet changed."""
    opened = time.time_ns() // 1000
    time.sleep(request.args.get("ms", 0, int) / 1000)
    worked = time.time_ns() // 1000
    request.environ["races.times"] = [("opened", str(opened)), ("worked", str(worked))]


@app.get("/login")
def login():
    session["user"] = "ada"
    return "logged in\n"


@app.get("/set")
def set_key():
    overlap()
    session[request.args["k"]] = 1
    return "set\n"


@app.get("/read")
def read():
    number = len([key for key in session if not key.startswith("_")])
    overlap()
    return "%d keys\n" % number


@app.get("/rotate")
def rotate():
    overlap()
    # Flask's own session is the cookie, and has no id to rotate.
    if hasattr(app.session_interface, "regenerate"):
        app.session_interface.regenerate(session)
    session["role"] = "admin"
    return "rotated\n"


@app.get("/logout")
def logout():
    overlap()
    session.clear()
    return "logged out\n"


@app.get("/dump")
def dump():
    return jsonify({key: session[key] for key in session if not key.startswith("_")})


@app.get("/plain")
def plain():
    return "no session here\n"
