"""A listener's plan, once and as a stream of server-sent events.

The stream sends the plan when it is opened, and whenever it changes. One task of the process looks at the
recommendations of all listeners with a stream, so that a stream costs no query of its own. What else changes
a plan, such as the mood dial, is noticed with the next sign of life.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from segue.dashboard.api.v1.accepted import MOST_TRACKS, limit_of
from segue.dashboard.api.v1.finding import track
from segue.dashboard.problems import HEADERS, Problem
from segue.dashboard.queries.items import Item
from segue.dashboard.queries.steered import planned
from segue.dashboard.retry_after import retry_after
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services
from segue.people.api_keys import ApiKey, ApiKeys
from segue.ranking.recommendations import Recommendations

log = logging.getLogger(__name__)
MEDIA = "text/event-stream"
MOST_STREAMS = 1000
"""Open streams of a process: each has a connection."""
LOOK_SECONDS = 0.5
"""How often the recommendations are looked at."""
LIFE_SECONDS = 15.0
"""A stream sends at least a comment this often: proxies close connections that are silent for longer."""
RETRY_MS = 3000


def plan(services: Services, key: ApiKey, request: Request) -> dict[str, Any]:
    """The listener's next tracks with their reasons."""
    return _plan(services, key, limit=limit_of(request, usual=MOST_TRACKS))


def _plan(services: Services, key: ApiKey, *, limit: int) -> dict[str, Any]:
    upcoming = planned(services.catalogue, services.settings, key.user_id)
    return {
        "recommendation_id": upcoming.recommendation_id,
        "served": upcoming.served,
        "reflects_at": upcoming.reflects_at,
        "tracks": [_recommended(item) for item in upcoming.items[:limit]],
    }


def _recommended(item: Item) -> dict[str, Any]:
    own = item.attribution
    return {
        **track(item),
        "reason": item.why,
        "score": None if item.score is None else round(item.score, 4),
        "attribution": own
        and {"recommendation_id": own.recommendation_id, "rank": own.rank, "model": own.variant},
    }


class Watch:
    """Notices changes of the listeners' recommendations, for the streams of a process."""

    def __init__(
        self, versions: Callable[[Sequence[str]], Mapping[str, str]], *, every: float = LOOK_SECONDS
    ) -> None:
        """`versions` returns the version of each listener's recommendations; it is called in a thread."""
        self._versions, self._every = versions, every
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def of(self, user_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the listener's recommendations have changed."""
        changed = asyncio.Event()
        self._waiting[user_id].add(changed)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            yield changed
        finally:
            self._waiting[user_id].discard(changed)
            if not self._waiting[user_id]:
                del self._waiting[user_id]

    async def _look(self) -> None:
        """Look regularly while there are streams."""
        before: Mapping[str, str] = {}
        while self._waiting:
            try:
                now = await run_in_threadpool(self._versions, list(self._waiting))
            except Exception:  # the database is away: the streams notice it themselves
                log.debug("the recommendations cannot be read", exc_info=True)
            else:
                for user_id in [one for one in now if now[one] != before.get(one)]:
                    for changed in self._waiting.get(user_id, ()):
                        changed.set()
                before = now
            await asyncio.sleep(self._every)


class Streams:
    """The streams of a process."""

    def __init__(self, services: Services, *, life: float = LIFE_SECONDS) -> None:
        """`life` is the longest silence of a stream, in seconds."""
        self._services, self._keys, self._life = services, ApiKeys(services.store), life
        recommendations = Recommendations(services.store)
        self._watch = Watch(recommendations.versions)
        self._open: Counter[str] = Counter()

    def open(self, key: ApiKey, request: Request) -> Response:
        """The stream of a listener's plan. It takes a place until it has been sent.

        Raises
        ------
        Problem
            429, 503: there are too many streams, of the key or of all.
        """
        limit = limit_of(request, usual=MOST_TRACKS)
        retry = retry_after()
        if self._open[key.key_id] >= self._services.settings.api.streams_per_key:
            raise Problem(429, "this key has as many streams as it may have: close one", retry)
        if self._open.total() >= MOST_STREAMS:
            raise Problem(503, "there are too many streams: try again later", retry)
        self._open[key.key_id] += 1
        return _Sent(self._parts(key, request, limit=limit), lambda: self._leave(key))

    def _leave(self, key: ApiKey) -> None:
        self._open[key.key_id] -= 1
        if not self._open[key.key_id]:
            del self._open[key.key_id]

    async def _parts(self, key: ApiKey, request: Request, *, limit: int) -> AsyncIterator[str]:
        with self._watch.of(key.user_id) as changed:
            sent = request.headers.get("last-event-id", "")
            yield f"retry: {RETRY_MS}\n\n"
            while True:
                changed.clear()
                read = await self._read(key, limit=limit)
                if read is _REVOKED:
                    return
                if read is None or read.name == sent:
                    yield ": alive\n\n"
                else:
                    sent = read.name
                    yield f"id: {sent}\nevent: plan\ndata: {read.data}\n\n"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), self._life)

    async def _read(self, key: ApiKey, *, limit: int) -> _Message | None:
        """The present plan; None while the database is away, :data:`_REVOKED` if the key was revoked."""

        def read() -> _Message:
            if not self._keys.is_valid(key.key_id):
                return _REVOKED
            with seen_by(key.user_id, key.name):
                return _Message.of(_plan(self._services, key, limit=limit))

        if self._services.availability.is_away:
            return None
        try:
            return await run_in_threadpool(read)
        except Exception as error:
            if not self._services.availability.failed(error):
                raise
            return None


class _Sent(StreamingResponse):
    """A stream that calls a function when it has ended, however it does."""

    def __init__(self, parts: AsyncIterator[str], ended: Callable[[], None]) -> None:
        # Some proxies would keep the parts back to send them together.
        super().__init__(parts, media_type=MEDIA, headers={**HEADERS, "X-Accel-Buffering": "no"})
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


@dataclass(frozen=True)
class _Message:
    name: str
    """Its id: a digest of the content."""
    data: str

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> _Message:
        data = json.dumps(content, separators=(",", ":"))
        return cls(hashlib.sha256(data.encode()).hexdigest()[:32], data)


_REVOKED = _Message("", "")
