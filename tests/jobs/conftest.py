"""Describing processes that passes over a library share: each takes three seconds of a core to start."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from segue.audio.describe_here import Describers
from segue.batch_jobs import update_library
from segue.settings import AudioSettings, Settings


class _Kept(Describers):
    """Describers that do not end with the block."""

    def __exit__(self, *_: object) -> None:
        pass

    def end(self) -> None:
        super().__exit__()


@pytest.fixture(scope="session")
def kept_describers() -> Iterator[dict[str, _Kept]]:
    """Describers by their settings, until the end of the run."""
    kept: dict[str, _Kept] = {}
    yield kept
    for describers in kept.values():
        describers.end()


def _of(kept: dict[str, _Kept], audio: AudioSettings) -> Describers:
    return kept.setdefault(audio.model_dump_json(), _Kept(audio))


@pytest.fixture
def describers(kept_describers: dict[str, _Kept], settings: Settings) -> Describers:
    return _of(kept_describers, settings.audio)


@pytest.fixture
def shared_describers(kept_describers: dict[str, _Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes take the describers of an earlier test with the same settings."""
    monkeypatch.setattr(update_library, "Describers", partial(_of, kept_describers))
