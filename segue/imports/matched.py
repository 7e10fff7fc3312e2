"""Finds the tracks of the library that songs of other services mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from segue.catalog.matching import Described, fitting, folded_title, matching_track
from segue.catalog.track_records import MatchableTrack
from segue.imports.play import Song
from segue.imports.songs import Match

_NONE = Match(None)


class Library:
    """The tracks of the library by everything that songs can name; holds them all in memory."""

    def __init__(self, tracks: Iterable[MatchableTrack]) -> None:
        self._by_id: dict[str, MatchableTrack] = {}
        self._by_recording: dict[str, list[MatchableTrack]] = defaultdict(list)
        self._by_release_track: dict[str, list[MatchableTrack]] = defaultdict(list)
        self._by_title: dict[str, list[MatchableTrack]] = defaultdict(list)
        for track in tracks:
            self._by_id[track.track_id] = track
            self._by_title[folded_title(track.title)].append(track)
            if track.recording:
                self._by_recording[track.recording].append(track)
            if track.release_track:
                self._by_release_track[track.release_track].append(track)

    def match(self, song: Song) -> Match:
        """The track that a song means.

        In order: the track's own id, if the song has no other title; the release track; the recording that
        the player sent, then the one that the service guessed; artist and title, with album and length
        (:func:`segue.catalog.matching.matching_track`).
        """
        own = self._by_id.get(song.track_id) if song.track_id else None
        if own is not None and (not song.title or folded_title(song.title) == folded_title(own.title)):
            return Match(own.track_id)
        if song.release_track in self._by_release_track:
            return _of(song, self._by_release_track[song.release_track], release_track=song.release_track)
        for recording in song.recordings:
            if recording in self._by_recording:
                return _of(song, self._by_recording[recording], recording=recording)
        if not song.title or not song.artist:
            return _NONE
        return _of(song, self._by_title.get(folded_title(song.title), ()))


def _of(
    song: Song,
    candidates: Sequence[MatchableTrack],
    *,
    recording: str | None = None,
    release_track: str | None = None,
) -> Match:
    described = Described(
        title=song.title,
        artist=song.artist or None,
        album=song.album or None,
        seconds=song.seconds,
        recording=recording,
        release_track=release_track,
    )
    track_id = matching_track(described, candidates)
    return Match(track_id, ambiguous=track_id is None and bool(fitting(described, candidates)))
