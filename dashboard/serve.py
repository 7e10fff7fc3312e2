"""`./run.sh dashboard serve`: serves the pages."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from segue.errors import SegueError, one_line_errors
from segue.local.process import LAST_PORT, listening, registered
from segue.local.reachable import address_of, notices
from segue.local.stack import connected
from segue.places import CONF
from segue.settings import Settings, load_settings
from segue.storage.mongo import connect

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
        settings = connected(load_settings(), kafka=False)
        connect(settings.mongo).client.close()  # fails here, with a one-line error, before anything is served
        listener = listening(settings.dashboard.host, port or settings.dashboard.port)
        address = address_of(settings.dashboard, port=listener.getsockname()[1])
        with listener, registered("dashboard", address=address):
            typer.echo(f"the dashboard is at {address}")
            for line in notices(settings.dashboard, database=settings.mongo.database):
                typer.echo(line)
            serve_app(settings, listener=listener)


def serve_app(settings: Settings, *, listener: socket.socket) -> None:
    """Serve the pages and the routes on a listening socket, until the process receives a signal.

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

    from segue.dashboard.app import make_app

    if log_in:
        config.set_option("secrets.files", [log_in])
    logging.getLogger("streamlit").setLevel(logging.WARNING)
    app = make_app()
    # No access log: it would contain the tickets of audio addresses.
    config_of_server = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS
    )
    server = uvicorn.Server(config_of_server)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if not server.started:
        raise SegueError("the dashboard could not start: the lines above say why")
