"""A client of OpenSubsonic: calls another server, at a bounded rate, and tries again after a pause.

Nothing in an answer is believed: its size and the time that it takes are bounded, and an answer that is not
one of the protocol is an error. Redirects are not followed, since the address of a call carries the log-in.

The protocol: https://opensubsonic.netlify.app/docs/
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import httpx

from segue.asked_pause import asked_pause
from segue.connected.faults import (
    LogInRefused,
    NoSuchThing,
    NotAllowed,
    RefusedCall,
    ServerAway,
    UnexpectedAnswer,
)
from segue.errors import SegueError

VERSION, CLIENT = "1.16.1", "segue"
LARGEST_ANSWER = 32 << 20
"""Bytes of an answer other than sound and pictures."""
MOST_VALUES = 3_000_000
"""Values of such an answer: the parser needs up to a hundred bytes for each, and stops all other threads."""
LARGEST_PICTURE = 32 << 20
LONGEST_USER = 256
ATTEMPTS = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two attempts: the pause doubles, unless the server names one."""
_SLOWEST = 4
"""A whole answer may take this multiple of the time that one of its parts may take."""
_NOT_FOUND = 70
_PARAMETER_MISSING = 10
_REFUSED, _NOT_ALLOWED = (40, 41, 42, 43, 44), 50
_AWAY = frozenset({408, 425, 429, 500, 502, 503, 504})
_T = TypeVar("_T")
Method = Literal["token", "password", "key"]

