"""Brings the catalogue in line with a connected server, a part of `./run.sh library update` and `library
watch`.

A server that is away or lists nothing removes nothing. A song that is not listed any more is asked for by its
id, and only one that the server says it does not have is gone. If very many are gone at once, they are kept
as unavailable until they are back, or until an operator accepts the removal.

Delivery: every write is an upsert by track or song id. A track is written before the song that it is; the
next pass completes an interrupted one, and a repeated pass changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from segue.batch_jobs.ingest_catalog import IngestSummary
from segue.batches import batches
from segue.catalog.absence import FEW
from segue.catalog.cover_art import thumbnail
from segue.catalog.covers import Covers
from segue.catalog.features import Features
from segue.catalog.gathering import gather
from segue.catalog.measured_tracks import MeasuredTracks
from segue.catalog.spoken import is_spoken
from segue.catalog.stamp import Stamp
from segue.catalog.track import MusicBrainzIds, Track, TrackDetails, track_id
from segue.catalog.track_document import ServerSong
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_records import StoredFile
from segue.connected import listing
from segue.connected.client import OpenSubsonic
from segue.connected.connections import Connection, Connections, is_paused
from segue.connected.faults import NoSuchThing, NotAllowed, ServerAway, ServerFault, UnexpectedAnswer
from segue.connected.known_songs import ConnectedSongs, Known
from segue.connected.log_ins import client_of
from segue.connected.matching import facts_of_song, facts_of_track, is_same_song, recognised, same_ids
from segue.connected.remote_songs import RemoteSong
from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.store import Store

log = logging.getLogger(__name__)
_COVER_PIXELS = 600
_AT_ONCE = 500
"""Songs that are written at once: an interruption loses at most these."""
IDS_AT_ONCE = 50_000
"""Ids of a request to the database, which takes 16 MB at most."""
_LONGEST_AWAY = timedelta(minutes=5)
"""The longest time until a server that did not answer is asked again."""
_MOST_ASKED = 1000
"""Songs that are asked for one by one in a pass; further ones wait for the next."""


@dataclass(frozen=True, kw_only=True)
class ServerChanges:
    """The changes of a pass over a server."""

    new: int = 0
    changed: int = 0
    same: int = 0
    moved: int = 0
    """Songs with another id or another path on the server."""
    shared: int = 0
    """Songs that are tracks with files of ours."""
    vanished: int = 0
    in_question: int = 0
    unusable: int = 0
    """Songs in a format that Segue does not know."""
    listed: bool = True
    """Whether the catalogue was read; it was not if the server reports no change."""


def is_due(connection: Connection, settings: Settings, *, now: datetime | None = None) -> bool:
    """Whether a server is to be asked again: after the interval, or sooner if it did not answer. A pause for
    which the server has asked is kept.
    """
    now = now or datetime.now(UTC)
    if is_paused(connection, now=now):
        return False
    asked, interval = connection.get("asked_at"), settings.servers.catalogue_interval
    if connection.get("fault"):
        interval = min(interval, _LONGEST_AWAY)
    return asked is None or now - asked >= interval


def read_server(
    store: Store,
    settings: Settings,
    connection: Connection,
    *,
    accepted: bool = False,
    everything: bool = False,
    progress: Callable[[int], None] = lambda number: None,
) -> IngestSummary:
    """Bring the catalogue in line with a server.

    Parameters
    ----------
    accepted
        The songs that are gone were removed, however many they are.
    everything
        Read the catalogue even if the server reports no change.

    Raises
    ------
    ServerFault
        The server is away or refuses the log-in; nothing was changed.
    SegueError
        Its password cannot be decrypted.
    """
    began, name = time.monotonic(), connection["_id"]
    connections = Connections(store)
    connections.note_asked(name)
    try:
        with client_of(connection, settings) as client:
            changes = _read(
                store,
                settings,
                connection,
                client,
                accepted=accepted,
                everything=everything,
                progress=progress,
            )
    except SegueError as error:
        connections.note_fault(name, str(error))
        connections.note_pause(name, error)
        raise
    return IngestSummary(
        library=name,
        tracks=TrackFiles(store).count_present(name),
        new=changes.new,
        changed=changes.changed,
        unchanged=changes.same,
        moved=changes.moved,
        vanished=changes.vanished,
        away=0,
        in_question=changes.in_question,
        rejected=changes.unusable,
        reasons={"unknown-format": changes.unusable} if changes.unusable else {},
        listed=0,
        without_audio=0,
        without_metadata=0,
        waiting=0,
        seconds=round(time.monotonic() - began, 2),
    )


def _read(
    store: Store,
    settings: Settings,
    connection: Connection,
    client: OpenSubsonic,
    *,
    accepted: bool,
    everything: bool,
    progress: Callable[[int], None],
) -> ServerChanges:
    name, connections = connection["_id"], Connections(store)
    status = listing.scan_status(client)
    listed_at = connection.get("listed_at")
    if listed_at is not None and not everything and not accepted:
        recent = datetime.now(UTC) - listed_at < settings.servers.full_list_interval
        same = status.mark is not None and status.mark == connection.get("mark")
        if recent and (status.scanning or same):  # some servers say for ever that they are scanning
            connections.note_fault(name, None)
            return ServerChanges(same=connection.get("songs", 0), listed=False)
    songs = listing.all_songs(client, progress=progress)
    usable = {song.song_id: song for song in songs if song.is_playable}
    changes = _Reconciling(store, name, client).run(
        usable, largest_share=float("inf") if accepted else settings.library.largest_loss, accepted=accepted
    )
    mark = None if changes.in_question else status.mark
    if not connections.note_list(name, songs=len(usable), mark=mark):
        forget_songs(store, name)
        raise NoSuchThing(f"{name} was disconnected meanwhile")
    return replace(changes, unusable=len(songs) - len(usable))


def forget_songs(store: Store, name: str) -> int:
    """Offer the songs of a server no longer; returns their number."""
    tracks = TrackFiles(store)
    songs = [track.track_id for track in tracks.former(name)]
    for part in batches(songs, IDS_AT_ONCE):
        tracks.mark_vanished(part)
    gather(store)
    ConnectedSongs(store).remove_all(name)
    return len(songs)


class _Reconciling:
    """One pass over the songs of a server."""

    def __init__(self, store: Store, name: str, client: OpenSubsonic) -> None:
        self._store, self._name, self._client = store, name, client
        self._tracks, self._known = TrackFiles(store), ConnectedSongs(store)
        self._read_covers: dict[tuple[str, str], str] = {}
        """The covers of albums; empty for one that cannot be read."""
        self._pictures: dict[str, str] = {}
        """The same by the server's id of the picture."""
        self._has_covers = True

    def run(self, listed: Mapping[str, RemoteSong], *, largest_share: float, accepted: bool) -> ServerChanges:
        of_server = self._tracks.ids_on_server(self._name)
        known = self._known.of(self._name)
        for own, one in known.items():
            if one.own and one.track_id not in of_server:  # it was found in a folder, and has its file here
                known[own] = replace(one, own=False, digest=f"{one.digest}, on a disk")
        there = set[str]()
        for ids in batches(sorted({one.track_id for one in known.values() if not one.own}), IDS_AT_ONCE):
            there |= self._tracks.present_or_away(ids)
        # The song is no longer a track of ours whose file is gone.
        usable = {own: one for own, one in known.items() if one.own or one.track_id in there}
        same = same_ids(listed, usable)
        found = {own: song for own, song in listed.items() if own not in same}
        lost = {own: one for own, one in usable.items() if own not in same}
        again = recognised(
            map(facts_of_song, found.values()), (facts_of_song(one.song) for one in lost.values())
        )
        gone = {own: one for own, one in lost.items() if own not in set(again.values())}
        vanished, in_question, kept = self._told_apart(
            gone, listed, known=len(usable), largest_share=largest_share, accepted=accepted
        )
        taken = {one.track_id for one in usable.values()}
        entries = {own: replace(usable[own], song=listed[own]) for own in same}
        entries |= {own: replace(lost[former], song=found[own]) for own, former in again.items()}
        entries |= self._placed({own: song for own, song in found.items() if own not in again}, taken=taken)
        changed = {own: one for own, one in entries.items() if one.digest != one.song.digest}
        new = {own for own, one in changed.items() if not one.digest}
        for part in batches(sorted(changed.values(), key=lambda one: _album_of(one.song)), _AT_ONCE):
            without_cover = self._write([one for one in part if one.own])
            self._known.write(self._name, (_settled(one, without_cover) for one in part))
        # The entry of a song under a former id is removed after that under the new one was written.
        former = {*again.values(), *vanished, *(known.keys() - usable.keys())} - entries.keys()
        for ids in batches(sorted(former), IDS_AT_ONCE):
            self._known.remove(self._name, ids)
        for change, tracks in (
            (self._tracks.bring_back_missing, [one.track_id for one in entries.values() if one.own]),
            (self._tracks.mark_away, [gone[own].track_id for own in in_question if gone[own].own]),
            (self._tracks.mark_vanished, [gone[own].track_id for own in vanished if gone[own].own]),
        ):
            for ids in batches(tracks, IDS_AT_ONCE):
                change(ids)
        gather(self._store)
        return ServerChanges(
            new=len(new),
            changed=len(changed) - len(new),
            same=len(entries) - len(changed) + len(kept),
            moved=len(again),
            shared=sum(not one.own for one in entries.values()),
            vanished=len(vanished),
            in_question=len(in_question),
        )

    def _told_apart(
        self,
        gone: Mapping[str, Known],
        listed: Mapping[str, RemoteSong],
        *,
        known: int,
        largest_share: float,
        accepted: bool,
    ) -> tuple[set[str], set[str], set[str]]:
        """The songs that are not listed: those that vanished, are in question, and are still there."""
        too_many = len(gone) >= FEW and len(gone) > largest_share * known
        if gone and not accepted and (not listed or too_many):
            return set(), set(gone), set()
        vanished, kept = set[str](), set[str]()
        for own in gone:
            if own in listed:  # another song has this id now
                vanished.add(own)
            elif len(vanished) + len(kept) >= _MOST_ASKED:
                kept.add(own)
            else:
                (kept if self._is_still_there(gone[own].song) else vanished).add(own)
        return vanished, set(), kept

    def _is_still_there(self, song: RemoteSong) -> bool:
        """Whether the server has a song that it does not list, and lets the account hear it. After an answer
        that tells nothing, it counts as being there.
        """
        try:
            now = listing.song(self._client, song.song_id)
        except NotAllowed:
            return False
        except UnexpectedAnswer as error:
            log.warning("%s is not listed, and kept: %s", song.song_id, error)
            return True
        return now is not None and is_same_song(song, now)

    def _placed(self, found: Mapping[str, RemoteSong], *, taken: Collection[str]) -> dict[str, Known]:
        """The tracks of songs that are new: ones of ours, former ones of this server, or new ones."""
        placed: dict[str, Known] = {}
        if not found:
            return placed
        facts = {own: facts_of_song(song) for own, song in found.items()}
        for own, candidates in (
            (True, self._tracks.former(self._name)),
            (False, self._tracks.besides(self._name)),
        ):
            free = (facts_of_track(track) for track in candidates if track.track_id not in taken)
            for song_id, track in recognised(facts.values(), free).items():
                placed[song_id] = Known(song=found[song_id], track_id=track, own=own, digest="")
                del facts[song_id]
        used = {*taken, *(one.track_id for one in placed.values())}
        for song_id in facts:
            own_id = _new_id(self._name, song_id, used)
            used.add(own_id)
            placed[song_id] = Known(song=found[song_id], track_id=own_id, own=True, digest="")
        return placed

    def _write(self, changed: Sequence[Known]) -> set[str]:
        """Write the tracks of new and changed songs; returns the songs whose covers are still to be read."""
        if not changed:
            return set()
        files = self._tracks.stored_files(one.track_id for one in changed)
        covers = self._covers(one.song for one in changed)
        stamps: dict[str, tuple[Stamp, Stamp]] = {}
        tracks = []
        for known in changed:
            track = track_of(known, library=self._name, cover_id=covers.get(_album_of(known.song)))
            before = files.get(track.track_id)
            if before is not None and _has_same_sound(before, track):
                stamps[track.track_id] = Stamp.of(vars(before)), Stamp.of(vars(track))
            tracks.append(track)
        # A measured length is surer than the server's.
        lengths = self._tracks.lengths(stamps)
        self._tracks.write(
            replace(track, duration_ms=lengths.get(track.track_id, track.duration_ms)) for track in tracks
        )
        Features(self._store).restamp(stamps)
        MeasuredTracks(self._store).restamp(stamps)
        return {
            one.song.song_id
            for one in changed
            if one.song.cover and _album_of(one.song) not in self._read_covers
        }

    def _covers(self, songs: Iterable[RemoteSong]) -> Mapping[tuple[str, str], str]:
        """The covers of albums, read from the server and stored; an album's first song decides."""
        for song in songs:
            album = _album_of(song)
            if song.cover and album not in self._read_covers and self._has_covers:
                self._read_cover(album, song.cover)
        return {album: cover for album, cover in self._read_covers.items() if cover}

    def _read_cover(self, album: tuple[str, str], cover: str) -> None:
        if cover not in self._pictures:
            try:
                picture = thumbnail(self._client.picture("getCoverArt", {"id": cover, "size": _COVER_PIXELS}))
            except ServerAway as error:
                log.info("no more covers of %s in this pass: %s", self._name, error)
                self._has_covers = False
                return
            except ServerFault as error:
                log.info("no cover %s: %s", cover, error)
                picture = None
            if picture is not None:
                Covers(self._store).write([picture])
            self._pictures[cover] = picture.cover_id if picture else ""
        self._read_covers[album] = self._pictures[cover]


