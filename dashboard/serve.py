"""`./run.sh dashboard serve`: serves the pages."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from segue.errors import SegueError, one_line_errors
from segue.local.process import free_port, registered
from segue.local.stack import connected
from segue.places import CONF
from segue.settings import Settings, load_settings
from segue.storage.mongo import connect


def serve(
    port: Annotated[int | None, typer.Option(help="The port to use; a free one near it when taken.")] = None,
) -> None:
    """Serve the dashboard: the player, and the live and operations pages.

    Example: ./run.sh dashboard serve

    Example: ./run.sh dashboard serve --port 8600
    """
    with one_line_errors():
        settings = connected(load_settings(), kafka=False)
        connect(settings.mongo).client.close()  # an error here is one line, before anything is served
        address = free_port(port or settings.dashboard.port)
        with registered("dashboard", address=f"http://127.0.0.1:{address}"):
            typer.echo(f"the dashboard is at http://127.0.0.1:{address}")
            serve_app(settings, port=address)


def serve_app(settings: Settings, *, port: int) -> None:
    """Serve the pages and the routes on the loopback address, until the process is asked to end."""
    log_in = settings.dashboard.oidc_config_file and Path(settings.dashboard.oidc_config_file).absolute()
    if log_in and not log_in.is_file():
        raise SegueError(f"there is no file {log_in}: see to the setting dashboard.log_in_file")
    # Streamlit looks for .streamlit/config.toml in the current folder, when it is imported.
    os.chdir(CONF)
    from streamlit import config

    from segue.dashboard.app import make_app

    if log_in:
        config.set_option("secrets.files", [str(log_in)])
    logging.getLogger("streamlit").setLevel(logging.WARNING)
    app = make_app()
    # No access log: the addresses of sounds are secrets of their sessions.
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
