"""The dashboard as one ASGI application: Streamlit's pages and our routes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from segue.dashboard import visit
from segue.dashboard.api import (
    audio,
    covers,
    map,
    openapi,
    own_data,
    people,
    player,
    playlists,
    radio,
    shared,
    similar,
)
from segue.dashboard.api.guests import Guests
from segue.dashboard.services import Services

_PARTS = (audio, covers, map, openapi, own_data, people, player, playlists, radio, shared, similar)
PAGES = Path(__file__).with_name("pages.py")


def make_app() -> st.App:
    """The application over the settings' database; plays go to the settings' Kafka.

    Pages and routes share :func:`segue.dashboard.visit.services`.
    """
    services = visit.services()
    return st.App(
        PAGES,
        routes=make_routes(services),
        middleware=[Middleware(Guests, login_sessions=services.login_sessions)],
    )


def make_routes(services: Services) -> list[Route]:
    """All routes beside the pages."""
    return [route for part in _PARTS for route in part.routes(services)]
