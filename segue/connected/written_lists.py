"""Writes a playlist of an account on another server.

Delivery: the songs of a list are replaced in one request, so that it is the old or the new one. A server that
takes no long requests gets the new songs after the old ones, and then loses the old ones: the list is never
shorter than both. Only lists that Segue has made are changed. A list is looked for before another one is
made, so that a crash between its creation and the note of its id, or an answer that is lost, makes no second
one, even if the songs are others by then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from segue.batches import batches
from segue.connected.client import OpenSubsonic
from segue.connected.faults import (
    LogInRefused,
    NoSuchThing,
    NotAllowed,
    RefusedCall,
    ServerFault,
    UnexpectedAnswer,
)
from segue.connected.linked_accounts import WrittenList
from segue.connected.listing import song
from segue.connected.remote_songs import identifier

MOST = 200
"""Songs of a list."""
_NO_REASON = 0
MARK = "Made by Segue, and changed as you listen."
"""The comment by which Segue knows its lists."""
_IN_ADDRESS = 20
"""Songs whose ids fit into the address of a request."""
Pairs = list[tuple[str, Any]]


def digest_of(name: str, song_ids: Sequence[str]) -> str:
    """The digest of a list: another one means that it has to be written."""
    return hashlib.sha256("\n".join([name, *song_ids]).encode("utf-8", "replace")).hexdigest()[:32]


def write_list(
    client: OpenSubsonic,
    *,
    user: str,
    name: str,
    song_ids: Sequence[str],
    before: WrittenList,
    note: Callable[[WrittenList], None],
) -> None:
    """Write a list, unless it has these songs already; `note` stores its state.

    Raises
    ------
    ServerFault
        The server is away, or does not write the list: the former one is still there.
    """
    wanted = list(song_ids)[:MOST]
    digest = digest_of(name, wanted)
    if not wanted or before.get("digest") == digest:
        return
    try:
        own = _written(client, user=user, name=name, wanted=wanted, before=before, note=note)
    except (NoSuchThing, RefusedCall) as error:
        # Some servers refuse the whole list for a song that they have lost; Gonic gives no reason then.
        if isinstance(error, RefusedCall) and error.code != _NO_REASON:
            raise
        there = [one for one in wanted if _is_there(client, one)]
        if not there or there == wanted:
            raise
        own = _written(client, user=user, name=name, wanted=there, before=before, note=note)
    note({"playlist": own, "digest": digest, "written_at": datetime.now(UTC)})


def _is_there(client: OpenSubsonic, song_id: str) -> bool:
    """Whether the account may hear a song that the server has."""
    try:
        return song(client, song_id) is not None
    except NotAllowed:
        return False


def _written(
    client: OpenSubsonic,
    *,
    user: str,
    name: str,
    wanted: Sequence[str],
    before: WrittenList,
    note: Callable[[WrittenList], None],
) -> str:
    """Write a list; returns its id."""
    own = before.get("playlist")
    stored = _songs(client, own, ours=lambda found: _is_ours(found, user=user, name=name)) if own else None
    if own is None or stored is None:
        own, stored = _found(client, user=user, name=name, wanted=wanted, before=before)
    if own is None:
        note({"begun": True, "begun_with": digest_of(name, wanted)})
        own = _created(client, user=user, name=name, wanted=wanted)
        stored = _songs(client, own)
    if stored != wanted:
        _replace(client, own, stored or [], wanted)
    return own


def _songs(
    client: OpenSubsonic, playlist: str, *, ours: Callable[[Mapping[str, Any]], bool] = lambda found: True
) -> list[str] | None:
    """The songs of a list; None if there is no such list any more, or it is not `ours`."""
    try:
        found = client.call("getPlaylist", {"id": playlist}).get("playlist")
    except (NoSuchThing, NotAllowed):  # some servers refuse a list that does not exist
        return None
    found = found if isinstance(found, dict) else {}
    if not ours(found):
        return None
    entries = found.get("entry")
    entries = entries if isinstance(entries, list) else [entries]
    return [own for entry in entries if isinstance(entry, dict) and (own := identifier(entry.get("id")))]


def _playlists(client: OpenSubsonic) -> list[Mapping[str, Any]]:
    found = client.call("getPlaylists").get("playlists")
    entries = found.get("playlist") if isinstance(found, dict) else None
    entries = entries if isinstance(entries, list) else [entries]
    return [entry for entry in entries if isinstance(entry, dict) and identifier(entry.get("id"))]


def _found(
    client: OpenSubsonic, *, user: str, name: str, wanted: Sequence[str], before: WrittenList
) -> tuple[str | None, list[str] | None]:
    """A list of ours whose id is not known: by its comment, or the one whose creation was interrupted."""
    begun_with = {digest_of(name, wanted), before.get("begun_with")} if before.get("begun") else set()
    for entry in _playlists(client):
        if not _is_own(entry, user) or entry.get("name") not in (name, _other(name)):
            continue
        own = identifier(entry.get("id"))
        is_marked = entry.get("comment") == MARK
        songs = _songs(client, own) if is_marked or begun_with else None
        if is_marked or (songs and digest_of(name, songs) in begun_with):
            return own, songs
    return None, None


def _created(client: OpenSubsonic, *, user: str, name: str, wanted: Sequence[str]) -> str:
    before = [entry for entry in _playlists(client) if _is_own(entry, user)]
    if any(entry.get("name") == name for entry in before):
        name = _other(name)
    known = {identifier(entry.get("id")) for entry in before}

    def new() -> str:
        mine = (entry for entry in _playlists(client) if _is_own(entry, user) and entry.get("name") == name)
        return next((one for entry in mine if (one := identifier(entry.get("id"))) not in known), "")

    try:
        answer = _send(client, "createPlaylist", [("name", name), *(("songId", one) for one in wanted)])
    except UnexpectedAnswer:
        own = new()  # it may have been made all the same
        if not own:
            pairs = [("name", name), *(("songId", one) for one in wanted[:_IN_ADDRESS])]
            client.call("createPlaylist", pairs, once=True)
            own = new()
    else:
        made = answer.get("playlist")
        own = identifier(made.get("id")) if isinstance(made, dict) else ""
        own = own or new()  # older servers do not return the list
    if not own:
        raise UnexpectedAnswer(f"{client.address} has not made the playlist {name}")
    with suppress(ServerFault):  # the list is there, and its id is known
        client.call("updatePlaylist", {"playlistId": own, "comment": MARK, "public": "false"})
    return own


def _replace(client: OpenSubsonic, own: str, stored: Sequence[str], wanted: Sequence[str]) -> None:
    """Replace the songs of a list."""
    try:
        _send(client, "createPlaylist", [("playlistId", own), *(("songId", one) for one in wanted)])
    except UnexpectedAnswer:
        _replace_in_parts(client, own, stored, wanted)
    now = _songs(client, own)
    if stored and not _is_left_of(now or [], wanted) and _is_added(now, stored, wanted):
        _remove_first(client, own, len(stored))
        now = _songs(client, own)
    if now and len(now) < len(wanted) and now == list(wanted[: len(now)]):  # it took only the first ones
        for part in batches(wanted[len(now) :], _IN_ADDRESS):
            _add(client, own, part)
        now = _songs(client, own)
    if not now or not _is_left_of(now, wanted):
        raise UnexpectedAnswer(f"{client.address} has not written a playlist as it should be")


def _replace_in_parts(client: OpenSubsonic, own: str, stored: Sequence[str], wanted: Sequence[str]) -> None:
    if len(stored) > MOST:  # left over by attempts that the server has cut short
        _remove(client, own, range(len(stored) - 1, MOST - 1, -1))
        stored = stored[:MOST]
    try:
        for part in batches(wanted, _IN_ADDRESS):
            _add(client, own, part)
    except ServerFault:
        _remove_added(client, own, stored)
        raise
    if _is_added(_songs(client, own), stored, wanted):
        _remove_first(client, own, len(stored))


def _remove_added(client: OpenSubsonic, own: str, stored: Sequence[str]) -> None:
    """Remove the songs that were added to a list before a fault, as far as the server lets that happen."""
    with suppress(ServerFault):
        now = _songs(client, own) or []
        if now[: len(stored)] == stored:
            _remove(client, own, range(len(now) - 1, len(stored) - 1, -1))


def _is_added(now: Sequence[str] | None, stored: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a list has the former songs, and after them some of the wanted ones."""
    return (
        now is not None
        and len(now) > len(stored)
        and now[: len(stored)] == stored
        and _is_left_of(now[len(stored) :], wanted)
    )


