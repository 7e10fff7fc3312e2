"""Playback in another app: turns reports of its state into plays. Pure.

An app reports in one of two ways. With *reports* it gives the state of the player and its position. With
*scrobbles* it names the track that plays now, and later submits it; a track that it does not submit was
skipped. An app may do both for the same listening, which counts once.

The id of an event follows from the listening to which it belongs, so that a repeated report counts once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any, Literal

State = Literal["starting", "playing", "paused", "stopped"]
STATES: tuple[State, ...] = ("starting", "playing", "paused", "stopped")
_EVENTS = uuid.UUID("6f5f2a34-7a0c-4c5f-9d6c-0f8f7a3f6f10")
_SAME_REPORT_MS = 1500
"""A second `starting` of the same track within this time is a repeated request, not another listening."""
_SLACK_MS = 3000
"""By how much the position may run ahead of the clock: networks and players are not exact."""
_AT_ONCE_MS = 2000
"""A listening whose reports all arrive within this time is reported afterwards: its clock says nothing."""
_SHORTEST_SLACK_MS = 60_000
_BOTH_WAYS_MS = 10_000
"""An app that names its track and reports its position does both within this time."""
_LONGEST_PAUSE_MS = 30 * 60_000
"""After a longer pause, a listening counts as left."""


@dataclass(frozen=True, kw_only=True)
class PlayedTrack:
    """A track that an app plays."""

    track_id: str
    duration_ms: int
    """0: unknown."""


@dataclass(frozen=True, kw_only=True)
class Playback:
    """The last known listening of an app of a listener. All times are epoch ms."""

    track_id: str
    duration_ms: int
    began_at: int
    state: State
    position_ms: int = 0
    reported_at: int
    rate: float = 1.0
    played_ms: int = 0
    """How long the track has been played, as far as reports tell."""
    counts: bool = True
    """Whether the listening counts as one; an app may ask that it does not."""
    ended: bool = False
    """Whether its last event has been sent."""
    by_reports: bool = False
    """Whether the app reports its position."""

    def position_at(self, now: int) -> int:
        """The position at a time, if the player has continued."""
        moving = self.state in ("starting", "playing")
        position = self.position_ms + (round((now - self.reported_at) * self.rate) if moving else 0)
        return max(0, min(position, self.duration_ms) if self.duration_ms else position)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A report's result: the playback to store, and the events to send before, oldest first."""

    playback: Playback | None
    events: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class App:
    """An app of a listener, and the measure of a track heard to its end."""

    user_id: str
    client: str
    """The name of the app and of the device."""
    session_id: str
    complete_share: float
    """The share of a track from which it counts as heard to its end."""

    def report(
        self,
        before: Playback | None,
        track: PlayedTrack,
        *,
        state: State,
        position_ms: int,
        rate: float,
        counts: bool,
        now: int,
    ) -> Change:
        """A report of the player's state.

        `starting` begins a listening, as does any report about another track than the last one. A listening
        that another one interrupts was skipped. A player that stops was skipping too, unless it was paused
        or had reached the end.
        """
        position_ms = min(position_ms, track.duration_ms) if track.duration_ms else position_ms
        same = before is not None and before.track_id == track.track_id and not before.ended
        if before is not None and same and (state != "starting" or _is_repeated(before, position_ms, now)):
            before = replace(before, by_reports=True, counts=before.counts and counts)
            return self._continue(before, state=state, position_ms=position_ms, rate=rate, now=now)
        events = self._interrupted(before, now=now)
        if state == "stopped" and before is not None and before.ended and before.track_id == track.track_id:
            return Change(playback=before)  # a repeated report
        playback = Playback(
            track_id=track.track_id,
            duration_ms=track.duration_ms,
            began_at=now,
            state=state,
            position_ms=position_ms,
            reported_at=now,
            rate=rate,
            counts=counts,
            by_reports=True,
        )
        events += self._begun(playback)
        if state != "stopped":
            return Change(playback=playback, events=events)
        # The app reports the end alone.
        playback = replace(playback, played_ms=position_ms)
        return Change(
            playback=replace(playback, ended=True), events=events + self._stopped(playback, now=now)
        )

    def play_now(self, before: Playback | None, track: PlayedTrack, *, now: int) -> Change:
        """The app says that a track plays now, and will submit it later."""
        if before is not None and before.track_id == track.track_id and not before.ended:
            repeated = now - before.began_at < _SAME_REPORT_MS
            if repeated or before.by_reports:  # the app also reports its position
                return Change(playback=before)
        playback = Playback(
            track_id=track.track_id,
            duration_ms=track.duration_ms,
            began_at=now,
            state="playing",
            reported_at=now,
        )
        return Change(playback=playback, events=self._interrupted(before, now=now) + self._begun(playback))

    def play_unknown(self, before: Playback | None, *, now: int) -> Change:
        """The app says that a track plays now that the library does not have."""
        if before is None or before.ended:
            return Change(playback=before)
        return Change(playback=replace(before, ended=True), events=self._interrupted(before, now=now))

    def submit(self, before: Playback | None, track: PlayedTrack, *, at: int | None, now: int) -> Change:
        """The app submits a track as heard; `at` is the time at which it began, or at which it was heard.

        A listening that is known already, from reports or from :meth:`play_now`, counts once.
        """
        if before is not None and self._is_submission_of(before, track, at=at, now=now):
            if before.by_reports or before.ended:
                return Change(playback=before)  # its own reports tell how it ended
            return Change(
                playback=replace(before, ended=True), events=self._heard(before, before.began_at, now=now)
            )
        began = at if at is not None else now
        playback = Playback(
            track_id=track.track_id,
            duration_ms=track.duration_ms,
            began_at=began,
            state="playing",
            reported_at=began,
            ended=True,
        )
        events = self._begun(playback) + self._heard(playback, began, now=now)
        # An old submission says nothing about the present.
        return Change(playback=before if before and before.began_at > began else playback, events=events)

    def _continue(self, before: Playback, *, state: State, position_ms: int, rate: float, now: int) -> Change:
        playback = replace(
            before,
            state=state if state != "starting" else before.state,
            position_ms=position_ms,
            reported_at=now,
            rate=rate,
            played_ms=before.played_ms + _advance(before, position_ms=position_ms, now=now),
        )
        if state != "stopped":
            return Change(playback=playback)
        events = self._stopped(playback, now=now, paused=before.state == "paused")
        return Change(playback=replace(playback, ended=True), events=events)

    def _interrupted(self, before: Playback | None, *, now: int) -> tuple[dict[str, Any], ...]:
        """The end of a listening that another one follows."""
        if before is None or before.ended:
            return ()
        if _is_abandoned(before, now=now):
            if not before.by_reports:
                return ()  # the app would have submitted a track that was heard
            return self._event(
                before,
                kind="leave",
                played=before.played_ms,
                position=before.position_ms,
                at=before.reported_at,
            )
        position = before.position_at(now)
        played = before.played_ms + _advance(before, position_ms=position, now=now)
        return self._event(
            before, kind=self._kind(before, position, "skip"), played=played, position=position, at=now
        )

    def _stopped(self, playback: Playback, *, now: int, paused: bool = False) -> tuple[dict[str, Any], ...]:
        kind = self._kind(playback, playback.position_ms, "leave" if paused else "skip")
        return self._event(
            playback, kind=kind, played=playback.played_ms, position=playback.position_ms, at=now
        )

    def _kind(self, playback: Playback, position: int, early: str) -> str:
        """The type of the last event: `complete` if the position is near the end, else `early`."""
        duration = playback.duration_ms
        return "complete" if duration and position >= self.complete_share * duration else early

    def _begun(self, playback: Playback) -> tuple[dict[str, Any], ...]:
        return self._event(playback, kind="play", at=playback.began_at, position=playback.position_ms)

    def _heard(self, playback: Playback, began: int, *, now: int) -> tuple[dict[str, Any], ...]:
        """The end of a submitted track. Apps submit it at its half; the stream takes no end in the future."""
        length = playback.duration_ms
        end = max(began, min(began + length, now))
        return self._event(playback, kind="complete", played=length, position=length, at=end)

    def _event(
        self, playback: Playback, *, kind: str, at: int, position: int, played: int = 0
    ) -> tuple[dict[str, Any], ...]:
        if not playback.counts:
            return ()
        ends = kind != "play"
        parts = (
            self.user_id,
            self.client,
            playback.track_id,
            str(playback.began_at),
            "end" if ends else kind,
        )
        event = {
            "event_id": str(uuid.uuid5(_EVENTS, "\n".join(parts))),
            "user_id": self.user_id,
            "track_id": playback.track_id,
            "type": kind,
            "ms_played": max(0, min(played, playback.duration_ms) if playback.duration_ms else played),
            "position_ms": max(0, position),
            "duration_ms": playback.duration_ms,
            "occurred_at": max(0, at),
            "session_id": self.session_id,
            "source": "app",
        }
        return (event,)

    def _is_submission_of(self, before: Playback, track: PlayedTrack, *, at: int | None, now: int) -> bool:
        """Whether a submission belongs to the last listening: same track, and a time within its span."""
        if before.track_id != track.track_id:
            return False
        span = max(before.duration_ms, _SHORTEST_SLACK_MS)
        moment = now if at is None else at
        return before.began_at - _SHORTEST_SLACK_MS <= moment <= before.began_at + span + _SHORTEST_SLACK_MS


