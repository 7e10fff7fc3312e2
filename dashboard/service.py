"""What every page needs: the settings and the database, made once a process."""

from __future__ import annotations

import streamlit as st
from pymongo.database import Database

from segue.local.stack import connected
from segue.settings import Settings, load_settings
from segue.storage.mongo import Document, connect


@st.cache_resource
def settings() -> Settings:
    """The settings, with the addresses of the embedded servers where they name no others."""
    return connected(load_settings(), kafka=False)


@st.cache_resource
def database() -> Database[Document]:
    """Segue's database; its client keeps its own pool of connections."""
    return connect(settings().mongo)
