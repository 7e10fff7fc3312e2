"""A version in use is followed; an unfit version is refused, and the former one stays in use."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from segue.models import versions
from segue.models.versions import ActiveVersion, Models
from segue.storage.store import Store


class Letter(ActiveVersion[str]):
    """Version "v1" is the letter "V1"; versions that begin with "x" are unfit."""

    kind = "letter"
    unfit = (ValueError,)

    def __init__(self, store: Store, *, every: float = 0, initial: str | None = None) -> None:
        super().__init__(store, every=every, initial=initial)
        self.reads: list[str | None] = []

    def read(self, version: str | None) -> str:
        self.reads.append(version)
        if version is None:
            return "none"
        if version.startswith("x"):
            raise ValueError(f"{version} is unfit")
        return version.upper()


def test_each_version_is_read_once_and_served_until_another_is_active(store: Store) -> None:
    letter = Letter(store)
    for version in ("v1", "v1", "v2"):
        Models(store).activate("letter", version)
        assert letter.current() == version.upper()
    assert letter.reads == ["v1", "v2"]
    assert letter.version == "v2"


def test_it_is_not_asked_again_before_its_time(store: Store) -> None:
    letter = Letter(store, every=3600)
    for version in ("v1", "v2"):
        Models(store).activate("letter", version)
        assert letter.current() == "V1"


def test_an_unfit_version_is_refused_tried_again_later_and_forgotten_with_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    letter = Letter(store)
    for version, served, refused in (("v1", "V1", None), ("x1", "V1", "x1"), ("x1", "V1", "x1")):
        Models(store).activate("letter", version)
        assert (letter.current(), letter.refused) == (served, refused)
    assert letter.reads == ["v1", "x1"]
    monkeypatch.setattr(versions, "_RETRY_SECONDS", 0.0)
    letter._retry_at = 0.0
    assert letter.current() == "V1"
    assert letter.reads == ["v1", "x1", "x1"]
    assert caplog.text.count("letter x1 is refused, v1 stays in use: x1 is unfit") == 1
    for version, served in (("v1", "V1"), ("v3", "V3")):
        Models(store).activate("letter", version)
        assert (letter.current(), letter.refused) == (served, None)


def test_the_first_one_must_be_fit_unless_something_serves_until_then(store: Store) -> None:
    assert Letter(store).current() == "none"
    assert Letter(store, initial="initial").current() == "initial"
    Models(store).activate("letter", "x1")
    with pytest.raises(ValueError, match="x1 is unfit"):
        Letter(store).current()
    assert Letter(store, initial="initial").current() == "initial"


def test_while_mongodb_is_away_the_former_one_serves_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    Models(store).activate("letter", "v1")
    letter = Letter(store)
    assert letter.current() == "V1"

    def away(*_: object) -> str:
        raise ServerSelectionTimeoutError

    monkeypatch.setattr(Models, "active_version", away)
    assert letter.current() == "V1"
    with pytest.raises(ServerSelectionTimeoutError):
        Letter(store).current()
    assert Letter(store, initial="initial").current() == "initial"


class SlowLetter(Letter):
    """One that takes its time to read, and counts how many threads read at once."""

    def __init__(self, store: Store, *, every: float = 0) -> None:
        super().__init__(store, every=every)
        self.reading = self.most_reading = 0

    def read(self, version: str | None) -> str:
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        time.sleep(0.1)
        self.reading -= 1
        return super().read(version)


def test_threads_that_come_while_the_first_version_is_read_all_get_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def round_trip(*_: object) -> str:
        time.sleep(0.005)
        return "v1"

    monkeypatch.setattr(Models, "active_version", round_trip)
    for _ in range(5):
        letter = SlowLetter(store)

        def later(turn: int, letter: SlowLetter = letter) -> str:
            time.sleep(0.0025 * turn)
            return letter.current()

        with ThreadPoolExecutor(60) as threads:
            assert set(threads.map(later, range(60))) == {"V1"}
        assert (letter.reads, letter.version, letter.most_reading) == (["v1"], "v1", 1)


def test_while_one_thread_reads_a_newer_version_the_others_are_served(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    active_version, begun, go_on = "v1", threading.Event(), threading.Event()
    monkeypatch.setattr(Models, "active_version", lambda *_: active_version)

    class WaitingVersion(Letter):
        def read(self, version: str | None) -> str:
            if version == "v2":
                begun.set()
                assert go_on.wait(60)
            return super().read(version)

    letter = WaitingVersion(store)
    assert letter.current() == "V1"
    active_version = "v2"
    with ThreadPoolExecutor(1) as threads:
        newer = threads.submit(letter.current)
        try:
            assert begun.wait(60)
            assert (letter.current(), letter.version) == ("V1", "v1")
        finally:
            go_on.set()
        assert (newer.result(60), letter.current(), letter.version) == ("V2", "V2", "v2")
    assert letter.reads == ["v1", "v2"]