def _is_repeated(before: Playback, position_ms: int, now: int) -> bool:
    """Whether `starting` is about the listening that is known already."""
    age = now - before.began_at
    if not before.by_reports:  # the app has also named the track that plays now
        return age < _BOTH_WAYS_MS
    return before.state == "starting" and age < _SAME_REPORT_MS and position_ms == before.position_ms


def _is_abandoned(before: Playback, *, now: int) -> bool:
    """Whether an app has been silent for longer than its track lasts, or for a long pause."""
    silent = now - before.reported_at
    if before.state == "paused" or not before.duration_ms:
        return silent > _LONGEST_PAUSE_MS
    return silent > before.duration_ms - before.position_ms + _SHORTEST_SLACK_MS


def _advance(before: Playback, *, position_ms: int, now: int) -> int:
    """How long the track was played since the last report: the way forward, unless the player has jumped."""
    if before.state in ("paused", "stopped"):
        return 0
    forward = position_ms - before.position_ms
    elapsed = now - before.reported_at
    if now - before.began_at < _AT_ONCE_MS:
        return max(0, forward)
    most = round(elapsed * max(before.rate, 0.0)) + _SLACK_MS
    if 0 <= forward <= most:
        return forward
    return max(0, min(elapsed, most))  # the player was moved: the clock tells how long it played
