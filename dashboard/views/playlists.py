"""A playlist, which `?id=` names in the address, and forms that make playlists."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.words import gettext, ngettext, translated
from segue.dashboard.navigation import address, reopen
from segue.dashboard.player import components, library, rules
from segue.dashboard.player.components import Entry
from segue.dashboard.queries.items import Item, read_items
from segue.dashboard.queries.playlist_files import read_and_match
from segue.dashboard.queries.times import length
from segue.dashboard.slow_work import Full
from segue.dashboard.text import plain
from segue.dashboard.views import heading, made, more, sharing
from segue.people.login_sessions import Listener
from segue.phrases import marked
from segue.playlists.entries import Listed, NotPlaylist
from segue.playlists.m3u import LARGEST, PLAYLIST_SUFFIXES
from segue.playlists.matching import Matched
from segue.playlists.playlist import Playlist, PlaylistError
from segue.playlists.playlists import LONGEST_NAME
from segue.playlists.written import FORMATS

_UNMATCHED_SHOWN = 200
_PATIENCE = 30.0
"""Seconds for which a playlist file waits for others."""
_BUSY = {
    503: marked("Other files are being analysed: try again in a moment."),
    429: marked("Your other files are being analysed: try again when they are done."),
}
_GENRES = 300


def show_one() -> bool:
    """Show the playlist that the address names, or the generated one; False if it names none."""
    listener = visit.listener()
    if listener is None:
        return False
    if "made" in st.query_params:
        made.show(listener.user_id)
        return True
    wanted = st.query_params.get("id", "")
    playlist = visit.services().playlists.read(listener.user_id, wanted) if wanted else None
    if playlist is not None:
        _playlist(listener, playlist)
        return True
    if wanted:
        st.info(gettext("This playlist no longer exists."), icon=":material/queue_music:")
    return False


def show_tools(owner: str) -> None:
    """Below the list of playlists: those that Segue makes, and forms for new ones."""
    _made_for_you()
    new, imported = st.columns(2, gap="large")
    with new, st.form("new-playlist", clear_on_submit=True):
        name = st.text_input(
            gettext("New playlist"), placeholder=gettext("Name"), max_chars=LONGEST_NAME, key="new-name"
        )
        if st.form_submit_button(gettext("Create"), icon=":material/add:"):
            try:
                new_id = visit.services().playlists.create(owner, given.text(name)).playlist_id
                reopen(id=new_id)
            except PlaylistError as error:
                st.error(translated(error))
    with imported:
        _import(owner)
    _by_rules(None)


def _by_rules(playlist: Playlist | None) -> None:
    """The editor of a playlist's rules, or of those of a new playlist."""
    label = gettext("New playlist by rules") if playlist is None else gettext("Rules")
    with st.expander(label, icon=":material/rule:"):
        genres = visit.services().catalogue.genres(limit=_GENRES)
        if playlist is None:
            st.caption(gettext("It has the songs that fit its rules, and updates itself."))
        data = rules.editor(
            playlist.rules if playlist else None,
            playlist_id=playlist.playlist_id if playlist else None,
            genres=genres,
        )
        components.rules(data, key=f"rules-{playlist.playlist_id if playlist else 'new'}")


def _made_for_you() -> None:
    st.header(gettext("Made for you"), anchor=False)
    components.entries(
        [
            Entry(
                name=translated(name),
                href=address("playlists", made=kind),
                note=translated(subtitle),
                icon=icon,
            )
            for kind, (name, subtitle, icon) in made.BY_DAY.items()
        ],
        key="made",
        layout="list",
    )


def _import(owner: str) -> None:
    with st.form("import-playlist", clear_on_submit=True):
        file = st.file_uploader(
            gettext("Import a playlist file"),
            type=list(PLAYLIST_SUFFIXES),
            max_upload_size=max(1, LARGEST >> 20),
            key="m3u",
        )
        submitted = st.form_submit_button(gettext("Import"), icon=":material/upload:")
    if submitted and file is None:
        st.error(gettext("Choose a file first."))
    elif submitted and file is not None:
        try:
            with st.spinner(gettext("Looking for the songs")):
                listed, matches = _read(file.getvalue(), visit.network() or owner)
            name = (listed.name or file.name.rpartition(".")[0] or gettext("Playlist"))[:LONGEST_NAME]
            if not matches.track_ids:
                st.error(gettext("None of the songs is in this library."))
                _unmatched([entry.shown for entry in matches.unmatched])
                return
            new = visit.services().playlists.create(owner, name, tracks=matches.track_ids)
        except (NotPlaylist, PlaylistError) as error:
            st.error(translated(error))
            return
        st.session_state["unmatched"] = (new.playlist_id, [entry.shown for entry in matches.unmatched])
        reopen(id=new.playlist_id)


