"""A listener's plan, once and as a stream of server-sent events.

The stream sends the plan when it is opened, and whenever it changes. One task of the process looks at the
recommendations of all listeners with a stream, so that a stream costs no query of its own. With each sign of
life, a stream asks whether its key is valid, and for the versions of the other sources of a plan, such as the
mood dial. A change that has no version, such as that of a title, is noticed within :data:`ANEW_SECONDS`.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio.to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from segue.dashboard.api.v1.accepted import MOST_TRACKS, limit_of
from segue.dashboard.api.v1.finding import track
from segue.dashboard.problems import HEADERS, Problem
from segue.dashboard.queries.items import Item
from segue.dashboard.queries.steered import planned
from segue.dashboard.read_in_time import ReadInTime
from segue.dashboard.retry_after import retry_after
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services
from segue.errors import SegueError
from segue.moods.dial import MoodDials
from segue.people.accounts import Accounts
from segue.people.api_keys import ApiKey, ApiKeys
from segue.ranking.recommendations import Recommendations
from segue.taste.corrections import NO_CORRECTIONS, Corrections
from segue.taste.starts import Starts

Result = TypeVar("Result")
log = logging.getLogger(__name__)
MEDIA = "text/event-stream"
MOST_STREAMS = 1000
"""Open streams of a process: each has a connection."""
LOOK_SECONDS = 0.5
"""How often the recommendations are looked at."""
LIFE_SECONDS = 15.0
"""A stream sends at least a comment this often: proxies close connections that are silent for longer."""
ANEW_SECONDS = 300.0
"""After this time a plan is computed anew, even if no version has changed."""
RETRY_MS = 3000
_THREADS = 4
"""For the plans of streams: they may wait, and take none from the pages."""


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
        "lifted_by": [{"evidence": name, "amount": amount} for name, amount in item.lifted_by],
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
        self._accounts, self._recommendations = Accounts(services.store), Recommendations(services.store)
        self._dials, self._corrections = MoodDials(services.store), Corrections(services.store)
        self._starts = Starts(services.store)
        self._watch = Watch(self._recommendations.versions)
        self._open: Counter[str] = Counter()
        self._threads = anyio.CapacityLimiter(_THREADS)

    async def open(self, key: ApiKey, request: Request) -> Response:
        """The stream of a listener's plan. It takes a place until it has been sent.

        Raises
        ------
        Problem
            429, 503: there are too many streams, of the listener or of all.
        Exception
            The first plan cannot be read.
        """
        limit = limit_of(request, usual=MOST_TRACKS)
        retry = retry_after()
        if self._open[key.user_id] >= self._services.settings.api.streams_per_listener:
            raise Problem(429, "this listener has as many streams as may be: close one", retry)
        if self._open.total() >= MOST_STREAMS:
            raise Problem(503, "there are too many streams: try again later", retry)
        self._open[key.user_id] += 1
        try:
            first = await self._in_thread(lambda: self._read(key, None, limit=limit))
        except BaseException:
            self._leave(key)
            raise
        sent = request.headers.get("last-event-id", "")
        return ReadInTime(
            self._parts(key, first, sent, limit=limit),
            ended=lambda: self._leave(key),
            media_type=MEDIA,
            # Some proxies would keep the parts back to send them together.
            headers={**HEADERS, "X-Accel-Buffering": "no"},
        )

    def _leave(self, key: ApiKey) -> None:
        self._open[key.user_id] -= 1
        if not self._open[key.user_id]:
            del self._open[key.user_id]

    async def _parts(self, key: ApiKey, first: _Read, sent: str, *, limit: int) -> AsyncIterator[str]:
        """The parts of a stream that begins with a plan; `sent` is the id of the one that the program has."""
        with self._watch.of(key.user_id) as changed:
            changed.set()  # it may have changed since it was read
            yield f"retry: {RETRY_MS}\n\n"
            read: _Read | None = first
            while read is not None:
                if read.message.name == sent:
                    yield ": alive\n\n"
                else:
                    sent = read.message.name
                    yield f"id: {sent}\nevent: plan\ndata: {read.message.data}\n\n"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), self._life)
                changed.clear()
                read = await self._read_again(key, read, limit=limit)

    async def _read_again(self, key: ApiKey, before: _Read, *, limit: int) -> _Read | None:
        """The present plan, the former one while the database is away; None if the stream ends."""
        if self._services.availability.is_away:
            return before
        try:
            return await self._in_thread(lambda: self._still(key, before, limit=limit))
        except Exception as error:
            if self._services.availability.failed(error):
                return before
            log.exception("a stream ends, since its plan cannot be read")
            return None

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await anyio.to_thread.run_sync(work, limiter=self._threads)

    def _still(self, key: ApiKey, before: _Read, *, limit: int) -> _Read | None:
        if not self._keys.is_valid(key.key_id) or self._accounts.is_disabled(key.user_id):
            return None
        return self._read(key, before, limit=limit)

    def _read(self, key: ApiKey, before: _Read | None, *, limit: int) -> _Read:
        """The present plan: the former one if no version has changed."""
        with seen_by(key.user_id, key.name):
            # Before the plan: a change between the two is noticed by the next reading.
            version, at = self._version(key.user_id), time.monotonic()
            if before is not None and before.version == version and at - before.at < ANEW_SECONDS:
                return before
            return _Read(_Message.of(_plan(self._services, key, limit=limit)), version, at)

    def _version(self, user_id: str) -> tuple[object, ...]:
        """Changes with the sources of a listener's plan."""
        try:
            index = self._services.catalogue.bundle().version
        except SegueError:  # no index yet
            index = ""
        recommended = self._recommendations.versions([user_id]).get(user_id)
        return (
            # Before the first recommendations, the listener's choices to start with.
            repr(self._starts.read(user_id)) if recommended is None else recommended,
            str(self._dials.read(user_id)),
            self._corrections.of([user_id]).get(user_id, NO_CORRECTIONS).digest,
            index,
        )


@dataclass(frozen=True)
class _Message:
    name: str
    """Its id: a digest of the content."""
    data: str

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> _Message:
        data = json.dumps(content, separators=(",", ":"))
        return cls(hashlib.sha256(data.encode()).hexdigest()[:32], data)


@dataclass(frozen=True)
class _Read:
    """A plan that was read, with the versions of its sources and the time of a monotonic clock."""

    message: _Message
    version: tuple[object, ...]
    at: float
