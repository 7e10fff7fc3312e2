"""The library: all albums, artists, songs, playlists, liked songs and genres, as `?show=` names them."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.player import components, library
from segue.dashboard.queries.library import VIEWS, Asked, View
from segue.dashboard.text import no_music, reload_page
from segue.dashboard.views import heading, playlists

_AT_FIRST = 100


def show() -> None:
    """The list, or the playlist, that the address names; all albums by default."""
    if not playlists.show_one():
        _show(Asked.read(st.query_params.to_dict()))


def show_albums() -> None:
    """The address of earlier releases for all albums."""
    _show(Asked.read({"show": "albums"}))


def show_artists() -> None:
    """The address of earlier releases for all artists."""
    _show(Asked.read({"show": "artists"}))


def show_playlists() -> None:
    """A playlist, or a generated one, that the address names; else the listener's playlists."""
    if not playlists.show_one():
        _show(Asked.read({"show": "playlists"}))


def _show(asked: Asked) -> None:
    st.title(gettext("Library"), anchor=False)
    heading.name_tab(translated(VIEWS[asked.view]))
    listener = visit.listener()
    if listener is None:
        st.info(reload_page(), icon=":material/refresh:")
        return
    services = visit.services()
    found = services.library.page(listener.user_id, asked, limit=_AT_FIRST)
    frame = library.frame(
        asked,
        layout=st.query_params.get("as", ""),
        total=services.library.count(listener.user_id, asked),
        empty=_empty(asked.view),
    )
    components.library({**frame, **library.page(asked, found)})
    if asked.view == "playlists":
        playlists.show_tools(listener.user_id)


def _empty(view: View) -> str:
    if view == "liked":
        return gettext("Songs that you like appear here. To like a song, press its heart.")
    if view == "playlists":
        return gettext(
            "Create a playlist here, or from the “…” menu of any song. "
            "To bring a playlist from another program, import its file."
        )
    return no_music().replace("`", "")  # Markdown, which the component does not read