def _add(client: OpenSubsonic, own: str, songs: Sequence[str]) -> None:
    client.call("updatePlaylist", [("playlistId", own), *(("songIdToAdd", one) for one in songs)], once=True)


def _is_left_of(now: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a list has the wanted songs in order, without some: a server leaves out those that it has
    lost, or that the account may not hear.
    """
    places = iter(wanted)
    return all(one in places for one in now)


def _remove_first(client: OpenSubsonic, own: str, number: int) -> None:
    """Remove the first songs of a list."""
    _remove(client, own, range(number - 1, -1, -1))


def _remove(client: OpenSubsonic, own: str, places: Sequence[int]) -> None:
    """Remove songs of a list; the last place comes first, so that the places of the others stay."""
    for part in batches(places, _IN_ADDRESS):
        client.call(
            "updatePlaylist",
            [("playlistId", own), *(("songIndexToRemove", place) for place in part)],
            once=True,
        )


def _send(client: OpenSubsonic, endpoint: str, pairs: Pairs) -> Mapping[str, Any]:
    """Call by a form; a server that does not read forms misses the log-in, or a parameter."""
    try:
        return client.call(endpoint, pairs, post=True, once=True)
    except LogInRefused as error:
        client.call("ping")  # the log-in itself is refused no more than before
        raise UnexpectedAnswer(str(error)) from None


def _is_own(entry: Mapping[str, Any], user: str) -> bool:
    """Whether a list belongs to the account; a server that names no owners lists only those."""
    owner = entry.get("owner")
    return not isinstance(owner, str) or owner.casefold() == user.casefold()


def _is_ours(entry: Mapping[str, Any], *, user: str, name: str) -> bool:
    """Whether a list with the id of one of ours still is that one: a wiped server gives its ids again.

    A listener may have renamed it. Some servers keep no comment, and some add to the name.
    """
    shown = entry.get("name")
    renamed = isinstance(shown, str) and not shown.casefold().startswith(name.casefold())
    return _is_own(entry, user) and (not renamed or entry.get("comment") == MARK)


def _other(name: str) -> str:
    """The name of a list if the listener has one of that name."""
    return f"{name} (Segue)"
