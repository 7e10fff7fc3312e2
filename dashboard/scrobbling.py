"""Sends scrobbles to other services while the dashboard or the API runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from segue.dashboard.metrics import DashboardMetrics
from segue.dashboard.services import Services
from segue.scrobbling.working import Work
from segue.storage.store import Store


class ScrobbleFigures:
    """The deliveries, as metrics."""

    def __init__(self, metrics: DashboardMetrics) -> None:
        self._metrics = metrics

    def delivered(self, service: str, result: str, count: int) -> None:
        """See :class:`segue.scrobbling.sending.Figures`."""
        if count:
            self._metrics.scrobbles.labels(service, result).inc(count)

    def waiting(self, seconds: float) -> None:
        """See :class:`segue.scrobbling.sending.Figures`."""
        self._metrics.scrobbles_waiting.set(seconds)


@contextlib.asynccontextmanager
async def sending_scrobbles(services: Services) -> AsyncIterator[None]:
    """A part of the application's lifespan."""
    work = Work(
        Store(services.store.database),  # a listener's own plays, whoever looks at a page meanwhile
        services.settings,
        figures=ScrobbleFigures(services.metrics),
        is_outage=services.availability.failed,
    )
    work.start()
    try:
        yield
    finally:
        await asyncio.to_thread(work.close)
