"""The real Flask, asked over pipes: one JSON request per line in, one JSON answer per line out.

{"op": "versions"}
    -> {"flask": "3.1.3", "itsdangerous": ..., "werkzeug": ..., "python": ...}
{"op": "sign", "secret": text, "fallbacks": [text], "now": seconds, "value": typed}
    -> {"cookie": text, "json_text": text} or {"error": class, "message": text}
{"op": "open", "secret", "fallbacks", "now", "max_age": seconds or null, "cookie": text}
    -> {"value": typed} or {"error": class, "message": text, "flask": "empty_session" or "http_500"}
{"op": "random", "seed": number, "count": number, "extra": ["nonfinite", "surrogates"], ...as sign}
    -> {"cases": [{"value": typed, "cookie": text, "json_text": text, "decoded": typed}]}

Left out: `secret` is "secret", `fallbacks` empty, `now` 1700000000, `max_age` 31 days (Flask's
default lifetime), `extra` empty. The clock stands still at `now`. Everything happens inside an
application context, as in a request, so object keys are sorted. `typed` is described in
testdata/vectors/README.md. A request that is not understood ends the program with a traceback.
"""

import functools
import importlib.metadata
import json
import platform
import sys
import types

import itsdangerous.timed
from flask import Flask
from itsdangerous import BadSignature
from random_session import Maker
from typed import to_python, to_typed

THIRTY_ONE_DAYS = 31 * 24 * 60 * 60
CLOCK = types.SimpleNamespace(now=1_700_000_000)

app = Flask("oracle")


def main():
    itsdangerous.timed.time = types.SimpleNamespace(time=lambda: CLOCK.now)
    with app.app_context():
        for line in sys.stdin:
            request = json.loads(line)
            CLOCK.now = request.get("now", 1_700_000_000)
            answer = OPERATIONS[request["op"]](request)
            print(json.dumps(answer, separators=(",", ":")), flush=True)


def versions(request):
    packages = ["flask", "itsdangerous", "werkzeug", "jinja2", "markupsafe"]
    known = {name: importlib.metadata.version(name) for name in packages}
    return known | {"python": platform.python_version()}


def sign(request):
    try:
        return signed(serializer_of(request), to_python(request["value"]))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return refusal(error)


def open_cookie(request):
    max_age = request.get("max_age", THIRTY_ONE_DAYS)
    try:
        return {"value": to_typed(serializer_of(request).loads(request["cookie"], max_age=max_age))}
    except BadSignature as error:
        return refusal(error) | {"flask": "empty_session"}
    except Exception as error:  # the real open_session lets all others through
        return refusal(error) | {"flask": "http_500"}


def random_cases(request):
    maker = Maker(request["seed"], request.get("extra", ()))
    serializer = serializer_of(request)
    cases = []
    for _ in range(request["count"]):
        value = maker.session()
        case = {"value": to_typed(value)} | signed(serializer, value)
        cases.append(case | {"decoded": to_typed(serializer.loads(case["cookie"]))})
    return {"cases": cases}


def signed(serializer, value):
    json_text = app.session_interface.serializer.dumps(value)
    return {"cookie": serializer.dumps(value), "json_text": json_text}


def serializer_of(request):
    return serializer_for(request.get("secret", "secret"), tuple(request.get("fallbacks") or ()))


@functools.lru_cache(maxsize=1024)
def serializer_for(secret, fallbacks):
    app.secret_key = secret
    app.config["SECRET_KEY_FALLBACKS"] = list(fallbacks)
    return app.session_interface.get_signing_serializer(app)


def refusal(error):
    return {"error": type(error).__name__, "message": str(error)}


OPERATIONS = {"versions": versions, "sign": sign, "open": open_cookie, "random": random_cases}

if __name__ == "__main__":
    main()
