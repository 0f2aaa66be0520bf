"""An application with the real Flask-Session, for tests: prints its port, then serves until its input ends.

Called with its configuration as JSON: what Flask-Session reads from app.config, "redis" (a port)
and "redis_password".
"""

import json
import sys
import threading

from flask import Flask, jsonify, request, session
from flask_session import Session
from werkzeug.serving import WSGIRequestHandler, make_server

config = json.loads(sys.argv[1])
app = Flask(__name__)
app.secret_key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG"
if "redis" in config:
    import redis

    app.config["SESSION_TYPE"] = "redis"
    app.config["SESSION_REDIS"] = redis.Redis(
        port=config.pop("redis"), password=config.pop("redis_password", None)
    )
app.config.update(config)
if app.config["SESSION_TYPE"] == "sqlalchemy":
    from flask_sqlalchemy import SQLAlchemy

    app.config["SESSION_SQLALCHEMY"] = SQLAlchemy(app)
Session(app)
if app.config["SESSION_TYPE"] == "sqlalchemy":
    with app.app_context():
        app.config["SESSION_SQLALCHEMY"].create_all()

arrived, go = threading.Event(), threading.Event()


@app.get("/show")
def show():
    return jsonify(dict(session))


@app.post("/set")
def set_all():
    session.update(request.get_json())
    return jsonify(dict(session))


@app.post("/append")
def append():
    session.setdefault("log", []).append(request.get_json())
    session.modified = True
    return jsonify(dict(session))


@app.post("/logout")
def logout():
    session.clear()
    return ""


@app.post("/slow")
def slow():
    """Opens the session, waits for /go, and saves."""
    session["slow"] = True
    arrived.set()
    go.wait(30)
    return jsonify(dict(session))


@app.post("/arrived")
def wait_for_slow():
    return jsonify(arrived.wait(30))


@app.post("/go")
def let_go():
    go.set()
    return ""


class Quiet(WSGIRequestHandler):
    def log_request(self, *_):
        pass


server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
