"""The pages with Flask; with COMPARE_FLOOR set, the same pages without sessions."""

import os

from flask import Flask, session

from visitor import KEY, SESSION

app = Flask(__name__)

if "COMPARE_FLOOR" in os.environ:
    # No key, no session: Flask opens none.
    @app.get("/fill")
    def fill():
        return "filled"

    @app.get("/")
    def count():
        return str(1)

    @app.get("/read")
    def read():
        return str(1)

else:
    app.secret_key = KEY

    @app.get("/fill")
    def fill():
        session.update(SESSION)
        return "filled"

    @app.get("/")
    def count():
        session["visits"] = session.get("visits", 0) + 1
        return str(session["visits"])

    @app.get("/read")
    def read():
        return str(session.get("visits", 0))


@app.get("/unused")
def unused():
    return "unused"
