"""Takes listens: as plays of the stream where the library has the song, else beside them.

A listen that is newer than `stream.max_delay`, of a song in the library, becomes a play, and changes the next
songs. All others are kept as imported plays are (:mod:`segue.imports`): songs that the library does not have
are matched again when it grows.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from segue.catalog.letters import words_of
from segue.catalog.matching import SECONDS_OFF, folded_title
from segue.catalog.track_records import MatchableTrack
from segue.catalog.tracks import Tracks
from segue.dashboard.listenbrainz.submission import Listen
from segue.dashboard.services import Services
from segue.imports.beside import BesideTheStream, PlayBeside
from segue.imports.matched import Library
from segue.imports.play import ImportedPlay, Song
from segue.imports.songs import ImportedSongs, Match
from segue.people.app_log_in import FROM_PROGRAMS, session_of_app
from segue.people.app_passwords import AppPassword
from segue.plays.playback import App, Change, Playback, PlayedTrack
from segue.plays.playbacks import Playbacks

_LOOKED_AT = 50
"""Tracks with a song's words that are compared with it."""
_MOST_PROGRAMS = 20
"""Programs of a submission that are told apart: the events of each are sent and awaited."""


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A listen and its track, if the library has it."""

    listen: Listen
    match: Match
    track: MatchableTrack | None


class Scrobbles:
    """Takes the listens of all listeners. Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._services, self._tracks = services, Tracks(services.store)
        self._songs, self._beside = ImportedSongs(services.store), BesideTheStream(services.store)
        self._playbacks = Playbacks(services.store)

    def play_now(self, used: AppPassword, listen: Listen) -> None:
        """Note the song that plays now. The one before it was skipped, unless it was submitted.

        Raises
        ------
        SegueError
            Kafka does not accept events now.
        """
        client = _client(used, listen)
        app, now = self._app(used, client), round(time.time() * 1000)
        [found] = self._found(used.user_id, [listen])
        track = _played(found.track) if found.track is not None else None

        def named(before: Playback | None) -> list[Change]:
            return [
                app.play_unknown(before, now=now) if track is None else app.play_now(before, track, now=now)
            ]

        self._follow(used, client, named)

    def take(self, used: AppPassword, listens: Sequence[Listen]) -> None:
        """Take songs that were heard, those of each program as its own: one may send the listens of others.

        Raises
        ------
        SegueError
            Kafka does not accept events now; the same listens can be sent again.
        """
        now = round(time.time() * 1000)
        oldest = now - self._services.settings.stream.max_delay.total_seconds() * 1000
        heard: defaultdict[str, list[tuple[PlayedTrack, int]]] = defaultdict(list)
        beside: list[PlayBeside] = []
        for found in self._found(used.user_id, sorted(listens, key=lambda one: one.at or 0)):
            at = found.listen.at or 0
            if found.track is not None and at * 1000 >= oldest:
                client = _client(used, found.listen)
                if client not in heard and len(heard) >= _MOST_PROGRAMS:
                    client = next(reversed(heard))
                heard[client].append((_played(found.track), at * 1000))
            else:
                beside.append(_beside(found, at))
        for client, plays in heard.items():
            self._submit(used, client, plays, now=now)
        self._beside.keep(used.user_id, beside)

    def _submit(
        self, used: AppPassword, client: str, plays: Sequence[tuple[PlayedTrack, int]], *, now: int
    ) -> None:
        """Submit tracks with the times at which they began, epoch ms."""
        app = self._app(used, client)

        def submitted(before: Playback | None) -> list[Change]:
            changes: list[Change] = []
            for track, at in plays:
                change = app.submit(before, track, at=at, now=now)
                before = change.playback
                changes.append(change)
            return changes

        self._follow(used, client, submitted)

    def _app(self, used: AppPassword, client: str) -> App:
        return App(
            user_id=used.user_id,
            client=client,
            session_id=session_of_app(used.user_id, client, used.password_id, kind=FROM_PROGRAMS),
            complete_share=self._services.settings.engagement.complete_share,
        )

    def _follow(
        self, used: AppPassword, client: str, step: Callable[[Playback | None], Sequence[Change]]
    ) -> None:
        """Send the events, then store the listening, so that a program can repeat a failed request."""
        self._playbacks.follow(
            used.user_id,
            used.name,
            client,
            step,
            send=self._services.delivery.send,
        )

    def _found(self, user_id: str, listens: Iterable[Listen]) -> list[_Found]:
        """The tracks of listens. A song that was matched before is not looked for again, unless the listen
        says that it is another recording of these names.
        """
        listens = list(listens)
        keys = {one.song.key() for one in listens}
        matched = {
            key: song["track_id"]
            for key, song in self._songs.described(user_id, keys).items()
            if song["track_id"] is not None
        }
        tracks = {track.track_id: track for track in self._tracks.matchable(matched.values())}
        known: dict[Song, _Found] = {}
        found = []
        for listen in listens:
            former, song = tracks.get(matched.get(listen.song.key(), "")), listen.song
            if (former is None or _is_another(song, former)) and song not in known:
                known[song] = self._look_for(listen)
            match, track = (known[song].match, known[song].track) if song in known else (Match(None), None)
            if track is None and former is not None:
                match, track = Match(former.track_id), former
            found.append(_Found(listen=listen, match=match, track=track))
        return found

    def _look_for(self, listen: Listen) -> _Found:
        song = listen.song
        named = self._tracks.matchable([song.track_id] if song.track_id else [])
        candidates = {one.track_id: one for one in (*named, *self._tracks.with_recordings(song.recordings))}
        match = Library(candidates.values()).match(song)
        for words in _searches(song):
            if match.track_id is not None or match.ambiguous:
                break
            near = self._services.catalogue.matchable(words, limit=_LOOKED_AT)
            candidates |= {track.track_id: track for track in near}
            match = Library(candidates.values()).match(song)
        return _Found(listen=listen, match=match, track=candidates.get(match.track_id or ""))


def _is_another(song: Song, track: MatchableTrack) -> bool:
    """Whether a song has an id or a length that the track of an earlier song of its names does not have."""
    if song.release_track and track.release_track and song.release_track != track.release_track:
        return True
    if song.recordings and track.recording not in song.recordings:
        return True
    if song.seconds is None or not track.duration_ms:
        return False
    return abs(song.seconds - track.duration_ms / 1000) > SECONDS_OFF


def _searches(song: Song) -> list[str]:
    """The words to look for a song by: with the whole credit, with its first word, and without it.

    The library may know fewer of the artists, or more, and joins their names in another way.
    """
    title, artists = folded_title(song.title), words_of(song.artist)
    return [" ".join([*words, title]) for words in (artists, artists[:1], [])]


def _client(used: AppPassword, listen: Listen) -> str:
    """The name of the program and of the device."""
    return f"{listen.client or 'ListenBrainz'} ({used.device})"


def _played(track: MatchableTrack) -> PlayedTrack:
    return PlayedTrack(track_id=track.track_id, duration_ms=track.duration_ms or 0)


def _beside(found: _Found, at: int) -> PlayBeside:
    song = found.listen.song
    play = ImportedPlay(song=song, at=at, ms_played=found.listen.ms_played)
    return PlayBeside(song.key(), play, found.match)
