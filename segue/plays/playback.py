"""Playback in another app: turns reports of its state into plays. Pure.

An app reports in one of two ways. With *reports* it gives the state of the player and its position. With
*scrobbles* it names the track that plays now, and later submits it; a track that it does not submit was
skipped. An app may do both for the same listening, which counts once. Requests overtake each other, so an
app's earlier listenings are remembered, too: a late report or submission is about one of them.

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
_REMEMBERED = 20
"""Earlier listenings that are remembered."""
_LATE_MS = 10_000
"""A player may report the end of a song this long after the beginning of the next."""
_BETWEEN_SUBMISSIONS_MS = 4 * 60_000
"""Apps submit a track at its half, or after this time. Two submissions that are closer are one."""
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
    """Whether the reports count; an app may ask that they do not, and submit the track."""
    ended: bool = False
    """Whether its last event has been sent."""
    by_reports: bool = False
    """Whether the app reports its position."""
    end: str | None = None
    """The type of its last event; None if none was sent."""
    submitted_at: int | None = None
    """The time with which the app has submitted the track; None if it has not."""
    former: tuple[Playback, ...] = ()
    """The app's listenings before, the latest first; without their own."""
    version: int = 0
    """How often it was stored."""

    @property
    def is_counted(self) -> bool:
        """Whether the listening counts as one."""
        return self.counts or self.submitted_at is not None

    def after(self, before: Playback | None) -> Playback:
        """This listening as the one that follows another, or the first."""
        if before is None:
            return self
        return replace(
            self, former=(replace(before, former=()), *before.former)[:_REMEMBERED], version=before.version
        )

    def beside(self, other: Playback) -> Playback:
        """This listening, with another in its memory that began or ended before."""
        return replace(self, former=(replace(other, former=()), *self.former)[:_REMEMBERED])

    def position_at(self, now: int) -> int:
        """The position at a time, if the player has continued. One that is starting may still be loading."""
        moving = self.state == "playing"
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
        if before is not None and _is_late(before, track, state=state, position_ms=position_ms, now=now):
            return Change(playback=before)
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
        begun = self._begun(playback)
        if state != "stopped":
            ended = self._ended(before, now=now)
            return Change(playback=playback.after(ended.playback), events=ended.events + begun)
        # The app reports the end alone.
        stopped = self._stopped(replace(playback, played_ms=position_ms), now=now)
        if before is not None and not before.ended and now - before.began_at < position_ms:
            # It was heard before the present track began.
            return Change(playback=before.beside(_of(stopped)), events=begun + stopped.events)
        ended = self._ended(before, now=now)
        return Change(
            playback=_of(stopped).after(ended.playback), events=ended.events + begun + stopped.events
        )

    def play_now(self, before: Playback | None, track: PlayedTrack, *, now: int) -> Change:
        """The app says that a track plays now, and will submit it later."""
        if before is not None and before.track_id == track.track_id and not before.ended:
            # Some apps name it again, such as after a pause.
            unfinished = now - before.began_at < max(before.duration_ms, _SAME_REPORT_MS)
            if unfinished or before.by_reports:  # the app also reports its position
                return Change(playback=before)
        playback = Playback(
            track_id=track.track_id,
            duration_ms=track.duration_ms,
            began_at=now,
            state="playing",
            reported_at=now,
        )
        ended = self._ended(before, now=now)
        return Change(playback=playback.after(ended.playback), events=ended.events + self._begun(playback))

    def play_unknown(self, before: Playback | None, *, now: int) -> Change:
        """The app says that a track plays now that the library does not have."""
        return self._ended(before, now=now)

    def submit(self, before: Playback | None, track: PlayedTrack, *, at: int | None, now: int) -> Change:
        """The app submits a track as heard; `at` is the time at which it began, or at which it was heard.

        A listening that is known already, from reports or from :meth:`play_now`, counts once. A clock of the
        app that is ahead gives times in the future: they tell listenings apart, and the events are of now.
        """
        change = self._submit(before, track, began=now if at is None else at, now=now)
        events = tuple({**event, "occurred_at": min(event["occurred_at"], now)} for event in change.events)
        return replace(change, events=events)

    def _submit(self, before: Playback | None, track: PlayedTrack, *, began: int, now: int) -> Change:
        moment = min(began, now)
        known = () if before is None else (before, *before.former)
        own = [one for one in known if one.track_id == track.track_id]
        if any(_is_submitted(one, began) for one in own):
            return Change(playback=before)
        meant = [one for one in own if one.submitted_at is None and _spans(one, moment)]
        if before is not None and meant:
            nearest = min(meant, key=lambda one: abs(one.began_at - moment))
            submitted = self._submitted(nearest, at=began, now=now)
            return Change(playback=_with(before, nearest, _of(submitted)), events=submitted.events)
        playback = Playback(
            track_id=track.track_id,
            duration_ms=track.duration_ms,
            began_at=began,
            state="playing",
            reported_at=moment,
            submitted_at=began,
        )
        heard = self._heard(playback, now=now)
        events = self._begun(playback) + heard.events
        if before is None:
            return Change(playback=heard.playback, events=events)
        if before.began_at > began or (before.by_reports and not before.ended):
            # It says nothing about the present.
            return Change(playback=before.beside(_of(heard)), events=events)
        ended = self._ended(before, now=moment)
        return Change(playback=_of(heard).after(ended.playback), events=ended.events + events)

    def _submitted(self, known: Playback, *, at: int, now: int) -> Change:
        """The submission of a known listening. The reports of an app tell how it ended."""
        playback = replace(known, submitted_at=at)
        if known.by_reports:
            if known.counts:
                return Change(playback=playback)
            begun = self._begun(playback)
            if not known.ended:
                return Change(playback=playback, events=begun)
            stopped = self._stopped(playback, now=playback.reported_at)
            return Change(playback=stopped.playback, events=begun + stopped.events)
        return Change(playback=playback) if known.end is not None else self._heard(playback, now=now)

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
        return self._stopped(playback, now=now, paused=before.state == "paused")

    def _ended(self, before: Playback | None, *, now: int) -> Change:
        """The end of a listening that another one follows."""
        if before is None or before.ended:
            return Change(playback=before)
        if _is_abandoned(before, now=now):
            if not before.by_reports:
                # The app would have submitted a track that was heard, and may still do so.
                return Change(playback=replace(before, ended=True))
            return self._end(before, kind="leave", at=before.reported_at)
        position = before.position_at(now)
        playback = replace(
            before,
            position_ms=position,
            reported_at=now,
            played_ms=before.played_ms + _advance(before, position_ms=position, now=now),
        )
        return self._end(playback, kind=self._kind(playback, position, "skip"), at=now)

    def _stopped(self, playback: Playback, *, now: int, paused: bool = False) -> Change:
        kind = self._kind(playback, playback.position_ms, "leave" if paused else "skip")
        return self._end(playback, kind=kind, at=now)

    def _kind(self, playback: Playback, position: int, early: str) -> str:
        """The type of the last event: `complete` if the position is near the end, else `early`."""
        duration = playback.duration_ms
        return "complete" if duration and position >= self.complete_share * duration else early

    def _begun(self, playback: Playback) -> tuple[dict[str, Any], ...]:
        return self._event(playback, kind="play", at=playback.began_at, position=playback.position_ms)

    def _heard(self, playback: Playback, *, now: int) -> Change:
        """The end of a submitted track. Apps submit it at its half; the stream takes no end in the future."""
        length, began = playback.duration_ms, playback.began_at
        end = max(began, min(began + length, now))
        events = self._event(playback, kind="complete", played=length, position=length, at=end)
        return Change(playback=replace(playback, ended=True, end="complete"), events=events)

    def _end(self, playback: Playback, *, kind: str, at: int) -> Change:
        """The last event of a listening, with the time that was played."""
        events = self._event(
            playback, kind=kind, played=playback.played_ms, position=playback.position_ms, at=at
        )
        return Change(
            playback=replace(playback, ended=True, end=kind if events else playback.end), events=events
        )

    def _event(
        self, playback: Playback, *, kind: str, at: int, position: int, played: int = 0
    ) -> tuple[dict[str, Any], ...]:
        if not playback.is_counted:
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


