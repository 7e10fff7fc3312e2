"""Recognises the song of a file that is new in a library: renamed, retagged, converted or re-encoded.

The rules in their order, the surest first. Each applies to songs that the earlier rules have not recognised:

1. the same sound, apart from tags (:mod:`segue.audio.payload`),
2. the same recording and release track of MusicBrainz,
3. the same place, artist and title,
4. the same artist, title and album, and a length within :data:`SECONDS_OFF`,
5. the same audio fingerprint (:mod:`segue.audio.fingerprint`), and a length within a second,
6. the same place and a length within :data:`SECONDS_OFF`.

The same file under another name is recognised earlier, without reading it (:mod:`segue.catalog.reconcile`).
Rules 3, 4 and 6 do not apply if the fingerprints are known to differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Protocol

from segue.audio.describing import WHOLE, Span
from segue.catalog.cue_part import span_of
from segue.catalog.letters import artist_key, without_accents, words_of
from segue.catalog.track import UNKNOWN_ARTIST, Track

SECONDS_OFF = 2.0
"""The largest difference of the lengths of two encodings of a recording: encoders add up to 0.1 s."""
HEARD_SECONDS_OFF = 1.0
"""The same where names do not agree."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The facts by which a song is recognised."""

    key: str
    """The track's id; for a file without a track, its place."""
    place: str
    """The id that belongs to the file's place (:func:`segue.catalog.track.track_id`)."""
    path: str
    sketch: str | None
    recording: str | None = None
    release_track: str | None = None
    title: str = ""
    artist: str = ""
    album: str | None = None
    seconds: float | None = None
    track: int | None = None
    disc: int | None = None
    span: Span = WHOLE
    """The part of the file that is the song."""


IDENTITY = dict.fromkeys(
    (
        "place", "path", "sketch", "title", "artist", "album", "duration_ms", "track",
        "details.ids", "details.disc",
    ),
    1,
)  # fmt: skip
"""The fields that :func:`identity_of` reads."""


def identity_of(track: Mapping[str, Any]) -> Identity:
    """The facts of a stored track, from a document with the fields :data:`IDENTITY`."""
    details = track.get("details") or {}
    ids, length = details.get("ids") or {}, track.get("duration_ms")
    return Identity(
        key=track["_id"],
        place=track.get("place") or track["_id"],
        path=track.get("path") or "",
        sketch=track.get("sketch"),
        recording=ids.get("recording"),
        release_track=ids.get("release_track"),
        title=track.get("title") or "",
        artist=track.get("artist") or "",
        album=track.get("album"),
        seconds=length / 1000 if length else None,
        track=track.get("track"),
        disc=details.get("disc"),
    )


def identity_of_file(track: Track) -> Identity:
    """The facts of a file that was just read; the key is its place."""
    ids = track.details.ids
    return Identity(
        key=track.track_id,
        place=track.track_id,
        path=track.path or "",
        sketch=track.sketch,
        recording=ids.recording,
        release_track=ids.release_track,
        title=track.title,
        artist=track.artist,
        album=track.album,
        seconds=track.duration_ms / 1000 if track.duration_ms else None,
        track=track.track,
        disc=track.details.disc,
        span=span_of(track.cue),
    )


class Listening(Protocol):
    """Compares the sound of a stored track with that of a file; None if either is unknown."""

    def same_bytes(self, track_id: str, path: str) -> bool | None:
        """Whether all of the stored sound is the same; the sketches are."""

    def same_sound(self, track_id: str, path: str, span: Span) -> bool | None:
        """Whether the same is heard in a part of the file."""

    def alike(self, path: str, span: Span) -> Sequence[str]:
        """The tracks, few, that may be heard in a part of the file."""

    def known(self, track_ids: Collection[str]) -> set[str]:
        """The tracks whose fingerprints are known."""


class NotListening:
    """No sound is known: names and sketches decide."""

    def same_bytes(self, track_id: str, path: str) -> bool | None:
        return None

    def same_sound(self, track_id: str, path: str, span: Span) -> bool | None:
        return None

    def alike(self, path: str, span: Span) -> Sequence[str]:
        return ()

    def known(self, track_ids: Collection[str]) -> set[str]:
        return set()


@dataclass(frozen=True, kw_only=True)
class _Rule:
    keys: Callable[[Identity], Sequence[Hashable]]
    """A lost track and a file are compared if they share a key."""
    fits: Callable[[Identity, Identity, Listening], bool]


