"""Calls of apps that wait, such as for Kafka, do not keep the pages waiting."""

from __future__ import annotations

import threading

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from segue.dashboard.api import player
from segue.dashboard.opensubsonic import routes as opensubsonic
from segue.dashboard.opensubsonic.call import Call, Content
from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE
from tests.asynchronous import run
from tests.opensubsonic.conftest import App
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
CALLS = 60
"""More than the threads that the pages share."""


def test_waiting_calls_leave_the_pages_their_threads(
    ada: App, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With forty calls that waited for Kafka, no page was answered."""
    app = Starlette(routes=[*opensubsonic.routes(services), *player.routes(services)])
    token = services.login_sessions.open(user_id=ada.account.user_id, name="Ada")
    waiting, may_go_on = threading.Semaphore(0), threading.Event()

    def wait(_call: Call) -> Content:
        waiting.release()
        may_go_on.wait(PATIENCE)
        return {}

    monkeypatch.setitem(opensubsonic.ANSWERS, "ping", wait)
    statuses: list[int] = []

    async def tried() -> None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://segue", timeout=None) as web:

            async def call() -> None:
                statuses.append((await web.get("/rest/ping", params=ada.parameters())).status_code)

            try:
                async with anyio.create_task_group() as group:
                    for _ in range(CALLS):
                        group.start_soon(call)
                    for _ in range(10):  # so many wait
                        while not waiting.acquire(blocking=False):
                            await anyio.sleep(0.01)
                    with anyio.fail_after(PATIENCE / 2):
                        answer = await web.get("/api/upcoming", headers={"Cookie": f"{COOKIE}={token}"})
                    assert answer.status_code == 200
                    assert not statuses
                    may_go_on.set()
            finally:
                may_go_on.set()

    run(tried)
    assert statuses == [200] * CALLS