def _of(change: Change) -> Playback:
    """The listening of a change that has one."""
    assert change.playback is not None
    return change.playback


def _with(before: Playback, known: Playback, changed: Playback) -> Playback:
    """A listening with a change of itself, or of one in its memory."""
    if known is before:
        return changed
    return replace(before, former=tuple(changed if one is known else one for one in before.former))


def _spans(known: Playback, moment: int) -> bool:
    """Whether a time of a submission lies within a listening."""
    span = max(known.duration_ms, _SHORTEST_SLACK_MS)
    return known.began_at - _SHORTEST_SLACK_MS <= moment <= known.began_at + span + _SHORTEST_SLACK_MS


def _is_submitted(known: Playback, moment: int) -> bool:
    """Whether a submission repeats that of a listening: nobody hears a track twice within half its length."""
    if known.submitted_at is None:
        return False
    least = min(known.duration_ms // 2 or _SHORTEST_SLACK_MS, _BETWEEN_SUBMISSIONS_MS)
    return abs(moment - known.submitted_at) < max(least, 1)


def _is_late(before: Playback, track: PlayedTrack, *, state: State, position_ms: int, now: int) -> bool:
    """Whether a report is about a listening that has ended: repeated, or overtaken by that of the next."""
    if state == "starting":
        return False
    known = (before, *before.former) if before.ended else before.former
    ended = next((one for one in known if one.track_id == track.track_id), None)
    if ended is None:
        return False
    since = now - ended.reported_at
    if state == "stopped":
        # Nobody has heard that much again since, not even at double speed.
        return since < (max(_LATE_MS, position_ms // 2) if ended.by_reports else track.duration_ms + _LATE_MS)
    return since < _AT_ONCE_MS and position_ms > 0 and abs(position_ms - ended.position_ms) <= _SLACK_MS


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