class Recogniser:
    """Finds which of the lost tracks the files are."""

    def __init__(self, lost: Iterable[Identity], *, listening: Listening) -> None:
        self._listening = listening
        self._lost = {identity.key: identity for identity in lost}
        heard = listening.known(self._lost)
        self._index: list[dict[Hashable, list[str]]] = []
        for rule in _RULES:
            index: dict[Hashable, list[str]] = defaultdict(list)
            for identity in self._lost.values():
                if rule is not _HEARD or identity.key in heard:
                    for key in rule.keys(identity):
                        index[key].append(identity.key)
            self._index.append(index)

    def may_know(self, found: Identity) -> bool:
        """Whether a rule could recognise a file as a lost track."""
        if not self._lost:
            return False
        pairs = zip(_RULES, self._index, strict=True)
        return any(key in index for rule, index in pairs for key in rule.keys(found))

    def recognise(self, found: Sequence[Identity]) -> dict[str, str]:
        """The ids of the lost tracks that files are, by the files' keys; each track is one file at most."""
        known: dict[str, str] = {}
        taken: set[str] = set()
        files = {file.key: file for file in found}
        for rule, index in zip(_RULES, self._index, strict=True):
            candidates = self._heard_in if rule is _HEARD else partial(_sharing_a_key, rule)
            pairs = [
                (_unlikeness(self._lost[track_id], file), file.key, track_id)
                for file in found
                if file.key not in known
                for track_id in candidates(file, index)
                if track_id not in taken
            ]
            for _, key, track_id in sorted(pairs):
                if key in known or track_id in taken:
                    continue
                if rule.fits(self._lost[track_id], files[key], self._listening):
                    known[key] = track_id
                    taken.add(track_id)
        return known

    def _heard_in(self, file: Identity, index: Mapping[Hashable, list[str]]) -> Iterable[str]:
        """The lost tracks that may be heard in a file; it is read only if one of them has its length.

        Many songs have the same length, as excerpts have: they are not compared one by one.
        """
        if not any(key in index for key in _HEARD.keys(file)):
            return ()
        return (own for own in self._listening.alike(file.path, file.span) if own in self._lost)


def _sharing_a_key(rule: _Rule, file: Identity, index: Mapping[Hashable, list[str]]) -> Iterable[str]:
    return dict.fromkeys(own for key in rule.keys(file) for own in index.get(key, ()))


def _unlikeness(lost: Identity, found: Identity) -> tuple[bool, ...]:
    """The order in which pairs of a rule are tried: copies of a song differ in names only."""
    one, other = PurePosixPath(lost.path), PurePosixPath(found.path)
    return (
        lost.place != found.place,
        _names(lost) != _names(found),
        (lost.disc, lost.track) != (found.disc, found.track),
        one.stem != other.stem,
        one.parent.name != other.parent.name,
    )


def _names(song: Identity) -> tuple[str, str, str]:
    return artist_key(song.artist), _folded(song.title), _folded(song.album or "")


def _folded(text: str) -> str:
    """A name for comparison; "Song (Live)" and "Song" stay two names."""
    return " ".join(words_of(without_accents(text.casefold()))) or text.strip().casefold()


def _near(one: Identity, other: Identity, seconds: float) -> bool:
    return (
        one.seconds is not None and other.seconds is not None and abs(one.seconds - other.seconds) <= seconds
    )


def _not_another_sound(lost: Identity, found: Identity, listening: Listening) -> bool:
    # The described parts of two lengths are different parts.
    return not _near(lost, found, SECONDS_OFF) or _heard(lost, found, listening) is not False


def _heard(lost: Identity, found: Identity, listening: Listening) -> bool | None:
    return listening.same_sound(lost.key, found.path, found.span)


def _same_sound_stored(lost: Identity, found: Identity, listening: Listening) -> bool:
    return listening.same_bytes(lost.key, found.path) is not False


def _same_place_and_names(lost: Identity, found: Identity, listening: Listening) -> bool:
    return _names(lost) == _names(found) and _not_another_sound(lost, found, listening)


def _same_names(lost: Identity, found: Identity, listening: Listening) -> bool:
    return _near(lost, found, SECONDS_OFF) and _not_another_sound(lost, found, listening)


def _same_heard(lost: Identity, found: Identity, listening: Listening) -> bool:
    return _near(lost, found, HEARD_SECONDS_OFF) and _heard(lost, found, listening) is True


def _same_place(lost: Identity, found: Identity, listening: Listening) -> bool:
    return _near(lost, found, SECONDS_OFF) and _not_another_sound(lost, found, listening)


def _sketch_key(song: Identity) -> Sequence[Hashable]:
    return [song.sketch] if song.sketch else []


def _musicbrainz_key(song: Identity) -> Sequence[Hashable]:
    return [(song.recording, song.release_track)] if song.recording and song.release_track else []


def _names_key(song: Identity) -> Sequence[Hashable]:
    names = _names(song)
    return [names] if names[0] and names[1] and song.artist != UNKNOWN_ARTIST else []


def _length_keys(song: Identity) -> Sequence[Hashable]:
    """Whole seconds around the length: two songs within a second of each other share one."""
    return [] if song.seconds is None else [int(song.seconds) + off for off in (-1, 0, 1)]


def _place_key(song: Identity) -> Sequence[Hashable]:
    return [song.place]


_HEARD = _Rule(keys=_length_keys, fits=_same_heard)
_RULES = (
    _Rule(keys=_sketch_key, fits=_same_sound_stored),
    _Rule(keys=_musicbrainz_key, fits=lambda lost, found, listening: True),
    _Rule(keys=_place_key, fits=_same_place_and_names),
    _Rule(keys=_names_key, fits=_same_names),
    _HEARD,
    _Rule(keys=_place_key, fits=_same_place),
)
