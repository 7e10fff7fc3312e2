"""The checks that every request passes: origin, and numbers and texts that nobody else writes."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from segue.dashboard import slow_bodies
from segue.dashboard.api.requests import MOST_VALUES, body, json_body, read_apart, refuse_cross_site
from tests.asynchronous import run


def _request(body: bytes = b"", **headers: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    listed = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": listed}, receive)


@pytest.mark.parametrize(
    ("origin", "host", "base_url"),
    [
        ("http://music.example.org", "music.example.org", ""),
        ("https://music.example.org", "music.example.org:443", ""),
        ("http://music.example.org:80", "music.example.org", ""),
        ("https://MUSIC.example.org", "music.Example.org", ""),
        ("https://music.example.org", "10.0.0.5:8501", "https://music.example.org"),
        ("https://music.example.org", "internal", "https://music.example.org:443/"),
        ("http://[::1]:8501", "[::1]:8501", ""),
    ],
)
def test_own_pages(origin: str, host: str, base_url: str) -> None:
    refuse_cross_site(_request(origin=origin, host=host), base_url)


@pytest.mark.parametrize(
    ("origin", "host", "base_url"),
    [
        ("https://evil.example", "music.example.org", ""),
        ("https://music.example.org:8443", "music.example.org", ""),
        ("https://music.example.org.evil.example", "music.example.org", "https://music.example.org"),
        ("null", "music.example.org", ""),
        ("http://[", "music.example.org", ""),
        ("http://a:b", "a:b", ""),
        ("file://", "", ""),
        ("", "", ""),
    ],
)
def test_other_sites_are_refused(origin: str, host: str, base_url: str) -> None:
    with pytest.raises(HTTPException) as error:
        refuse_cross_site(_request(origin=origin, host=host), base_url)
    assert error.value.status_code == 403


def _read(text: bytes) -> dict[str, Any]:
    return run(json_body, _request(text), limit=10_000, shape="an object")


def test_strange_numbers_and_texts_are_read() -> None:
    text = '{"a": 1e999, "b": NaN, "c": -Infinity, "d": %s, "e": "\\ud800x", "f": [1e999, 2], "g": 1.5}' % (
        "9" * 400
    )
    found = _read(text.encode())
    assert found == {"a": None, "b": None, "c": None, "d": None, "e": "\ufffdx", "f": [None, 2], "g": 1.5}
    json.dumps(found, allow_nan=False).encode()


def _arriving(*parts: tuple[float, bytes]) -> Request:
    """A request whose body comes in parts, each some seconds after the last; it never ends."""
    waiting = iter(parts)

    async def receive() -> dict[str, Any]:
        seconds, part = next(waiting, (3600.0, b""))
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": part, "more_body": True}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


@pytest.mark.parametrize("parts", [(), ((0.0, b"x"),), ((0.0, b"x"), *[(0.06, b"x")] * 99)], ids=len)
def test_a_body_that_does_not_come_is_given_up(
    parts: tuple[tuple[float, bytes], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_bodies, "GRACE_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(HTTPException) as error:
        run(body, _arriving(*parts), limit=10_000)
    assert error.value.status_code == 408
    assert time.monotonic() - began < 60


def test_a_large_body_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_bodies, "GRACE_SECONDS", 0.2)
    large = b"x" * 80_000
    with pytest.raises(HTTPException) as error:
        run(body, _arriving((0.0, large), (1.0, large)), limit=100_000)
    assert error.value.status_code == 413


@pytest.mark.parametrize("text", [b"[1]", b"{", b"\xff", b'"x"', b"9" * 9000, b"[" * 9000])
def test_a_body_that_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(HTTPException) as error:
        _read(text)
    assert error.value.status_code == 400


def test_a_large_body_is_read_beside_the_event_loop() -> None:
    async def readers(size: int) -> tuple[threading.Thread, threading.Thread]:
        reading = await read_apart(lambda _: threading.current_thread(), b"x" * size)
        return threading.current_thread(), reading

    loop, reading = run(readers, 100)
    assert reading is loop
    loop, reading = run(readers, 100_000)
    assert reading is not loop


def test_few_bodies_are_read_at_a_time() -> None:
    """A crowd of bodies leaves the threads of the pages alone."""
    running, most, lock = 0, 0, threading.Lock()

    def read(_: bytes) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    async def crowd() -> None:
        await asyncio.gather(*(read_apart(read, b"x" * 100_000) for _ in range(12)))

    run(crowd)
    assert 1 <= most <= 2


@pytest.mark.parametrize("value", [b"[],", b"0,", b"{},"])
def test_a_body_with_too_many_values_is_refused_unread(value: bytes) -> None:
    """Ten million small values keep the parser busy for seconds, in which no other thread runs."""
    inside = value * (MOST_VALUES + 1)
    with pytest.raises(HTTPException) as error:
        run(
            json_body,
            _request(b'{"a": [' + inside[:-1] + b"]}"),
            limit=10_000_000,
            shape="an object",
        )
    assert error.value.status_code == 413
