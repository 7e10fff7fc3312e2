"""The calls of the API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from segue.client import answers
from segue.client.answers import Answer, Caller, Found, Plan, Result, SimilarTrack, Track
from segue.client.errors import ApiError
from segue.client.event import Event

_MOST_EVENTS = 100
"""Of a request."""
_MOST_AFTER = 200
"""Tracks that a radio has played, of a request."""
_MOST_SECONDS = 60.0
"""The longest pause before another attempt."""
_SILENCE_SECONDS = 60.0
"""A stream that is silent for longer is broken: the service sends a sign of life every 15 seconds."""

_ANOTHER = "this is no answer of the API: check the address"


class Client:
    """Calls the API as the listener of a key. Use it as a context manager, or close it.

    A call that the service cannot answer now is repeated, with the pause that the service asks for. All calls
    can be repeated: an event counts once.
    """

    def __init__(
        self,
        address: str,
        key: str,
        *,
        attempts: int = 3,
        timeout: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """
        Parameters
        ----------
        address
            The address of the service, such as `https://music.example.org`.
        key
            An API key, which the listener creates on the page *You*. Spaces and line breaks around it do not
            count.
        attempts
            How often a call is tried.
        timeout
            Seconds to wait for an answer.

        Raises
        ------
        ValueError
            The address is none of HTTP, or the key has signs that no key has.
        """
        if not address.startswith(("http://", "https://")):
            raise ValueError("this is no address of a service: give one such as https://music.example.org")
        key = key.strip()
        if not (key.isascii() and key.isprintable()):  # the error of a call would show it
            raise ValueError("this is no API key: it has signs that no key has")
        self._attempts, self._sleep = max(1, attempts), sleep
        self._http = httpx.Client(
            base_url=f"{address.rstrip('/')}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def me(self) -> Caller:
        """The listener and the rights of the key."""
        return self._call(answers.caller, "GET", "/me")

    def recommendations(self, *, limit: int = 100) -> Plan:
        """The listener's next tracks, with reasons. Needs the scope `recommendations`."""
        return self._call(answers.plan, "GET", "/recommendations", {"limit": limit})

    def similar(self, track_id: str, *, limit: int = 20) -> list[SimilarTrack]:
        """The tracks that sound most like one. Needs the scope `catalogue`."""
        path = f"/tracks/{quote(track_id, safe='')}/similar"
        return self._call(answers.similar, "GET", path, {"limit": limit})

    def radio(self, track_id: str, *, after: Iterable[str] = (), limit: int = 20) -> list[Track]:
        """The next tracks of a radio that began with a track and has played `after`, oldest first. Of these,
        the last 200 count.

        Needs the scope `recommendations`.
        """
        sent = {"limit": limit, "after": ",".join(list(after)[-_MOST_AFTER:])}
        return self._call(answers.tracks, "GET", f"/tracks/{quote(track_id, safe='')}/radio", sent)

    def search(self, words: str, *, limit: int = 50) -> Found:
        """Tracks, artists and albums whose names match some words. Needs the scope `catalogue`."""
        return self._call(answers.found, "GET", "/search", {"q": words, "limit": limit})

    def send(self, events: Iterable[Event]) -> list[Result]:
        """Send events; returns the result for each, in their order. Needs the scope `events`.

        More than 100 go in several requests. After an error, send all again.
        """
        waiting, results = [event.content() for event in events], list[Result]()
        for start in range(0, len(waiting), _MOST_EVENTS):
            body = {"events": waiting[start : start + _MOST_EVENTS]}
            results += self._call(answers.results, "POST", "/events", body=body)
        return results

    def plans(self, *, limit: int = 100) -> Generator[Plan, None, None]:
        """The plan now, and again whenever it changes, without an end. Needs the scope `recommendations`.

        If the connection breaks, it is opened again, as often as needed. An iterator has a connection of its
        own: close it, or leave the loop.

        Raises
        ------
        ApiError
            The service refuses the stream for good.
        """
        last, pause = "", 1.0
        while True:
            try:
                for name, data in self._events(last, limit=limit):
                    last, pause = name, 1.0
                    yield _understood(lambda text: answers.plan(json.loads(text)), data)
            except httpx.HTTPError:
                pass
            except ApiError as error:
                if error.retry_after is None:
                    raise
                pause = max(pause, error.retry_after)
            self._sleep(min(pause, _MOST_SECONDS))
            pause = min(2 * pause, _MOST_SECONDS)

    def _events(self, last: str, *, limit: int) -> Iterator[tuple[str, str]]:
        """Ids and data of the events of a stream, until its connection ends."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        timeout = httpx.Timeout(self._http.timeout.connect, read=_SILENCE_SECONDS)
        with self._http.stream(
            "GET", "/recommendations/stream", params={"limit": limit}, headers=headers, timeout=timeout
        ) as response:
            if response.status_code != httpx.codes.OK:
                response.read()
                raise _error(response)
            if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise ApiError(response.status_code, "", _ANOTHER)
            name, data = "", list[str]()
            for line in response.iter_lines():
                field, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if not line:
                    if data:
                        yield name, "\n".join(data)
                    data = []
                elif field == "id":
                    name = value
                elif field == "data":
                    data.append(value)

    def _call(
        self,
        read: Callable[[Any], Answer],
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: Any = None,
    ) -> Answer:
        """The answer to a call, which `read` makes of its content.

        Raises
        ------
        ApiError
            The service refuses the call, or does not answer.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return _understood(read, self._once(method, path, query, body))
            except ApiError as error:
                if error.retry_after is None or attempt >= self._attempts:
                    raise
                self._sleep(min(error.retry_after, _MOST_SECONDS))

    def _once(self, method: str, path: str, query: dict[str, Any] | None, body: Any) -> Any:
        try:
            response = self._http.request(method, path, params=query, json=body)
        except httpx.HTTPError as error:
            raise ApiError(
                0, "", f"the service does not answer: {error or type(error).__name__}", retry_after=1.0
            ) from None
        if response.status_code != httpx.codes.OK:
            raise _error(response)
        try:
            return response.json()
        except (ValueError, RecursionError):
            raise ApiError(response.status_code, "", _ANOTHER) from None


def _understood(read: Callable[[Any], Answer], content: Any) -> Answer:
    """The answer that `read` makes of the content.

    Raises
    ------
    ApiError
        It is not one of the API.
    """
    try:
        return read(content)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise ApiError(httpx.codes.OK, "", _ANOTHER) from None


def _error(response: httpx.Response) -> ApiError:
    if response.has_redirect_location:  # the key must not go to another address
        detail = f"the service sends to another address, {response.headers['Location'][:200]}: give that one"
        return ApiError(response.status_code, "", detail)
    try:
        content = response.json()
    except (ValueError, RecursionError):  # of a proxy
        content = None
    return ApiError.of(response.status_code, content, response.headers.get("retry-after"))
