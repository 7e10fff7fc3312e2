"""Endpoints of lyrics."""

from __future__ import annotations

from segue.dashboard.opensubsonic import finding
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint


def by_song(call: Call) -> Content:
    finding.track(call, call.parameters.text("id"))
    return {"lyricsList": {"structuredLyrics": []}}


def by_names(call: Call) -> Content:
    return {"lyrics": {"value": ""}}


ENDPOINTS: dict[str, Endpoint] = {"getLyricsBySongId": by_song, "getLyrics": by_names}