def _settled(known: Known, without_cover: Collection[str]) -> Known:
    """A song as it was written; one whose picture is still to be read counts as changed in the next pass."""
    digest = known.song.digest
    return replace(known, digest=f"{digest}, no cover" if known.song.song_id in without_cover else digest)


def track_of(known: Known, *, library: str, cover_id: str | None) -> Track:
    """The track of a song."""
    song = known.song
    name = PurePosixPath(song.path)
    path = (
        song.path
        if name.suffix.lower() == f".{song.suffix}"
        else f"{song.path or song.song_id}.{song.suffix}"
    )
    length = round(song.seconds * 1000) if song.seconds else None
    return Track(
        track_id=known.track_id,
        library=library,
        path=None,
        title=song.title,
        artist=song.artist,
        album=song.album,
        genres=song.genres,
        duration_ms=length,
        track=song.number,
        year=song.year,
        cover_id=cover_id,
        size=song.size,
        details=TrackDetails(
            artists=song.artists or (song.artist,),
            album_artists=song.album_artists,
            disc=song.disc,
            ids=MusicBrainzIds(recording=song.recording),
        ),
        modified_ns=_nanoseconds(song.created),
        spoken=is_spoken(PurePosixPath(path), library=library, genres=song.genres, duration_ms=length),
        server=ServerSong(connection=library, song=song.song_id, path=path),
    )


def _nanoseconds(at: datetime | None) -> int | None:
    return None if at is None else (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _has_same_sound(before: StoredFile, now: Track) -> bool:
    """Whether a changed song probably sounds as before: tags and pictures change the size of a file by a
    little.
    """
    former = before.server_path
    if (
        former is None
        or now.server is None
        or PurePosixPath(former).suffix != PurePosixPath(now.server["path"]).suffix
    ):
        return False
    if not before.size or not now.size:
        return before.size == now.size
    return abs(before.size - now.size) <= max(1 << 20, before.size // 20)


def _album_of(song: RemoteSong) -> tuple[str, str]:
    """The album of a song; a song without one is alone."""
    if not song.album:
        return song.song_id, ""
    return song.album, ", ".join(song.album_artists) or song.path.rpartition("/")[0] or song.artist


def _new_id(library: str, song_id: str, used: Collection[str]) -> str:
    """The id of a new track: that of the song's place, unless another song of this server had it."""
    number, place = 1, PurePosixPath("songs", song_id.replace("/", "\u2215"))
    while (own := track_id(library, place if number == 1 else place / str(number))) in used:
        number += 1
    return own
