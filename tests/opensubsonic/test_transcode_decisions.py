"""Whether an app plays a file itself, and the form in which it gets it otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.opensubsonic import schemas
from tests.opensubsonic.conftest import App, track_id

pytestmark = pytest.mark.integration
FLAC, MP3 = track_id(0, 1), track_id(0, 2)
ANY: dict[str, Any] = {"containers": [], "audioCodecs": [], "protocols": []}
OPUS = {"container": "ogg", "audioCodec": "opus", "protocol": "http"}


def decided(app: App, own: str, **client: Any) -> dict[str, Any]:
    """The decision for an app that plays everything, and takes Opus."""
    told = {
        "name": "test",
        "platform": "test",
        "directPlayProfiles": [ANY],
        "transcodingProfiles": [OPUS],
        **client,
    }
    sent = app.parameters(mediaId=own, mediaType="song")
    body = app.web.post("/rest/getTranscodeDecision", params=sent, json=told).json()
    schemas.check("getTranscodeDecision", body)
    found: dict[str, Any] = body["subsonic-response"]["transcodeDecision"]
    return found


def test_an_empty_list_of_a_profile_means_any(ada: App) -> None:
    assert decided(ada, FLAC)["canDirectPlay"]
    assert decided(ada, FLAC, directPlayProfiles=[ANY | {"audioCodecs": ["flac"]}])["canDirectPlay"]
    other = decided(ada, FLAC, directPlayProfiles=[ANY | {"containers": ["mp3"]}])
    assert not other["canDirectPlay"]
    assert other["transcodeReason"]
    assert not decided(ada, FLAC, directPlayProfiles=[])["canDirectPlay"]


@pytest.mark.parametrize("name", ["audioChannels", "audioSamplerate", "audioBitrate", "audioBitdepth"])
def test_the_limits_of_a_codec_count(ada: App, name: str) -> None:
    value = decided(ada, FLAC)["sourceStream"][name]

    def can(comparison: str, *values: int, codec: str = "flac") -> bool:
        limit = {"name": name, "comparison": comparison, "values": [*map(str, values)], "required": True}
        profile = {"type": "AudioCodec", "name": codec, "limitations": [limit]}
        found: bool = decided(ada, FLAC, codecProfiles=[profile])["canDirectPlay"]
        return found

    assert can("LessThanEqual", value)
    assert can("LessThanEqual", value - 1, codec="mp3")
    assert not can("LessThanEqual", value - 1)
    assert not can("GreaterThanEqual", value + 1)
    assert can("Equals", value - 1, value)
    assert not can("NotEquals", value - 1, value)


@pytest.mark.parametrize(
    "limits", [None, "x", [None], [{}], [{"name": "audioChannels", "comparison": "Equals", "values": ["x"]}]]
)
def test_limits_without_sense_are_left_out(ada: App, limits: object) -> None:
    profile = {"type": "AudioCodec", "name": "flac", "limitations": limits}
    assert decided(ada, FLAC, codecProfiles=[profile, 7])["canDirectPlay"]


def test_more_channels_than_an_app_takes_are_not_sent(ada: App) -> None:
    channels = decided(ada, FLAC)["sourceStream"]["audioChannels"]
    assert decided(ada, FLAC, directPlayProfiles=[ANY | {"maxAudioChannels": channels}])["canDirectPlay"]
    if channels > 1:
        few = {"maxAudioChannels": channels - 1}
        found = decided(ada, FLAC, directPlayProfiles=[ANY | few], transcodingProfiles=[OPUS | few])
        assert (found["canDirectPlay"], found["canTranscode"]) == (False, False)


def test_the_decided_form_is_sent(ada: App) -> None:
    found = decided(ada, MP3, directPlayProfiles=[], maxTranscodingAudioBitrate=64_000)
    assert found["transcodeStream"] == {
        "protocol": "http",
        "container": "ogg",
        "codec": "opus",
        "audioBitrate": 64_000,
    }
    sent = ada.parameters(mediaId=MP3, mediaType="song", transcodeParams=found["transcodeParams"], offset=2)
    answer = ada.web.get("/rest/getTranscodeStream", params=sent)
    assert answer.headers["content-type"] == "audio/ogg"
    assert answer.content[:4] == b"OggS"