def _read(content: bytes, visitor: str) -> tuple[Listed, Matched]:
    """A playlist file and its songs.

    Raises
    ------
    NotPlaylist
        It is not a playlist, or another file of this visitor is being read, or too many of others.
    """
    services = visit.services()
    try:
        with services.reading.place(visitor, patience=_PATIENCE):
            return read_and_match(services.catalogue, content)
    except Full as full:
        raise NotPlaylist(_BUSY[full.status_code]) from None


def _unmatched(shown: list[str]) -> None:
    if not shown:
        return
    heading_of = ngettext(
        "{count} song is not in this library", "{count} songs are not in this library", len(shown)
    )
    with st.expander(heading_of, expanded=True, icon=":material/music_off:"):
        number = more.asked_for("unmatched", first=_UNMATCHED_SHOWN)
        st.markdown("\n".join(f"- {plain(line)}" for line in shown[:number]))
        more.offer("unmatched", shown=min(number, len(shown)), total=len(shown), words=more.songs)


def _playlist(listener: Listener, playlist: Playlist) -> None:
    owner = listener.user_id
    made.back()
    heading.name_tab(playlist.name)
    known = read_items(visit.services().store, playlist.tracks, source="playlist")
    songs = [known.get(track_id) or _gone(track_id) for track_id in playlist.tracks]
    folders = sorted({one.folder for one in visit.services().playlists.of(owner) if one.folder})
    components.playlist(library.head(playlist, songs, folders=folders), key=f"head-{playlist.playlist_id}")
    components.collection(
        [song for song in songs if song.track_id in known],
        key="all",
        saves=components.Saves("playlists", playlist.playlist_id, playlist.name),
    )
    _tools(listener, playlist, songs)
    if playlist.rules is not None:
        _by_rules(playlist)
    unmatched = st.session_state.get("unmatched")
    if unmatched and unmatched[0] == playlist.playlist_id:
        _unmatched(unmatched[1])
    if not songs:
        empty = (
            gettext("This playlist is empty. Add songs from their “…” menu.")
            if playlist.rules is None
            else gettext("No song fits the rules.")
        )
        st.info(empty, icon=":material/playlist_add:")
        return
    editable = components.Editable(playlist.playlist_id, playlist.version) if playlist.rules is None else None
    components.tracks(songs, key=f"songs-{playlist.playlist_id}", layout="list", edit=editable)


def _gone(track_id: str) -> Item:
    return Item(
        track_id=track_id, title=gettext("A song that has left the library"), artist="", source="playlist"
    )


def _tools(listener: Listener, playlist: Playlist, songs: list[Item]) -> None:
    owner, playlists = listener.user_id, visit.services().playlists
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(length(songs))
        filled = bool(songs) and playlist.rules is None
        if filled and st.button(
            gettext("Add similar songs"), icon=":material/playlist_add:", type="tertiary", key="add-similar"
        ):
            reopen(made="continued", id=playlist.playlist_id)
        if songs:
            sharing.offer(listener, "playlist", playlist.playlist_id, title=playlist.name)
        with st.popover(gettext("Export"), icon=":material/download:", type="tertiary", key="export"):
            for suffix, form in FORMATS.items():
                address_of = f"/api/playlists/{playlist.playlist_id}/file?format={suffix}"
                st.link_button(form.name, address_of, type="tertiary")
        with st.popover(gettext("Delete"), icon=":material/delete:", type="tertiary"):
            st.write(gettext("The songs stay in the library. The playlist cannot be restored."))
            if st.button(gettext("Delete this playlist"), type="primary", key="delete-playlist"):
                playlists.delete(owner, playlist.playlist_id)
                reopen(show="playlists")
