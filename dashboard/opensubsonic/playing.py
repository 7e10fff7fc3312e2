"""Endpoints by which apps report playback (:mod:`segue.plays.playback`)."""

from __future__ import annotations

import time
from collections.abc import Sequence

from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic import finding, ids
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import invalid, missing, not_found
from segue.dashboard.opensubsonic.sending import send
from segue.plays.playback import STATES, App, Change, Playback, PlayedTrack

_SECONDS_BEFORE = 10**11
"""Below this number a time is in seconds: as milliseconds it would be in 1973 or earlier."""
_MOST = 500
"""Songs that one call submits."""
_FASTEST = 16.0


def scrobble(call: Call) -> Content:
    """Submit songs as heard, or name the song that plays now."""
    parameters = call.parameters
    texts, times = parameters.texts("id"), parameters.wholes("time")
    if not texts:
        raise missing("id")
    if len(texts) > _MOST:
        raise invalid("id", f"at most {_MOST} songs can be submitted at once")
    tracks = _known(call, texts)
    app, before = _app(call), _before(call)
    now = round(time.time() * 1000)
    if not parameters.flag("submission", True):
        change = app.play_now(before, _played(tracks[0]), now=now)
        _apply(call, [change])
        return {}
    changes: list[Change] = []
    for place, track in enumerate(tracks):
        at = _time(times[place], now=now) if place < len(times) else None
        change = app.submit(before, _played(track), at=at, now=now)
        before = change.playback
        changes.append(change)
    _apply(call, changes)
    return {}


def report(call: Call) -> Content:
    """Report the state and position of the player."""
    parameters = call.parameters
    text, kind = parameters.text("mediaId"), parameters.text("mediaType")
    state = parameters.text("state")
    if parameters.optional_whole("positionMs") is None:
        raise missing("positionMs")
    position = parameters.whole("positionMs", 0, least=0)
    if state not in STATES:
        raise invalid("state", f"it must be one of {', '.join(STATES)}")
    if kind != "song":
        raise not_found(kind if kind == "podcast" else "media type")
    track = finding.track(call, text)
    change = _app(call).report(
        _before(call),
        _played(track),
        state=next(one for one in STATES if one == state),
        position_ms=position,
        rate=parameters.fraction("playbackRate", 1.0, least=0.0, most=_FASTEST),
        counts=not parameters.flag("ignoreScrobble", False),
        now=round(time.time() * 1000),
    )
    _apply(call, [change])
    return {}


def _known(call: Call, texts: Sequence[str]) -> list[FullTrack]:
    keys = [ids.parse(text).key for text in texts]
    known = call.server.tracks.full(keys)
    found = [known[key] for key in keys if key in known]
    if len(found) < len(keys):
        raise not_found("song")
    return found


def _app(call: Call) -> App:
    return App(
        user_id=call.user_id,
        client=call.caller.client,
        session_id=call.caller.session_id,
        complete_share=call.server.settings.engagement.complete_share,
    )


def _before(call: Call) -> Playback | None:
    return call.server.playbacks.of(call.user_id, call.caller.client)


def _apply(call: Call, changes: Sequence[Change]) -> None:
    """Send the events, then store the listening, so that an app can repeat a failed request."""
    send(call, [event for change in changes for event in change.events])
    last = changes[-1].playback
    if last is not None:
        call.server.playbacks.keep(call.user_id, call.caller.name, call.caller.client, last)


def _played(track: FullTrack) -> PlayedTrack:
    return PlayedTrack(track_id=track.track_id, duration_ms=track.summary.duration_ms or 0)


def _time(given: int, *, now: int) -> int:
    """The time of a submission in epoch ms; a later one than now is now."""
    if given <= 0:
        raise invalid("time", "it must be in milliseconds since 1970")
    return min(given * 1000 if given < _SECONDS_BEFORE else given, now)


ENDPOINTS: dict[str, Endpoint] = {"scrobble": scrobble, "reportPlayback": report}
