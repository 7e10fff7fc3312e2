"""The health of a process, and the pages of a port on which others ask for it: `/metrics` and `/health`."""

from __future__ import annotations

import json
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from segue.operations.hosts import is_private, name_of

log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 3.0


@dataclass(frozen=True)
class Health:
    """The health of a process at one moment."""

    status: Literal["starting", "healthy", "degraded", "unhealthy"]
    """"degraded": a part is being repaired, and a restart of the process would only delay the others."""
    problems: tuple[str, ...] = ()
    """A line for each problem: the part, and since when."""
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"status": self.status, "problems": list(self.problems), **self.details}


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Prometheus asks every few seconds: no line for each request."""


def serve(port: int, *, registry: CollectorRegistry, health: Callable[[], Health]) -> WSGIServer:
    """Serve `/metrics`, and `/health` with status 200 or 503, on the loopback address from a thread.

    A page of another site cannot read them under its own host name (:mod:`segue.operations.hosts`).

    Raises
    ------
    OSError
        The port is taken.
    """
    metrics = make_wsgi_app(registry)

    def pages(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        if host and not ((name := name_of(host)) and is_private(name)):
            start_response("421 Misdirected Request", [("Content-Type", "text/plain")])
            return [b"this page answers to addresses, and to names of a local network\n"]
        if environ.get("PATH_INFO") != "/health":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        now = health()
        status = "200 OK" if now.status in ("healthy", "degraded") else "503 Service Unavailable"
        start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return [json.dumps(now.as_json(), indent=1).encode() + b"\n"]

    server = make_server("127.0.0.1", port, pages, ThreadingWSGIServer, _Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def ask(address: str) -> Health:
    """The health that the page at `address` reports; unhealthy if it does not answer."""
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE_SECONDS) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        text = error.read()
        error.close()
    except OSError:
        return Health("unhealthy", (f"no answer at {address} within {_PATIENCE_SECONDS:g} s",))
    try:
        document = json.loads(text)
        return Health(document["status"], tuple(document["problems"]))
    except (ValueError, KeyError, TypeError):
        return Health("unhealthy", (f"{address} gives no report",))
