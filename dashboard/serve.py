"""`./run.sh dashboard serve`: serves the pages."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from prometheus_client import CollectorRegistry

from segue import logs, tracing
from segue.dashboard.operators import entries_by_id
from segue.errors import SegueError, one_line_errors
from segue.local.process import LAST_PORT, listening, registered
from segue.local.reachable import address_of, notices, operator_line
from segue.local.stack import connected
from segue.operations import health
from segue.operations.health import Health
from segue.people.accounts import Accounts
from segue.places import CONF
from segue.settings import Settings, load_settings
from segue.storage import topic_faults
from segue.storage.availability import Availability
from segue.storage.store import open_store

log = logging.getLogger(__name__)
_STALL_SECONDS = 30.0
"""How long the event loop may be blocked."""
_TURN_SECONDS = 0.001
"""How long a thread may hold the interpreter while others wait for it; Python's default is 5 ms. After each
read of the database, a request waits for a turn of each page that is busy."""
_GRACE_SECONDS = 5
"""How long requests may take to end after SIGTERM; sound that is being heard would take the whole track."""


def serve(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=LAST_PORT, help="The port. If it is taken, a free port near it is used."),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="The address to listen on. Any other than a loopback address requires log-in."),
    ] = None,
) -> None:
    """Serve the dashboard: the player, and the pages for listeners and operators.

    It listens on this machine only, unless `--host` or the setting dashboard.host names another address.

    Example: ./run.sh dashboard serve --port 8600

    Example: ./run.sh dashboard serve --host 0.0.0.0
    """
    with one_line_errors():
        if host is not None:
            # Pages load the settings again, from the environment.
            os.environ["SEGUE_DASHBOARD__HOST"] = host
        found = load_settings()
    with logs.service(found.logs.format, level=found.logs.level):
        settings = connected(found, kafka=False)
        store = open_store(settings)  # fails here, with a one-line error, before anything is served
        listener = listening(settings.dashboard.host, port or settings.dashboard.port)
        address = address_of(settings.dashboard, port=listener.getsockname()[1])
        with (
            tracing.traced(
                "segue-dashboard", endpoint=settings.tracing.endpoint, share=settings.tracing.share
            ),
            contextlib.ExitStack() as records,
        ):
            records.enter_context(listener)
            records.enter_context(registered("dashboard", address=address))
            typer.echo(f"the dashboard is at {address}")
            lines = notices(settings.dashboard, database=settings.mongo.database)
            lines += entries_by_id(settings.dashboard, Accounts(store))
            if (line := operator_line(settings.dashboard, store, address=address)) is not None:
                lines.append(line)
            typer.echo("".join(f"{line}\n" for line in lines), nl=False)
            store.database.client.close()
            if settings.kafka.bootstrap_servers:
                # In the background: Kafka may not answer yet.
                threading.Thread(target=topic_faults.report, args=(settings,), daemon=True).start()
            serve_app(settings, listener=listener)


def serve_app(
    settings: Settings, *, listener: socket.socket, started: Callable[[str], None] = lambda page: None
) -> None:
    """Serve the pages and the routes on a listening socket, until the process receives a signal.

    `started` is called with the address of the health page, if there is one.

    Raises
    ------
    SegueError
        The file that `dashboard.oidc_config_file` names does not exist, or the pages did not load.
    """
    log_in = settings.dashboard.oidc_config_file
    if log_in and not Path(log_in).is_file():
        raise SegueError(f"there is no file {log_in}: correct the setting dashboard.oidc_config_file")
    # On import, Streamlit reads .streamlit/config.toml in the current folder.
    os.chdir(CONF)
    from streamlit import config

    from segue.dashboard import visit
    from segue.dashboard.app import make_app
    from segue.dashboard.beside.follower import Follower
    from segue.dashboard.connections import PatientWebSocket, PromptProtocol
    from segue.dashboard.log_lines import spare_the_log
    from segue.dashboard.page_messages import LARGEST

    if log_in:
        config.set_option("secrets.files", [log_in])
    logging.getLogger("streamlit").setLevel(logging.WARNING)
    _log_as(logs.formatter(settings.logs.format))
    app = make_app()
    spare_the_log()
    # No access log: it would contain the tickets of audio addresses.
    of_server = uvicorn.Config(
        app,
        http=PromptProtocol,
        ws=PatientWebSocket,
        ws_max_size=LARGEST,
        log_level="warning",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        forwarded_allow_ips=list(settings.dashboard.trusted_proxies),
    )
    sys.setswitchinterval(_TURN_SECONDS)
    services = visit.services()
    server = _Server(of_server, services.availability)
    metrics_port = settings.dashboard.metrics_port
    if metrics_port and _serve_metrics(metrics_port, server, services.metrics.registry):
        started(f"http://127.0.0.1:{metrics_port}/health")
    follower = Follower(services)
    follower.start()
    try:
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        follower.close()
    if not server.started:
        raise SegueError("the dashboard could not start: the lines above give the cause")


def _log_as(formatter: logging.Formatter) -> None:
    """Give this form to the loggers of Streamlit and uvicorn, for each of which Streamlit makes a handler."""
    from streamlit import logger as streamlit_logger

    def set_up(logger: logging.Logger) -> None:
        former = getattr(logger, "streamlit_console_handler", None)
        if former is not None:
            logger.removeHandler(former)
        handler = logging.StreamHandler()
        handler.setFormatter(formatter)
        logger.streamlit_console_handler = handler  # type: ignore[attr-defined]
        logger.addHandler(handler)

    streamlit_logger.setup_formatter = set_up
    streamlit_logger.update_formatter()


class _Server(uvicorn.Server):
    """Notes when its event loop last ran."""

    ran_at = 0.0
    """By the monotonic clock; 0 before the start."""

    def __init__(self, config: uvicorn.Config, availability: Availability) -> None:
        super().__init__(config)
        self._availability = availability

    async def on_tick(self, counter: int) -> bool:
        self.ran_at = time.monotonic()
        return await super().on_tick(counter)

    def health(self) -> Health:
        """Healthy while the event loop runs and MongoDB answers."""
        if not self.ran_at:
            return Health("starting", ("the dashboard has not started yet",))
        problems = []
        if (still := time.monotonic() - self.ran_at) > _STALL_SECONDS:
            problems.append(f"requests have not been handled for {still:.0f} s")
        if (away := self._availability.seconds_away()) > 0:
            problems.append(f"MongoDB has not answered for {away:.0f} s")
        return Health("unhealthy" if problems else "healthy", tuple(problems))


def _serve_metrics(port: int, server: _Server, registry: CollectorRegistry) -> bool:
    try:
        health.serve(port, registry=registry, health=server.health)
    except OSError as error:
        # The dashboard runs without its metrics.
        log.warning("no metrics on port %d: %s; set SEGUE_DASHBOARD__METRICS_PORT", port, error.strerror)
        return False
    return True
