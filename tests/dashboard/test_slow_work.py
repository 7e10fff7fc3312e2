"""Work that takes long leaves the pages their threads, and is refused beyond its own."""

from __future__ import annotations

import threading

import anyio
import anyio.to_thread
import pytest
from starlette.exceptions import HTTPException

from segue.dashboard.slow_work import Full, SlowWork
from tests.asynchronous import run


def test_more_than_the_most_are_refused_at_once_and_the_pages_go_on() -> None:
    async def crowd() -> tuple[list[int], str]:
        work, end, answers = SlowWork(3), threading.Event(), list[int]()

        async def ask() -> None:
            try:
                answers.append(await work.do(lambda: 200 if end.wait(60) else 0))
            except HTTPException as error:
                assert error.headers == {"Retry-After": "5"}
                answers.append(error.status_code)

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(ask)
            while len(answers) < 47:
                await anyio.sleep(0.001)
            page = await anyio.to_thread.run_sync(lambda: "a page")
            end.set()
        assert await work.do(lambda: 201) == 201, "there is room again"
        return answers, page

    answers, page = run(crowd)
    assert (answers.count(503), answers.count(200), page) == (47, 3, "a page")


def test_one_visitor_leaves_room_for_the_others() -> None:
    work = SlowWork(3, each=2)
    with work.place("a"), work.place("a"):
        with pytest.raises(Full) as own, work.place("a"):
            pass
        assert own.value.status_code == 429
        assert own.value.headers == {"Retry-After": "5"}
        with work.place("b"):
            with pytest.raises(Full) as everyone, work.place("c"):
                pass
            assert everyone.value.status_code == 503
    with work.place("a"), work.place("a"), work.place("b"):
        pass


def test_an_error_leaves_room() -> None:
    async def fail() -> int:
        work = SlowWork(1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await work.do(lambda: 1 // 0)
        return await work.do(lambda: 1)

    assert run(fail) == 1
