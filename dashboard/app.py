"""The dashboard as one ASGI application: Streamlit's pages and our routes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from pymongo.database import Database
from starlette.middleware import Middleware
from starlette.routing import Route

from segue.dashboard.api import (
    audio,
    covers,
    map,
    own_data,
    people,
    playlists,
    plays,
    radio,
    shared,
    similar,
    upcoming,
)
from segue.dashboard.api.door import Door, make_door
from segue.dashboard.api.guests import Guests
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store

_PARTS = (audio, map, own_data, people, playlists, plays, radio, shared, similar, upcoming)
PAGES = Path(__file__).with_name("pages.py")


def make_app(database: Database[Document], settings: Settings) -> st.App:
    """The application over a database; plays go to the settings' Kafka."""
    door = make_door(database, settings)
    return st.App(PAGES, routes=make_routes(door), middleware=[Middleware(Guests, sessions=door.sessions)])


def make_routes(door: Door) -> list[Route]:
    """All routes beside the pages."""
    own = [route for part in _PARTS for route in part.routes(door)]
    return [covers.route(Store(door.database)), *own]
