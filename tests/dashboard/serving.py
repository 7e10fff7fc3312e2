"""Serves dashboards for browser tests: `python -m tests.dashboard.serving`.

It imports the dashboard's code once, which takes seconds of processor time. For each line of its standard
input, it forks a process that serves a dashboard, and writes the id of that process. A line is a JSON object
with `environment`, the variables of the process with its SEGUE_ settings; `log`, the file of its output; and
`port`.

Beside `./run.sh dashboard serve`, which keeps a record by which a developer's own dashboard would be ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

from segue.places import CONF, ROOT
from segue.settings import load_settings

os.chdir(CONF)  # whose settings of Streamlit are read on import

# What a dashboard imports later, at its start and for its first page, belongs to it.
import plotly.express  # noqa: E402, F401
import uvicorn.protocols.http.h11_impl  # noqa: E402
import uvicorn.protocols.websockets.websockets_sansio_impl  # noqa: E402, F401
from streamlit import config  # noqa: E402

import segue.dashboard.app  # noqa: E402
import segue.dashboard.connections  # noqa: E402, F401
from segue.dashboard.serve import serve_app  # noqa: E402


def _answer_to(line: str) -> None:
    order = json.loads(line)
    if pid := os.fork():
        print(pid, flush=True)
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _become(Path(order["log"]), order["environment"])
    _serve(order["port"])
    sys.exit()


def _become(log: Path, environment: dict[str, str]) -> None:
    """Take the values that a new process gets from the process that starts it."""
    with Path(os.devnull).open("rb") as nothing, log.open("ab") as output:
        for given, own in ((nothing, sys.stdin), (output, sys.stdout), (output, sys.stderr)):
            os.dup2(given.fileno(), own.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)


def _serve(port: int) -> None:
    settings = load_settings()
    if seconds := os.environ.get("STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL"):
        # Only the command `streamlit run` reads this variable.
        config.set_option("server.disconnectedSessionTTL", int(seconds))
    serve_app(settings, listener=socket.create_server((settings.dashboard.host, port)))


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended processes need nobody to wait for them
    for line in sys.stdin:
        _answer_to(line)
