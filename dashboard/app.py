"""The dashboard as one ASGI application: Streamlit's pages and our routes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from pymongo.database import Database

from dashboard import covers
from segue.storage.mongo import Document

PAGES = Path(__file__).with_name("pages.py")


def make_app(database: Database[Document]) -> st.App:
    """The application over a database."""
    return st.App(PAGES, routes=[covers.route(database)])
