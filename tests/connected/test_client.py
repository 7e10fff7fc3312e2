"""The client of OpenSubsonic: log-in, repetition, and answers that nobody should believe."""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from segue.connected import client as clients
from segue.connected.client import LogIn, OpenSubsonic, checked_address, log_in_to
from segue.connected.faults import (
    LogInRefused,
    NoSuchThing,
    NotAllowed,
    RefusedCall,
    ServerAway,
    ServerFault,
    UnexpectedAnswer,
)
from segue.errors import SegueError
from tests.connected.conftest import PACE
from tests.connected.small_server import PASSWORD, USER, SmallServer, as_json, failed, first_then, status


def test_a_token_is_enough_where_the_server_takes_tokens(small: SmallServer) -> None:
    found = log_in_to(small.address, USER, PASSWORD, pace=PACE)
    assert found.method == "token"
    assert PASSWORD not in str(found.parameters())
    assert PASSWORD not in repr(found)


def test_the_password_is_sent_only_to_a_server_that_takes_no_tokens(small: SmallServer) -> None:
    def no_tokens(request: BaseHTTPRequestHandler) -> None:
        given = request.given  # type: ignore[attr-defined]
        request.usual() if "p" in given else failed(10)(request)  # type: ignore[attr-defined]

    small.instead["ping"] = no_tokens
    assert log_in_to(small.address, USER, PASSWORD, pace=PACE).method == "password"
    small.calls.clear()
    small.instead["ping"] = status(200, body=b"<html>hello</html>")
    with pytest.raises(UnexpectedAnswer, match="check the address"):
        log_in_to(small.address, USER, PASSWORD, pace=PACE)
    assert len(small.calls) == 1


def test_a_wrong_password_is_refused(small: SmallServer) -> None:
    with pytest.raises(LogInRefused):
        log_in_to(small.address, USER, "wrong", pace=PACE)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failed(70), NoSuchThing),
        (failed(40), LogInRefused),
        (failed(44), LogInRefused),
        (failed(50), NotAllowed),
        (failed(0), RefusedCall),
        (as_json({"subsonic-response": {"status": "failed"}}), RefusedCall),
        (as_json({"subsonic-response": {"status": "failed", "error": [1]}}), RefusedCall),
        (as_json({"subsonic-response": []}), UnexpectedAnswer),
        (as_json([]), UnexpectedAnswer),
        (status(200, body=b"[" * 100_000), UnexpectedAnswer),
        (status(200, body=b'{"subsonic-response": NaN'), UnexpectedAnswer),
        (status(200, body=b"\xff\xfe\x00"), UnexpectedAnswer),
        (status(200, body=b""), UnexpectedAnswer),
        (status(404), UnexpectedAnswer),
        (status(302, headers={"Location": "http://169.254.169.254/x?u=ada"}), UnexpectedAnswer),
        (status(401), LogInRefused),
        (status(500), ServerAway),
    ],
)
def test_an_answer_that_is_none_is_an_error(
    small: SmallServer, client: OpenSubsonic, answer: object, error: type[ServerFault]
) -> None:
    small.instead["ping"] = answer  # type: ignore[assignment]
    with pytest.raises(ServerFault) as raised:
        client.call("ping")
    assert type(raised.value) is error or isinstance(raised.value, error)
    assert "\n" not in str(raised.value)
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize("endpoint", ["getSong", "getAlbum", "getPlaylist", "download"])
def test_an_id_that_gonic_does_not_know_is_no_missing_parameter(
    small: SmallServer, client: OpenSubsonic, endpoint: str
) -> None:
    small.instead[endpoint] = failed(10, "couldn't find a track with that id")
    with pytest.raises(NoSuchThing):
        if endpoint == "download":
            with client.sound(endpoint, {"id": "gone"}):
                pass
        client.call(endpoint, {"id": "gone"})
    small.instead["ping"] = failed(10, "a parameter is missing")
    with pytest.raises(RefusedCall):
        client.call("ping")


def test_a_server_that_is_away_for_a_moment_is_asked_again(
    small: SmallServer, client: OpenSubsonic, pauses: list[float]
) -> None:
    small.instead["ping"] = first_then(2, status(503))
    assert client.call("ping")["status"] == "ok"
    assert pauses == [clients.FIRST_PAUSE, 2 * clients.FIRST_PAUSE]


def test_a_pause_that_the_server_asks_for_is_kept(
    small: SmallServer, client: OpenSubsonic, pauses: list[float]
) -> None:
    small.instead["ping"] = first_then(1, status(429, headers={"Retry-After": "7"}))
    client.call("ping")
    assert pauses == [7.0]


def test_a_very_long_pause_is_left_to_a_later_pass(
    small: SmallServer, client: OpenSubsonic, pauses: list[float]
) -> None:
    small.instead["ping"] = status(429, headers={"Retry-After": "86400"})
    with pytest.raises(ServerAway):
        client.call("ping")
    assert small.calls == ["ping"]
    assert pauses == []


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e9", "9" * 400, "Fri, 31 Feb 2026 00:00:00 GMT"])
def test_an_absurd_retry_after_is_none(small: SmallServer, client: OpenSubsonic, text: str) -> None:
    small.instead["ping"] = first_then(1, status(429, headers={"Retry-After": text}))
    assert client.call("ping")["status"] == "ok"


