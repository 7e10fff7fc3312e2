"""The dashboard as one ASGI application: Streamlit's pages and our routes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from segue.dashboard import visit
from segue.dashboard.api import (
    audio,
    covers,
    library,
    lyrics,
    map,
    offline,
    openapi,
    operator_link,
    own_data,
    people,
    player,
    playlist_edits,
    playlists,
    queue,
    radio,
    recovery,
    search,
    shared,
    similar,
)
from segue.dashboard.api.login_required import LoginRequired
from segue.dashboard.api.outage import MongoOutage
from segue.dashboard.api.requests import Guests
from segue.dashboard.api.traces import Traced
from segue.dashboard.api.v1 import routes as developers
from segue.dashboard.capacity import Capacity
from segue.dashboard.listenbrainz import routes as listenbrainz
from segue.dashboard.metrics import Measured
from segue.dashboard.opensubsonic import routes as opensubsonic
from segue.dashboard.page_messages import PageMessages
from segue.dashboard.protection import Protected
from segue.dashboard.scrobbling import sending_scrobbles
from segue.dashboard.seeing import seen_by_visitor
from segue.dashboard.services import Services
from segue.dashboard.sessions import while_it_runs
from segue.dashboard.static_files import StaticFiles
from segue.dashboard.streamlit_page import StreamlitPage
from segue.dashboard.turns import Turns
from segue.dashboard.uploads import Uploads
from segue.dashboard.views.outage import keep_outages_out_of_the_log, show_outage

_PARTS = (
    audio,
    covers,
    library,
    lyrics,
    map,
    offline,
    openapi,
    operator_link,
    own_data,
    people,
    player,
    playlist_edits,
    playlists,
    queue,
    radio,
    recovery,
    search,
    shared,
    similar,
)
_FOR_PROGRAMS = (developers, opensubsonic, listenbrainz)
"""The APIs of other programs, which check their callers themselves."""
PAGES = Path(__file__).with_name("pages.py")


def make_app() -> st.App:
    """The application over the settings' database; plays go to the settings' Kafka.

    Pages and routes share :func:`segue.dashboard.visit.services`.
    """
    services = visit.services()
    keep_outages_out_of_the_log()
    of_programs = [route for part in _FOR_PROGRAMS for route in part.routes(services)]
    return st.App(
        PAGES,
        routes=[*make_routes(services), *of_programs],
        middleware=make_middleware(services, of_programs),
        lifespan=_lifespan(services),
        on_script_error=show_outage,
    )


def _lifespan(services: Services) -> Callable[[object], AbstractAsyncContextManager[None]]:
    with_sessions = while_it_runs(services.store, plays_kept=services.settings.retention.plays)

    @contextlib.asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        services.prepare()
        async with with_sessions(app), sending_scrobbles(services):
            yield

    return lifespan


def make_middleware(services: Services, of_programs: Sequence[Route] = ()) -> list[Middleware]:
    """The middleware before pages and routes; `of_programs` are the routes of other programs."""
    measured = [*make_routes(services), *of_programs]
    layers = [
        Middleware(Measured, metrics=services.metrics, routes=measured),
        Middleware(Protected, settings=services.settings.dashboard),
        Middleware(PageMessages),
        Middleware(Capacity),
        Middleware(Turns, of_apps=opensubsonic.no_room),
        Middleware(StaticFiles, root=Path(st.__file__).parent / "static"),
        Middleware(StreamlitPage),
        Middleware(Traced, routes=make_routes(services)),
        Middleware(MongoOutage, availability=services.availability),
        Middleware(Guests, login_sessions=services.login_sessions, newcomers=services.newcomers),
        Middleware(Uploads, login_sessions=services.login_sessions),
    ]
    if services.settings.dashboard.login_required:
        layers.append(Middleware(LoginRequired, login_sessions=services.login_sessions))
    return layers


def make_routes(services: Services) -> list[Route]:
    """All routes that are not pages."""
    return [seen_by_visitor(route) for part in _PARTS for route in part.routes(services)]
