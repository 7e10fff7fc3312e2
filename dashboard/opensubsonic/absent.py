"""Endpoints of features that Segue does not have: empty lists, and errors for calls that change them."""

from __future__ import annotations

from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, not_found


def _empty(name: str, **fields: list[object]) -> Endpoint:
    def answer(_call: Call) -> Content:
        return {name: fields}

    return answer


def _none(what: str) -> Endpoint:
    def answer(_call: Call) -> Content:
        raise not_found(what)

    return answer


def _refused(call: Call) -> Content:
    raise ProtocolError(Code.NOT_ALLOWED, "Segue does not have this feature.")


ENDPOINTS: dict[str, Endpoint] = {
    "getVideos": _empty("videos", video=[]),
    "getVideoInfo": _none("video"),
    "getCaptions": _none("video"),
    "getAvatar": _none("picture of the user"),
    "hls": _none("video"),
    "hls.m3u8": _none("video"),
    "getPodcasts": _empty("podcasts", channel=[]),
    "getNewestPodcasts": _empty("newestPodcasts", episode=[]),
    "getPodcastEpisode": _none("podcast episode"),
    "getInternetRadioStations": _empty("internetRadioStations", internetRadioStation=[]),
    "getChatMessages": _empty("chatMessages", chatMessage=[]),
    **dict.fromkeys(
        (
            "addChatMessage",
            "jukeboxControl",
            "refreshPodcasts",
            "createPodcastChannel",
            "deletePodcastChannel",
            "deletePodcastEpisode",
            "downloadPodcastEpisode",
            "createInternetRadioStation",
            "updateInternetRadioStation",
            "deleteInternetRadioStation",
        ),
        _refused,
    ),
}
