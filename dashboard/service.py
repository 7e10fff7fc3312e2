"""What every page needs: the settings, the database and the catalogue, made once a process; who listens."""

from __future__ import annotations

import streamlit as st
from pymongo.database import Database

from segue.dashboard.people.accounts import Account
from segue.dashboard.people.handover import Handovers
from segue.dashboard.people.operators import is_operator
from segue.dashboard.people.sessions import COOKIE, Listener, Sessions
from segue.dashboard.queries.catalogue import Catalogue
from segue.dashboard.queries.often import Often
from segue.dashboard.queries.popular import Popular
from segue.local.stack import connected
from segue.playlists.day import DayLists
from segue.playlists.playlists import Playlists
from segue.settings import Settings, load_settings
from segue.storage.mongo import Document, connect
from segue.storage.store import Store


@st.cache_resource
def settings() -> Settings:
    """The settings, with the addresses of the embedded servers where they name no others."""
    return connected(load_settings(), kafka=False)


@st.cache_resource
def database() -> Database[Document]:
    """Segue's database; its client keeps its own pool of connections."""
    return connect(settings().mongo)


@st.cache_resource
def catalogue() -> Catalogue:
    """Search and neighbours; the word index and the neighbour index stay in memory."""
    return Catalogue(database(), index_folder=settings().index.folder)


@st.cache_resource
def playlists() -> Playlists:
    """Everybody's playlists; whoever asks names the owner."""
    return Playlists(database())


@st.cache_resource
def day_lists() -> DayLists:
    """Everybody's lists of the day."""
    return DayLists(database())


@st.cache_resource
def popular() -> Popular:
    """What is popular now."""
    return Popular(Store(database()), window=settings().engagement.window)


@st.cache_resource
def often() -> Often:
    """The genres and artists that one can begin with."""
    return Often(database())


@st.cache_resource
def _sessions() -> Sessions:
    return Sessions(database())


def listener() -> Listener | None:
    """Whose page this is, by the session's cookie; None when the browser has sent none that is good."""
    return _sessions().find(st.context.cookies.get(COOKIE))


def hand_over(account: Account) -> str:
    """A code by which this page's browser becomes that account (:mod:`segue.dashboard.people.handover`)."""
    return _handovers().offer(account, token=st.context.cookies[COOKIE])


def end_session() -> None:
    """Close the session of this page's browser; its next page begins another one."""
    _sessions().close(st.context.cookies[COOKIE])


@st.cache_resource
def _handovers() -> Handovers:
    return Handovers(database())


def operator() -> bool:
    """Whether the visitor runs the service, and so may see what all listeners do."""
    return is_operator(listener(), settings().dashboard, headers=st.context.headers)