def test_calls_are_no_more_frequent_than_allowed(small: SmallServer) -> None:
    at, pauses = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        at[0] += seconds

    pace = clients.Pace(timeout=30, per_second=4)
    log_in = LogIn(user=USER, secret=PASSWORD)
    with OpenSubsonic(small.address, log_in, pace=pace, clock=lambda: at[0], sleep=sleep) as client:
        for _ in range(5):
            client.call("ping")
    assert pauses == [0.25] * 4


def test_an_answer_without_end_is_cut(
    small: SmallServer, client: OpenSubsonic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "LARGEST_ANSWER", 1 << 20)

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        try:
            while True:
                request.wfile.write(piece)
        except OSError:
            request.close_connection = True

    small.instead["ping"] = endless
    with pytest.raises(UnexpectedAnswer, match="more than 1 MiB"):
        client.call("ping")


def drips(request: BaseHTTPRequestHandler) -> None:
    """An answer without end, a byte at a time."""
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    try:
        while True:
            request.wfile.write(b"1\r\n \r\n")
            request.wfile.flush()
            threading.Event().wait(0.001)
    except OSError:
        request.close_connection = True


def test_an_answer_of_single_bytes_is_cut_by_the_time_of_all_of_them(small: SmallServer) -> None:
    """Each byte comes in time; pieces of a fixed size would be waited for."""
    small.instead["ping"] = drips
    at = iter(range(1_000_000))
    pace = clients.Pace(timeout=30, per_second=100_000, attempts=1)
    log_in = LogIn(user=USER, secret=PASSWORD)
    with (
        OpenSubsonic(small.address, log_in, pace=pace, clock=lambda: float(next(at))) as client,
        pytest.raises(ServerAway, match="takes more than"),
    ):
        client.call("ping")
    assert next(at) < 1000, "a look at the clock for each part"


def test_an_answer_of_very_many_values_is_not_parsed(
    small: SmallServer, client: OpenSubsonic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MOST_VALUES", 10_000)
    small.instead["ping"] = status(200, body=b"[" + b"[]," * 10_000 + b"[]]")
    with pytest.raises(UnexpectedAnswer, match="more than 10,000 values"):
        client.call("ping")


@pytest.mark.parametrize(("code", "error"), [("40", LogInRefused), ("70", NoSuchThing), ([40], RefusedCall)])
def test_a_code_of_another_type(
    small: SmallServer, client: OpenSubsonic, code: object, error: type[ServerFault]
) -> None:
    small.instead["ping"] = as_json({"subsonic-response": {"status": "failed", "error": {"code": code}}})
    with pytest.raises(error):
        client.call("ping")


def test_a_key_tells_whose_it_is(small: SmallServer) -> None:
    small.keys = {"secret-key": USER}
    found = log_in_to(small.address, "", "secret-key", pace=PACE, key=True)
    assert (found.user, found.method) == (USER, "key")
    assert USER not in found.parameters().values()
    small.instead["tokenInfo"] = status(404)
    assert log_in_to(small.address, USER.upper(), "secret-key", pace=PACE, key=True).user == USER.upper()
    with pytest.raises(LogInRefused, match="does not say"):
        log_in_to(small.address, "somebody", "secret-key", pace=PACE, key=True)
    with pytest.raises(LogInRefused):
        log_in_to(small.address, USER, "wrong", pace=PACE, key=True)


def test_an_answer_that_breaks_off_is_repeated(small: SmallServer, client: OpenSubsonic) -> None:
    def broken(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"{")
        request.close_connection = True

    small.instead["ping"] = first_then(1, broken)
    assert client.call("ping")["status"] == "ok"


def test_nothing_listens(small: SmallServer) -> None:
    with pytest.raises(ServerAway, match="cannot be reached"):
        log_in_to("http://127.0.0.1:9", USER, PASSWORD, pace=clients.Pace(attempts=1))


def test_the_log_in_is_in_no_log(
    small: SmallServer, client: OpenSubsonic, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client.call("ping")
    assert "t=" not in caplog.text


def test_an_error_in_place_of_sound_is_one(small: SmallServer, client: OpenSubsonic) -> None:
    small.instead["stream"] = failed(70)
    with pytest.raises(NoSuchThing), client.sound("stream", {"id": "1"}):
        pass
    small.instead["stream"] = status(200, headers={"Content-Type": "text/html"}, body=b"<script>")
    with pytest.raises(UnexpectedAnswer), client.sound("stream", {"id": "1"}):
        pass


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://music.example.org", "https://music.example.org"),
        (" http://nas:4533/ ", "http://nas:4533"),
        ("https://example.org/music/rest/", "https://example.org/music"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_addresses(text: str, found: str) -> None:
    assert checked_address(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "music.example.org",
        "ftp://x",
        "file:///etc",
        "http://",
        "http://a:b@host",
        "http://h/?x=1",
        "http://h:99999",
        "http://h\n/",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SegueError):
        checked_address(text)
