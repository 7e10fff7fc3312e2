"""The conditions for a scrobble, its contents, and the signature of a call."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from segue.catalog.full_tracks import Credit, FullTrack
from segue.catalog.track import MusicBrainzIds
from segue.catalog.track_records import TrackSummary
from segue.scrobbling.calling import call
from segue.scrobbling.heard import began_at, is_heard, song_of, valid_ids
from segue.scrobbling.lastfm import Api, signature
from segue.scrobbling.listenbrainz import listen, send
from segue.scrobbling.outbox import Waiting
from segue.scrobbling.outcome import AWAY, Outcome, all_taken
from tests.memory import memory
from tests.plays.examples import a_play

R1, T1, A1, A2 = (f"{n}0000000-0000-4000-8000-000000000000" for n in range(1, 5))


def track(**changes: Any) -> FullTrack:
    summary = TrackSummary(
        track_id="t1", title="Björk & Co.", artist="Lumen feat. Kaya", album="A, B", duration_ms=240_000
    )
    own: dict[str, Any] = {"summary": summary, "library": "home", "file_name": "x.flac", "size": 1}
    return FullTrack(**{**own, **changes})


def test_a_signature_is_of_the_texts_as_they_are() -> None:
    """B8: "+", "&" and letters beyond ASCII; `format` and `callback` are not signed."""
    sent = {
        "method": "track.updateNowPlaying",
        "api_key": "KEY",
        "sk": "SK",
        "artist": "Björk & Co.",
        "track": "1+1",
        "album": "A, B",
    }
    expected = "a3c2862d49646fb114f515c0de474e22"
    assert signature(sent, "SECRET") == expected
    assert signature({**sent, "format": "json", "callback": "x"}, "SECRET") == expected


def test_the_page_of_permission_has_the_key_and_the_token_and_no_secret() -> None:
    api = Api(address="https://ws.example/2.0/", page="https://www.example/auth/", key="K 1", secret="S")
    assert api.allowing("t&1") == "https://www.example/auth/?api_key=K+1&token=t%261"


@pytest.mark.parametrize(
    ("changes", "heard"),
    [
        ({"type": "complete", "ms_played": 200_000}, True),
        ({"type": "skip", "ms_played": 100_000}, True),
        ({"type": "leave", "ms_played": 99_999}, False),
        ({"type": "play", "ms_played": 200_000}, False),
        ({"type": "like", "ms_played": 200_000}, False),
        ({"type": "skip", "ms_played": 240_000, "duration_ms": 3_600_000}, True),
        ({"type": "complete", "ms_played": 30_000, "duration_ms": 30_000}, False),
        ({"type": "complete", "ms_played": 31_000, "duration_ms": 31_000}, True),
        ({"type": "complete", "ms_played": 200_000, "duration_ms": 0}, False),
        ({"type": "complete", "ms_played": 240_000, "duration_ms": 0}, True),
    ],
)
def test_half_of_a_song_or_four_minutes_are_a_scrobble(changes: dict[str, Any], heard: bool) -> None:
    assert is_heard(a_play(**changes), length_ms=None) is heard


def test_the_catalogue_gives_a_length_that_the_player_does_not_know() -> None:
    assert is_heard(a_play(duration_ms=0, ms_played=30_000), length_ms=50_000)


def test_the_time_is_that_of_the_start() -> None:
    """B10: a song of 240 s that started at 18:00, and was counted and sent later."""
    started = 1_680_717_600
    assert datetime.fromtimestamp(started, UTC) == datetime(2023, 4, 5, 18, tzinfo=UTC)
    end = a_play(type="complete", ms_played=240_000, occurred_at=started * 1000 + 250_000)
    assert began_at(end, begun_at=started * 1000) == started * 1000
    assert began_at(end, begun_at=None) == started * 1000 + 10_000
    assert began_at(end, begun_at=end["occurred_at"] + 1) == started * 1000 + 10_000
    assert began_at(end, begun_at=0) == started * 1000 + 10_000, "of another day"
    song = song_of(track())
    assert song is not None
    assert listen(song, at=started * 1000 + 999)["listened_at"] == started


def test_several_ids_in_one_tag_are_single_ones() -> None:
    """B4."""
    assert valid_ids([f"{R1}/{T1}/{A1}"]) == [R1, T1, A1]
    assert valid_ids([f"{R1.upper()}; {T1}", None, "", "not an id", R1]) == [R1, T1]


def test_an_id_goes_to_the_field_of_its_kind() -> None:
    """B9: the recording's id, and that of its track on the release; B6: all artists, in order."""
    ids = MusicBrainzIds(recording=R1, release_track=T1, release="broken", artists=(f"{A1}/{A2}", "x"))
    artists = (Credit(key="lumen", name="Lumen"),)
    song = song_of(track(ids=ids, artists=artists, featured=(Credit(key="kaya", name="Kaya"),), number=7))
    assert song is not None
    sent = listen(song, at=10**12)["track_metadata"]
    info = sent["additional_info"]
    assert (info["recording_mbid"], info["track_mbid"]) == (R1, T1)
    assert "release_mbid" not in info
    assert info["artist_mbids"] == [A1, A2]
    assert info["artist_names"] == ["Lumen", "Kaya"]
    assert (info["duration_ms"], info["tracknumber"]) == (240_000, 7)
    assert (sent["artist_name"], sent["track_name"], sent["release_name"]) == (
        "Lumen feat. Kaya",
        "Björk & Co.",
        "A, B",
    )


def test_a_track_without_a_title_or_an_artist_is_no_scrobble() -> None:
    for title, artist in (("", "A"), ("T", "")):
        summary = TrackSummary(track_id="t1", title=title, artist=artist, album=None, duration_ms=None)
        assert song_of(track(summary=summary)) is None


def answering(content: bytes, headers: Mapping[str, str]) -> httpx.Client:
    """A client that gets these bytes from every service."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(content))

    return httpx.Client(transport=httpx.MockTransport(answer))


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_a_compressed_answer_is_not_expanded(encoding: str) -> None:
    """A few bytes may be thousands of millions then."""
    content = b" " * (64 << 20)
    for _ in encoding.split(","):
        content = gzip.compress(content)
    with answering(content, {"Content-Encoding": encoding}) as http, memory() as most:
        found = call(http, "GET", "https://listens.example")
    assert found.content is None
    assert most() < 8 << 20


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"html": "<html>Back soon</html>"}, Outcome(problem=AWAY)),
        ({"html": '{"status": "ok"}'}, all_taken(["s1"])),
        ({"json": {"status": "ok"}}, all_taken(["s1"])),
        ({"text": "ok"}, all_taken(["s1"])),
        ({}, all_taken(["s1"])),
    ],
    ids=["page", "JSON called a page", "JSON", "text", "nothing"],
)
def test_a_page_with_status_200_is_no_answer_of_listenbrainz(
    answer: dict[str, Any], expected: Outcome
) -> None:
    """Proxies send one while the service is away: the listen is sent again later."""
    song = song_of(track())
    assert song is not None
    made = httpx.Response(200, **answer)
    with answering(made.content, made.headers) as http:
        found = send(http, "https://listens.example", "token", [Waiting(scrobble_id="s1", at=0, song=song)])
    assert found == expected