# httpx logs the address of each request as information, and the address has the log-in.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class LogIn:
    """A log-in at another server."""

    user: str
    """The name of the account; empty for a key."""
    secret: str
    """Its password, or the API key."""
    method: Method = "token"
    """`token`: the MD5 of password and salt; `password`: servers that store hashes need it; `key`: an API
    key.
    """

    def __repr__(self) -> str:
        return f"LogIn({self.user!r}, {self.method})"

    def parameters(self) -> dict[str, str]:
        """The parameters of a call that log in."""
        common = {"v": VERSION, "c": CLIENT, "f": "json"}
        if self.method == "key":
            return {"apiKey": self.secret, **common}
        if self.method == "password":
            return {"u": self.user, "p": f"enc:{self.secret.encode().hex()}", **common}
        salt = secrets.token_hex(8)
        token = hashlib.md5((self.secret + salt).encode(), usedforsecurity=False).hexdigest()
        return {"u": self.user, "t": token, "s": salt, **common}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How a server is called."""

    timeout: float = 20.0
    """Seconds until a part of an answer must have come."""
    per_second: float = 10.0
    """The most calls in a second."""
    attempts: int = ATTEMPTS


class Turns:
    """Spaces the calls of a server, whichever clients make them. Safe for use by several threads."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds, self._clock, self._sleep = 1 / per_second, clock, sleep
        self._lock, self._next = threading.Lock(), 0.0

    def wait(self) -> None:
        """Wait until the next call may be made."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._seconds
        if turn > now:
            self._sleep(turn - now)


def checked_address(text: str) -> str:
    """The address of a server, without a slash at its end and without `/rest`.

    Raises
    ------
    SegueError
        It is no address of HTTP, or it has a log-in within.
    """
    text = text.strip()
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if (
        not known
        or parts.query
        or parts.fragment
        or any(not sign.isprintable() or sign == " " for sign in text)
    ):
        raise SegueError(
            f"{text[:200]!r} is no address of a server: give one such as https://music.example.org"
        )
    if parts.username or parts.password:
        raise SegueError(
            "the address must not contain a log-in: give the name with --user; you are asked for the password"
        )
    path = parts.path.rstrip("/").removesuffix("/rest").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


class OpenSubsonic:
    """A client of one account of a server. Safe for use by several threads."""

    def __init__(
        self,
        address: str,
        log_in: LogIn,
        *,
        pace: Pace = Pace(),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        turns: Turns | None = None,
    ) -> None:
        """`turns` is shared by the clients of a server; without it, the client has its own."""
        self.address, self._log_in, self._pace = address, log_in, pace
        self._clock, self._sleep = clock, sleep
        self._turns = turns or Turns(pace.per_second, clock=clock, sleep=sleep)
        self._http = httpx.Client(
            timeout=pace.timeout,
            follow_redirects=False,
            headers={"User-Agent": CLIENT, "Accept-Encoding": "identity"},
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> OpenSubsonic:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(
        self,
        endpoint: str,
        parameters: Mapping[str, Any] | Sequence[tuple[str, Any]] = (),
        *,
        post: bool = False,
        once: bool = False,
    ) -> Mapping[str, Any]:
        """Call an endpoint; returns the content of `subsonic-response`.

        Parameters
        ----------
        post
            Send the parameters as a form: they may be longer than an address.
        once
            Do not try again: a second call would have a second effect.

        Raises
        ------
        ServerFault
            See its subclasses. Only a server that is away was called again.
        """
        pairs = list(parameters.items() if isinstance(parameters, Mapping) else parameters)
        work = partial(self._call, endpoint, pairs, post=post)
        return work() if once else self._repeated(work)

    def picture(self, endpoint: str, parameters: Mapping[str, Any]) -> bytes:
        """The bytes of a picture.

        Raises
        ------
        ServerFault
            See its subclasses; the answer is an error, or larger than :data:`LARGEST_PICTURE`.
        """

        def read() -> bytes:
            with self._answer("GET", endpoint, list(parameters.items())) as answer:
                self._check_sound(answer)
                return self._content(answer, most=LARGEST_PICTURE)

        return self._repeated(read)

    @contextmanager
    def sound(
        self, endpoint: str, parameters: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx.Response]:
        """The answer with a recording, whose bytes have not been read; or with status 416 and anything, if a
        range was asked for that is beyond the end.

        Raises
        ------
        ServerFault
            See its subclasses; the server answers with an error of the protocol in place of sound.
        """
        with self._answer("GET", endpoint, list(parameters.items()), headers=headers) as answer:
            # Many servers, and the proxies before them, send a page with the refusal of a range.
            if not (answer.status_code == 416 and headers and "Range" in headers):
                self._check_sound(answer)
            yield answer

    def address_of(self, endpoint: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The address of an endpoint, and all parameters of a call with the log-in: for another HTTP client.

        The caller must not store or log them.
        """
        return f"{self.address}/rest/{endpoint}.view", {**self._log_in.parameters(), **parameters}

    def _call(self, endpoint: str, pairs: Sequence[tuple[str, Any]], *, post: bool) -> Mapping[str, Any]:
        with self._answer("POST" if post else "GET", endpoint, pairs) as answer:
            if answer.status_code in (404, 405, 501):
                raise UnexpectedAnswer(f"{self._name} does not know {endpoint} (HTTP {answer.status_code})")
            content = self._content(answer, most=LARGEST_ANSWER)
            with_id = any(name == "id" for name, _ in pairs)
            return self._response(content, status=answer.status_code, with_id=with_id)

    @contextmanager
    def _answer(
        self,
        method: str,
        endpoint: str,
        pairs: Sequence[tuple[str, Any]],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[httpx.Response]:
        self._turns.wait()
        url = f"{self.address}/rest/{endpoint}.view"
        given: list[tuple[str, Any]] = [*self._log_in.parameters().items(), *pairs]
        try:
            if method == "POST":
                body = httpx.QueryParams(given)
                request = self._http.build_request(
                    "POST",
                    url,
                    content=str(body),
                    headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
                )
            else:
                request = self._http.build_request("GET", url, params=given, headers=dict(headers or {}))
            answer = self._http.send(request, stream=True)
        except httpx.TimeoutException:
            raise ServerAway(f"{self._name} did not answer in {self._pace.timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, ValueError) as error:
            raise ServerAway(f"{self._name} cannot be reached: {_cause(error)}") from None
        try:
            if answer.is_redirect:
                raise UnexpectedAnswer(
                    f"{self._name} sends to another address, {_place(answer)}: connect that address"
                )
            if answer.status_code in (401, 403):
                raise LogInRefused(f"{self._name} refuses the log-in (HTTP {answer.status_code})")
            if answer.status_code in _AWAY:
                raise ServerAway(
                    f"{self._name} answers with HTTP {answer.status_code}",
                    pause=asked_pause(answer.headers.get("Retry-After")),
                )
            yield answer
        except httpx.TimeoutException:
            raise ServerAway(f"{self._name} stopped in the middle of an answer") from None
        except httpx.HTTPError as error:
            raise ServerAway(f"{self._name} broke off an answer: {_cause(error)}") from None
        finally:
            answer.close()

    def _check_sound(self, answer: httpx.Response) -> None:
        """An answer in JSON or XML in place of sound or a picture is an error, whatever its status."""
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind.endswith(("json", "xml")) or kind.startswith("text/"):
            content = self._content(answer, most=LARGEST_ANSWER)
            self._response(content, status=answer.status_code, with_id=True)
            raise UnexpectedAnswer(f"{self._name} answers with {kind or 'nothing'} in place of a file")
        if answer.status_code == 404:
            raise NoSuchThing(f"{self._name} has no such file")
        if answer.status_code >= 400:
            raise UnexpectedAnswer(f"{self._name} answers with HTTP {answer.status_code}")

    def _content(self, answer: httpx.Response, *, most: int) -> bytes:
        ends = self._clock() + _SLOWEST * self._pace.timeout
        parts, size = [], 0
        # Each part as it comes: larger pieces would be waited for, however long they take.
        for part in answer.iter_raw():
            size += len(part)
            if size > most:
                raise UnexpectedAnswer(f"{self._name} sends an answer of more than {most >> 20} MiB")
            if self._clock() > ends:
                raise ServerAway(
                    f"{self._name} takes more than {_SLOWEST * self._pace.timeout:g} s for an answer"
                )
            parts.append(part)
        return b"".join(parts)

    def _response(self, content: bytes, *, status: int, with_id: bool) -> Mapping[str, Any]:
        """The content of an answer to a call, with the id of a thing or without one."""
        if sum(content.count(sign) for sign in (b",", b"[", b"{")) > MOST_VALUES:
            raise UnexpectedAnswer(f"{self._name} sends an answer of more than {MOST_VALUES:,} values")
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        response = found.get("subsonic-response") if isinstance(found, dict) else None
        if not isinstance(response, dict):
            raise UnexpectedAnswer(
                f"{self._name} does not answer as OpenSubsonic servers do (HTTP {status}): check the address"
            )
        if response.get("status") == "ok":
            return response
        fault = response.get("error")
        fault = fault if isinstance(fault, dict) else {}
        code, text = _code(fault.get("code")), str(fault.get("message") or "no reason")[:200]
        text = "".join(sign if sign.isprintable() else " " for sign in text)
        if code in _REFUSED:
            raise LogInRefused(f"{self._name} refuses the log-in: {text} (error {code})")
        # Gonic says of a song that it does not have that a parameter is missing.
        if code == _NOT_FOUND or (with_id and code == _PARAMETER_MISSING):
            raise NoSuchThing(f"{self._name}: {text}")
        if code == _NOT_ALLOWED:
            raise NotAllowed(f"{self._name}: {text}", code=code)
        raise RefusedCall(f"{self._name} answers with an error: {text} (error {code})", code=code)

    def _repeated(self, work: Callable[[], _T]) -> _T:
        left, pause = self._pace.attempts, FIRST_PAUSE
        while True:
            left -= 1
            try:
                return work()
            except ServerAway as error:
                wanted = pause if error.pause is None else error.pause
                if left <= 0 or wanted > LONGEST_PAUSE:
                    raise
            self._sleep(wanted)
            pause = min(2 * pause, LONGEST_PAUSE)

    @property
    def _name(self) -> str:
        return urlsplit(self.address).netloc


def _code(value: object) -> int | None:
    """The number of an error: some servers send it as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6:
        return int(value)
    return value if isinstance(value, int) else None


def _place(answer: httpx.Response) -> str:
    """Where a redirect leads, without the parameters."""
    try:
        parts = urlsplit(answer.headers.get("Location", ""))
    except ValueError:
        return "which is none"
    return f"{parts.scheme}://{parts.netloc}"[:200] if parts.netloc else "of its own"


def _cause(error: Exception) -> str:
    """The reason in words. The text of an error may contain the address with the log-in, and is not shown."""
    match error:
        case httpx.ConnectError():
            return "no connection"
        case httpx.RemoteProtocolError():
            return "it does not speak HTTP"
        case _:
            return type(error).__name__


def log_in_to(address: str, user: str, secret: str, *, pace: Pace = Pace(), key: bool = False) -> LogIn:
    """Find the way in which a server accepts a log-in.

    The password itself is sent only if the server does not accept tokens, as those that store hashes do.

    Parameters
    ----------
    user
        The name of the account there. A key needs none where the server says whose it is; elsewhere, the
        server is asked whether it is that of the key.

    Raises
    ------
    ServerFault
        It accepts none, or does not answer; the name is not that of the key.
    """
    if key:
        found = LogIn(user="", secret=secret, method="key")
        with OpenSubsonic(address, found, pace=pace) as client:
            client.call("ping")
            owner = _owner_of_key(client)
            if not owner and user:
                _check_owner_of_key(client, user)
            return replace(found, user=owner or user)
    by_token = LogIn(user=user, secret=secret)
    try:
        with OpenSubsonic(address, by_token, pace=pace) as client:
            client.call("ping")
        return by_token
    except (LogInRefused, RefusedCall):
        pass
    by_password = LogIn(user=user, secret=secret, method="password")
    with OpenSubsonic(address, by_password, pace=pace) as client:
        client.call("ping")
    return by_password


def _owner_of_key(client: OpenSubsonic) -> str:
    """The name of the account that an API key belongs to; empty if the server does not tell."""
    try:
        found = client.call("tokenInfo").get("tokenInfo")
    except (UnexpectedAnswer, NoSuchThing):
        return ""
    name = found.get("username") if isinstance(found, dict) else None
    return name if isinstance(name, str) and name.isprintable() and len(name) <= LONGEST_USER else ""


def _check_owner_of_key(client: OpenSubsonic, user: str) -> None:
    """Check that an API key may be that of an account: only administrators may ask for other accounts.

    Raises
    ------
    ServerFault
        It is not, the server does not tell, or does not answer.
    """
    try:
        found = client.call("getUser", {"username": user}).get("user")
    except (UnexpectedAnswer, NoSuchThing):
        found = None
    name = found.get("username") if isinstance(found, dict) else None
    if not isinstance(name, str) or name.casefold() != user.casefold():
        raise LogInRefused(f"{urlsplit(client.address).netloc} does not say that the key is that of {user}")
