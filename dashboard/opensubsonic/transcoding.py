"""Endpoints by which an app and the server agree on the form of a recording."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from segue.audio.transcoding.forms import FORMS, Form
from segue.catalog.full_tracks import FullTrack
from segue.catalog.track_records import Recording
from segue.dashboard.api.audio import converted_to
from segue.dashboard.api.requests import json_body
from segue.dashboard.api.sounds import type_of
from segue.dashboard.opensubsonic import finding
from segue.dashboard.opensubsonic.call import Call, Content, Sending
from segue.dashboard.opensubsonic.failure import invalid, not_found
from segue.dashboard.opensubsonic.media import file_of, kilobits_of, send, start_of

_LARGEST_BODY = 64 * 1024
_PARAMS = re.compile(r"([a-z0-9]{1,10})-(\d{1,4})")
_CODEC = re.compile(r'codecs="([^"]+)"')
_CODEC_NAMES = {"mp4a.40.2": "aac", "mp4a.6B": "mp3", "ac-3": "ac3", "ec-3": "eac3"}
_CONTAINERS = {
    "mp3": {"mp3", "mpeg"},
    "opus": {"ogg", "oga", "opus"},
    "aac": {"aac", "adts"},
    "ogg": {"ogg", "oga"},
    "flac": {"flac"},
    "m4a": {"m4a", "mp4"},
}
"""The names of a container, by suffix or by form, in the profiles of apps."""
_ANY = "*"


async def decision(call: Call) -> Content:
    """Whether an app can play a file, and the form in which it can have it otherwise."""
    track = await run_in_threadpool(_song, call)
    file = await run_in_threadpool(file_of, call, track)
    try:
        client = await json_body(call.request, limit=_LARGEST_BODY, shape="a ClientInfo object")
    except HTTPException as error:
        raise invalid("the body", str(error.detail)) from None
    codec = await run_in_threadpool(_codec, track, file)
    limit = _number(client, "maxAudioBitrate")
    reasons = []
    if file.is_part:
        reasons.append("the song is a part of a file")
    elif not any(_plays(profile, track.suffix, codec) for profile in _profiles(client, "directPlayProfiles")):
        reasons.append("container or audio codec not supported")
    kilobits = await run_in_threadpool(kilobits_of, file, limit=limit // 1000)
    bit_rate = (kilobits or 0) * 1000
    if limit and bit_rate > limit:
        reasons.append("audio bitrate not supported")
    source: dict[str, Any] = {"protocol": "http", "container": track.suffix, "codec": codec}
    if bit_rate:
        source["audioBitrate"] = bit_rate
    form = _form(call, client)
    answer: dict[str, Any] = {
        "canDirectPlay": not reasons,
        "canTranscode": form is not None,
        "sourceStream": source,
    }
    if reasons:
        answer["transcodeReason"] = reasons
    if form is None:
        if reasons:
            answer["errorReason"] = "no form on offer fits the app's profiles"
        return {"transcodeDecision": answer}
    wanted = _kilobits(call, client, form)
    answer["transcodeParams"] = f"{form.name}-{wanted}"
    answer["transcodeStream"] = {
        "protocol": "http",
        "container": form.suffix.lstrip("."),
        "codec": form.name,
        "audioBitrate": wanted * 1000,
    }
    return {"transcodeDecision": answer}


async def stream(call: Call) -> Response:
    """A recording in the form of a decision, from an offset in seconds."""
    track = await run_in_threadpool(_song, call)
    match = _PARAMS.fullmatch(call.parameters.text("transcodeParams"))
    if match is None or match[1] not in call.server.settings.transcoding.formats:
        raise invalid("transcodeParams", "it must come from getTranscodeDecision")
    form = FORMS[match[1]]
    file = await run_in_threadpool(file_of, call, track)
    start = start_of(call, "offset", file)
    kilobits = form.kilobits(int(match[2]))
    return await send(call, file, converted_to(file, form, kilobits, start=start))


def _song(call: Call) -> FullTrack:
    if (kind := call.parameters.text("mediaType")) != "song":
        raise not_found(kind if kind == "podcast" else "media type")
    return finding.track(call, call.parameters.text("mediaId"))


def _codec(track: FullTrack, file: Recording) -> str:
    """The codec of a file, as profiles name it; its suffix where the codec has no other name."""
    kind = type_of(file) or ""
    match = _CODEC.search(kind)
    return _CODEC_NAMES.get(match[1], match[1]) if match else track.suffix


def _profiles(client: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    given = client.get(name)
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _plays(profile: Mapping[str, Any], suffix: str, codec: str) -> bool:
    if not _over_http(profile.get("protocols")):
        return False
    containers, codecs = _names(profile.get("containers")), _names(profile.get("audioCodecs"))
    fits_container = _ANY in containers or bool(containers & _CONTAINERS.get(suffix, {suffix}))
    return fits_container and (_ANY in codecs or codec in codecs)


def _form(call: Call, client: Mapping[str, Any]) -> Form | None:
    """The first form on offer that the app accepts, in the app's order."""
    for profile in _profiles(client, "transcodingProfiles"):
        if not _over_http([profile.get("protocol")]):
            continue
        codecs, containers = _names([profile.get("audioCodec")]), _names([profile.get("container")])
        for name in call.server.settings.transcoding.formats:
            if FORMS[name].is_lossless and _limit(client):
                continue
            if (name in codecs or _ANY in codecs) and containers & {_ANY, *_CONTAINERS[name]}:
                return FORMS[name]
    return None


def _kilobits(call: Call, client: Mapping[str, Any], form: Form) -> int:
    return form.kilobits(min(filter(None, (call.server.settings.transcoding.bit_rate, _limit(client)))))


def _limit(client: Mapping[str, Any]) -> int:
    """The highest bit rate that the app takes of a converted recording; 0 for any."""
    limits = (_number(client, name) // 1000 for name in ("maxTranscodingAudioBitrate", "maxAudioBitrate"))
    return min(filter(None, limits), default=0)


def _over_http(protocols: object) -> bool:
    names = _names(protocols)
    return not names or bool(names & {"http", _ANY})


def _names(values: object) -> set[str]:
    given = values if isinstance(values, list) else []
    return {part.strip().lower() for value in given if isinstance(value, str) for part in value.split(",")}


def _number(client: Mapping[str, Any], name: str) -> int:
    value = client.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


ENDPOINTS: dict[str, Sending] = {"getTranscodeStream": stream}
