"""How gunicorn serves: one worker with threads, any free port; ends with its standard input."""

import os
import signal
import threading

bind = "127.0.0.1:0"
workers = 1
worker_class = "gthread"
# More than ever overlap.
threads = 32
graceful_timeout = 1


def when_ready(server):
    threading.Thread(target=end_with_stdin, daemon=True).start()
    print("listening 127.0.0.1:%d" % server.LISTENERS[0].getsockname()[1], flush=True)


def end_with_stdin():
    os.read(0, 1)
    # At once, without waiting for connections that rest.
    os.kill(os.getpid(), signal.SIGINT)
