"""The current songs of listeners on another server, and the events that follow from them. Pure.

Such a server tells only which song plays now. A song that is followed by another one within
:data:`SKIPPED_WITHIN` was skipped, unless it is over by then. One that was played for half of its length, for
four minutes, or whose play count there has risen since it began, was heard: these are the rules by which
programs scrobble. In between, nobody can tell, and it counts as begun only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from segue.connected.remote_songs import RemoteSong, identifier, song_of
from segue.plays.playback import App, Change, Playback, PlayedTrack

SKIPPED_WITHIN = 30_000
"""Milliseconds."""
_HEARD_AFTER = 240_000
_HEARD_SHARE = 0.5
_LONGEST_GAP = 120_000
_LONGEST_NAME = 100
_MOST = 10_000


@dataclass(frozen=True, kw_only=True)
class Playing:
    """A song that somebody plays."""

    user: str
    """The name of the account there."""
    player: str
    """The player's name or number; empty if the server does not tell."""
    song: RemoteSong
    """As the server shows it, maybe by its id alone."""
    minutes_ago: int
    """Since the song began, or since the player last reported, in whole minutes."""


def playing_in(response: Mapping[str, Any]) -> list[Playing]:
    """The current songs, from an answer to `getNowPlaying`; entries without a user or a song are left out."""
    found = response.get("nowPlaying")
    entries = found.get("entry") if isinstance(found, dict) else None
    entries = entries if isinstance(entries, list) else [entries]
    return [one for entry in entries[:_MOST] if isinstance(entry, dict) and (one := _playing(entry))]


def _playing(entry: Mapping[str, Any]) -> Playing | None:
    user, own, minutes = entry.get("username"), identifier(entry.get("id")), entry.get("minutesAgo")
    if not isinstance(user, str) or not user or not own:
        return None
    player = next((name for key in ("playerName", "playerId") if (name := identifier(entry.get(key)))), "")
    known = isinstance(minutes, int | float) and not isinstance(minutes, bool) and 0 <= minutes < _MOST
    return Playing(
        user=user,
        player=player[:_LONGEST_NAME],
        song=song_of(entry) or RemoteSong(song_id=own, title=own),  # a video, too, follows a song
        minutes_ago=int(minutes) if known and minutes else 0,
    )


def needs_count(before: Playback | None, *, now: int) -> bool:
    """Whether a play count tells more about the last song: it is neither a skip nor surely heard."""
    return (
        before is not None
        and not before.ended
        and not _is_skip(before, now=now)
        and not _is_heard(before, now=now)
    )


def followed(
    app: App, before: Playback | None, track: PlayedTrack | None, *, counted: bool, now: int
) -> Change:
    """The change when another song plays than before.

    Parameters
    ----------
    track
        The song that plays now; None for one that the catalogue does not have.
    counted
        Whether the play count of the former song has risen since it began.
    now
        Epoch ms.
    """
    events: tuple[dict[str, Any], ...] = ()
    if before is not None and not before.ended and not _is_skip(before, now=now):
        if counted or _is_heard(before, now=now):
            former = PlayedTrack(track_id=before.track_id, duration_ms=before.duration_ms)
            events = app.submit(before, former, at=before.began_at, now=now).events
        before = replace(before, ended=True)
    change = app.play_unknown(before, now=now) if track is None else app.play_now(before, track, now=now)
    return Change(playback=change.playback, events=events + change.events)


def _is_skip(before: Playback, *, now: int) -> bool:
    return now - before.began_at <= SKIPPED_WITHIN and not _is_heard(before, now=now)


def _is_heard(before: Playback, *, now: int) -> bool:
    """Whether it was surely played for so long that programs scrobble it."""
    played, length = now - before.began_at, before.duration_ms
    if played > (length or _HEARD_AFTER) + _LONGEST_GAP:
        return False  # the player was silent before the next song: nobody knows since when
    return played >= min(_HEARD_AFTER, _HEARD_SHARE * length if length else _HEARD_AFTER)
