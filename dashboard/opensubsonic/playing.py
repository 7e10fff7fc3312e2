"""Endpoints by which apps report playback (:mod:`segue.plays.playback`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic import finding, ids
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import invalid, missing, not_found
from segue.dashboard.opensubsonic.parameters import number
from segue.plays.playback import STATES, App, Change, Playback, PlayedTrack

_SECONDS_BEFORE = 10**11
"""Below this number a time is in seconds: as milliseconds it would be in 1973 or earlier."""
_AHEAD_MS = 24 * 3_600_000
"""How far an app's clock may be ahead."""
_MOST = 500
"""Songs that one call submits."""
_FASTEST = 16.0


def scrobble(call: Call) -> Content:
    """Submit songs as heard, or name the song that plays now.

    Songs that are gone are left out, so that an app which was offline gets rid of the others.
    """
    parameters = call.parameters
    texts = parameters.texts("id")
    if not texts:
        raise missing("id")
    if len(texts) > _MOST:
        raise invalid("id", f"at most {_MOST} songs can be submitted at once")
    now = round(time.time() * 1000)
    times = [_time(text, now=now) for text in parameters.texts("time")]
    times += [None] * (len(texts) - len(times))
    heard = [(track, at) for track, at in zip(_known(call, texts), times, strict=False) if track is not None]
    if not heard:
        raise not_found("song")
    app = _app(call)
    if not parameters.flag("submission", True):
        first, _ = heard[0]
        _follow(call, lambda before: [app.play_now(before, _played(first), now=now)])
        return {}

    def submitted(before: Playback | None) -> list[Change]:
        changes: list[Change] = []
        for track, at in heard:
            change = app.submit(before, _played(track), at=at, now=now)
            before = change.playback
            changes.append(change)
        return changes

    _follow(call, submitted)
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
    track, app = _played(finding.track(call, text)), _app(call)
    known_state = next(one for one in STATES if one == state)
    rate = parameters.fraction("playbackRate", 1.0, least=0.0, most=_FASTEST)
    counts = not parameters.flag("ignoreScrobble", False)
    now = round(time.time() * 1000)

    def reported(before: Playback | None) -> list[Change]:
        return [
            app.report(
                before, track, state=known_state, position_ms=position, rate=rate, counts=counts, now=now
            )
        ]

    _follow(call, reported)
    return {}


def _known(call: Call, texts: Sequence[str]) -> list[FullTrack | None]:
    keys = [ids.parse(text).key for text in texts]
    known = call.server.tracks.full(keys)
    return [known.get(key) for key in keys]


def _app(call: Call) -> App:
    return App(
        user_id=call.user_id,
        client=call.caller.client,
        session_id=call.caller.session_id,
        complete_share=call.server.settings.engagement.complete_share,
    )


def _follow(call: Call, step: Callable[[Playback | None], Sequence[Change]]) -> None:
    """Send the events, then store the listening, so that an app can repeat a failed request."""
    caller, services = call.caller, call.server.services
    call.server.playbacks.follow(call.user_id, caller.name, caller.client, step, send=services.delivery.send)


def _played(track: FullTrack) -> PlayedTrack:
    return PlayedTrack(track_id=track.track_id, duration_ms=track.summary.duration_ms or 0)


def _time(text: str, *, now: int) -> int | None:
    """The time of a submission in epoch ms; one that no clock shows yet is now, and a blank one is none."""
    if not text.strip():
        return None
    given = number("time", text)
    if given <= 0:
        raise invalid("time", "it must be in milliseconds since 1970")
    at = given * 1000 if given < _SECONDS_BEFORE else given
    return at if at <= now + _AHEAD_MS else now


ENDPOINTS: dict[str, Endpoint] = {"scrobble": scrobble, "reportPlayback": report}
