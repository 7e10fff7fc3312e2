"""`./run.sh api serve`: the APIs for other programs as a service, without the pages."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from uvicorn.supervisors import Multiprocess

from segue import logs
from segue.dashboard.api.v1 import routes as developers
from segue.dashboard.beside.follower import Follower
from segue.dashboard.capacity import Capacity
from segue.dashboard.connections import PromptProtocol
from segue.dashboard.listenbrainz import routes as listenbrainz
from segue.dashboard.log_lines import spare_the_log
from segue.dashboard.metrics import Measured
from segue.dashboard.opensubsonic.routes import no_room, routes
from segue.dashboard.scrobbling import sending_scrobbles
from segue.dashboard.services import Services
from segue.dashboard.turns import Turns
from segue.errors import SegueError, one_line_errors
from segue.local.process import LAST_PORT, listening, registered
from segue.local.stack import connected
from segue.settings import Settings, load_settings
from segue.storage.mongo import connect
from segue.storage.store import open_store

log = logging.getLogger(__name__)
_APP = "segue.dashboard.opensubsonic.serve:make_app"
_GRACE_SECONDS = 5


def serve(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=LAST_PORT, help="The port. If it is taken, a free port near it is used."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="The number of processes that share the port.")
    ] = None,
) -> None:
    """Serve the APIs for music apps, scrobbles of other programs and developers, without the pages.

    The dashboard serves the same APIs at its own address. A separate service answers many apps in several
    processes. It needs the same database, Kafka, music folders and key of app passwords.

    Example: ./run.sh api serve

    Example: ./run.sh api serve --host 0.0.0.0 --port 4533 --processes 4
    """
    with one_line_errors():
        found = load_settings()
        own = found.opensubsonic
        settings = connected(found, kafka=False)
        connect(settings.mongo).client.close()  # fails here, with a one-line error, before anything is served
    with logs.service(found.logs.format, level=found.logs.level), one_line_errors():
        listener = listening(host or own.host, port or own.port)
        address = f"http://{host or own.host}:{listener.getsockname()[1]}/rest/"
        config = server_config(settings, processes=processes or own.processes)
        server = uvicorn.Server(config)
        with listener, registered("api", address=address):
            typer.echo(f"music apps reach Segue at {address}")
            if config.workers == 1:
                server.run(sockets=[listener])
                if not server.started:
                    raise SegueError("the API could not start: the lines above give the cause")
            else:
                Multiprocess(config, sockets=[listener]).run()


def server_config(settings: Settings, *, processes: int) -> uvicorn.Config:
    """The configuration of the server."""
    return uvicorn.Config(
        _APP,
        factory=True,
        workers=processes,
        http=PromptProtocol,
        ws="none",  # the API has no WebSockets
        log_level="warning",
        access_log=False,  # it would contain the credentials of apps
        log_config=None,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        forwarded_allow_ips=list(settings.dashboard.trusted_proxies),
    )


def make_app(settings: Settings | None = None) -> Starlette:
    """The application of one process."""
    found = settings or load_settings()
    logs.configure(found.logs.format, level=found.logs.level)
    spare_the_log()
    used = connected(found, kafka=False)
    services = Services(open_store(used), used)
    answering = [*routes(services), *listenbrainz.routes(services), *developers.routes(services)]
    layers = [
        Middleware(Measured, metrics=services.metrics, routes=answering),
        Middleware(Capacity, of_apps=no_room),
        Middleware(Turns, of_apps=no_room),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        services.prepare()
        follower = Follower(services)
        follower.start()
        async with sending_scrobbles(services):
            yield
        await run_in_threadpool(follower.close)
        services.close()

    return Starlette(routes=answering, middleware=layers, lifespan=lifespan)
