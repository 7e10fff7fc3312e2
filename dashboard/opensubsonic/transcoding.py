"""Endpoints by which an app and the server agree on the form of a recording."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from segue.audio.bit_rate import sound_facts
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
_LONGEST_NUMBER = 15
_WORDS = {
    "audioBitrate": "audio bitrate",
    "audioChannels": "audio channels",
    "audioSamplerate": "audio samplerate",
    "audioBitdepth": "audio bitdepth",
}
"""The facts of a sound that an app can limit; profiles of codecs are not known."""
_COMPARISONS: dict[str, Callable[[int, list[int]], bool]] = {
    "Equals": lambda value, wanted: value in wanted,
    "NotEquals": lambda value, wanted: value not in wanted,
    "LessThanEqual": lambda value, wanted: value <= wanted[0],
    "GreaterThanEqual": lambda value, wanted: value >= wanted[0],
}


async def decision(call: Call) -> Content:
    """Whether an app can play a file, and the form in which it can have it otherwise."""
    track = await run_in_threadpool(_song, call)
    file = await run_in_threadpool(file_of, call, track)
    try:
        client = await json_body(call.request, limit=_LARGEST_BODY, shape="a ClientInfo object")
    except HTTPException as error:
        raise invalid("the body", str(error.detail)) from None
    codec = await run_in_threadpool(_codec, track, file)
    facts = await run_in_threadpool(_facts, file)
    limit = _number(client, "maxAudioBitrate")
    reasons = []
    if file.is_part:
        reasons.append("the song is a part of a file")
    elif not any(
        _plays(profile, track.suffix, codec, channels=facts.get("audioChannels", 0))
        for profile in _profiles(client, "directPlayProfiles")
    ):
        reasons.append("container, audio codec or channels not supported")
    kilobits = await run_in_threadpool(kilobits_of, file, limit=limit // 1000)
    bit_rate = (kilobits or 0) * 1000
    if bit_rate:
        facts["audioBitrate"] = bit_rate
    if limit and bit_rate > limit:
        reasons.append("audio bitrate not supported")
    reasons = list(dict.fromkeys([*reasons, *_beyond(client, codec, facts)]))
    source: dict[str, Any] = {"protocol": "http", "container": track.suffix, "codec": codec, **facts}
    form = _form(call, client, channels=facts.get("audioChannels", 0))
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


def _facts(file: Recording) -> dict[str, int]:
    """The facts about a sound that are known, by the protocol's names; none of a song of another server."""
    if file.server is not None:
        return {}
    known = sound_facts(file.path)
    facts = {
        "audioChannels": known.channels,
        "audioSamplerate": known.sample_rate,
        "audioBitdepth": known.bits,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _plays(profile: Mapping[str, Any], suffix: str, codec: str, *, channels: int) -> bool:
    most = _number(profile, "maxAudioChannels")
    if not _over_http(profile.get("protocols")) or (most and channels > most):
        return False
    return _is_among(_CONTAINERS.get(suffix, {suffix}), profile.get("containers")) and _is_among(
        {codec}, profile.get("audioCodecs")
    )


def _is_among(own: set[str], accepted: object) -> bool:
    """Whether an app accepts one of the names; an empty list means any."""
    names = _names(accepted)
    return not names or _ANY in names or bool(own & names)


def _beyond(client: Mapping[str, Any], codec: str, facts: Mapping[str, int]) -> list[str]:
    """The facts of a sound that an app's limits for its codec exclude. A fact that is not known is not."""
    found = []
    for profile in _profiles(client, "codecProfiles"):
        if not _is_among({codec}, [profile.get("name")]):
            continue
        for limit in _profiles(profile, "limitations"):
            name, fits = str(limit.get("name")), _COMPARISONS.get(str(limit.get("comparison")))
            values = _whole_numbers(limit.get("values"))
            if name in facts and fits is not None and values and not fits(facts[name], values):
                found.append(f"{_WORDS[name]} not supported")
    return found


def _form(call: Call, client: Mapping[str, Any], *, channels: int) -> Form | None:
    """The first form on offer that the app accepts, in the app's order."""
    for profile in _profiles(client, "transcodingProfiles"):
        most = _number(profile, "maxAudioChannels")
        if not _over_http([profile.get("protocol")]) or (most and channels > most):
            continue  # a conversion has the channels of the file
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


def _whole_numbers(values: object) -> list[int]:
    given = values if isinstance(values, list) else []
    texts = [str(value).strip() for value in given]
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER]


def _number(client: Mapping[str, Any], name: str) -> int:
    value = client.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


ENDPOINTS: dict[str, Sending] = {"getTranscodeStream": stream}
