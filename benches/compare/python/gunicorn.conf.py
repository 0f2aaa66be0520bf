"""How gunicorn serves: one worker, any free port; ends with its standard input."""

import os
import signal
import threading

bind = "127.0.0.1:0"
workers = 1
# Between two bursts a connection may rest for longer than the default of 2 seconds.
keepalive = 75
# A worker with threads may wait for itself when it is told to end; then it is killed, and soon, for
# whoever started this waits no longer than 5 seconds.
graceful_timeout = 1


def when_ready(server):
    threading.Thread(target=end_with_stdin, daemon=True).start()
    print("listening 127.0.0.1:%d" % server.LISTENERS[0].getsockname()[1], flush=True)


def end_with_stdin():
    os.read(0, 1)
    # At once, without waiting for connections that rest.
    os.kill(os.getpid(), signal.SIGINT)
