"""Endpoints about the server."""

from __future__ import annotations

from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import Code, ProtocolError
from segue.operations.library_status import LibraryStatus

EXTENSIONS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("apiKeyAuthentication", (1,)),
    ("formPost", (1,)),
    ("indexBasedQueue", (1,)),
    ("playbackReport", (1,)),
    ("songLyrics", (1,)),
    ("sonicSimilarity", (1,)),
    ("topSongsByArtistId", (1,)),
    ("transcodeOffset", (1,)),
    ("transcoding", (1,)),
)
_ENDED = ("done", "failed")


def extensions() -> Content:
    """The extensions of the protocol; for everybody, since apps ask before they log in."""
    return {
        "openSubsonicExtensions": [
            {"name": name, "versions": list(versions)} for name, versions in EXTENSIONS
        ]
    }


def ping(_call: Call) -> Content:
    return {}


def licence(_call: Call) -> Content:
    return {"license": {"valid": True}}


def token_info(call: Call) -> Content:
    return {"tokenInfo": {"username": call.caller.name}}


def scan_status(call: Call) -> Content:
    state = LibraryStatus(call.server.store).last_pass()
    scanning = bool(state.get("step")) and state.get("step") not in _ENDED
    return {"scanStatus": {"scanning": scanning, "count": call.server.tracks.count_playable()}}


def start_scan(call: Call) -> Content:
    """`segue library watch` notices changes by itself, so that there is nothing to start."""
    if not call.operator:
        raise ProtocolError(Code.NOT_ALLOWED, "Only an operator can scan the library.")
    return scan_status(call)


ENDPOINTS: dict[str, Endpoint] = {
    "ping": ping,
    "getLicense": licence,
    "tokenInfo": token_info,
    "getScanStatus": scan_status,
    "startScan": start_scan,
}
