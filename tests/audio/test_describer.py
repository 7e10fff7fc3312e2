"""A file on which the decoder hangs or crashes costs that file, and no more."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from segue.audio.describe_here import Describers, Source
from segue.audio.describer import Describer
from segue.audio.describing import WHOLE, Row, describe_row, measure_row
from segue.settings import load_settings
from segue.storage.mongo import unpack
from tests.catalog.library import song
from tests.waiting import PATIENCE

AUDIO = load_settings().audio.model_copy(
    update={"max_duration": timedelta(seconds=4), "decode_timeout": timedelta(minutes=10)}
)


@pytest.fixture
def describer() -> Iterator[Describer]:
    found = Describer(AUDIO)
    yield found
    found.close()


def reader(describer: Describer) -> psutil.Process:
    assert describer._process is not None
    return psutil.Process(describer._process.pid)


def vector(row: Row) -> np.ndarray:
    assert isinstance(row["vector"], bytes), row
    return unpack(row["vector"])


def test_it_gives_the_same_result_as_the_function(describer: Describer, tmp_path: Path) -> None:
    path = str(song(tmp_path / "two\nlines 🎺.mp3"))
    there, here = describer.describe(path), describe_row(path, AUDIO)
    np.testing.assert_allclose(vector(there), vector(here), rtol=1e-5)
    (tmp_path / "empty.mp3").touch()
    assert describer.describe(str(tmp_path / "empty.mp3"))["reason"] == "empty"


def test_it_measures_the_same_loudness_as_the_function(describer: Describer, tmp_path: Path) -> None:
    path = str(song(tmp_path / "a.flac"))
    there = describer.measure(path)
    assert there == measure_row(path) and there["reason"] is None
    (tmp_path / "empty.mp3").touch()
    refused = describer.measure(str(tmp_path / "empty.mp3"))
    assert refused == {
        "integrated": None,
        "peak": None,
        "blocks": None,
        "reason": "empty",
        "detail": "0 bytes",
    }


def test_a_reader_that_hangs_or_crashes_is_replaced(describer: Describer, tmp_path: Path) -> None:
    path = str(song(tmp_path / "a.flac"))
    expected = vector(describer.describe(path))
    first = reader(describer)
    describer._audio = AUDIO.model_copy(update={"decode_timeout": timedelta(seconds=0.3)})
    first.suspend()
    assert describer.describe(path) == {
        "vector": None,
        "fingerprint": None,
        "reason": "too-slow",
        "detail": "it stood still for 0.3 s",
    }
    assert not first.is_running()
    describer._audio = AUDIO
    np.testing.assert_array_equal(vector(describer.describe(path)), expected)
    os.kill(reader(describer).pid, signal.SIGSEGV)
    crashed = describer.describe(path)
    assert (crashed["reason"], crashed["vector"]) == ("decoder-crashed", None)
    np.testing.assert_array_equal(vector(describer.describe(path)), expected)


def test_the_reader_ends_with_its_owner(describer: Describer, tmp_path: Path) -> None:
    describer.describe(str(song(tmp_path / "a.flac")))
    found = reader(describer)
    assert describer._process is not None and describer._process.stdin is not None
    describer._process.stdin.close()  # as the system does when the owner is killed
    assert psutil.wait_procs([found], timeout=600)[0]


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that ffmpeg reads for ever."""
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text("#!/bin/sh\nexec sleep 1000\n")
    ffmpeg.chmod(0o755)
    file = song(tmp_path / "a.m4a")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(ffmpeg))
    return file


def ffmpegs(process: psutil.Process) -> list[psutil.Process]:
    """The decoders that a process has started, as soon as there is one."""
    end = time.monotonic() + 60
    while not (children := process.children()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return children


def test_an_ffmpeg_that_hangs_ends_with_its_reader(describer: Describer, hanging: Path) -> None:
    describer._audio = AUDIO.model_copy(update={"decode_timeout": timedelta(seconds=2)})
    with ThreadPoolExecutor(1) as pool:
        row = pool.submit(describer.describe, str(hanging))
        while describer._process is None:
            time.sleep(0.05)
        children = ffmpegs(reader(describer))
        assert row.result()["reason"] == "too-slow"
    assert psutil.wait_procs(children, timeout=PATIENCE)[0] == children


def test_in_the_middle_of_a_file_all_end_with_the_owner(describer: Describer, hanging: Path) -> None:
    process = describer._running()
    assert process.stdin is not None
    process.stdin.write(
        json.dumps({"path": str(hanging), "start": 0.0, "end": None, "task": "describe"}).encode() + b"\n"
    )
    process.stdin.flush()
    family = [reader(describer), *ffmpegs(reader(describer))]
    process.stdin.close()
    assert len(psutil.wait_procs(family, timeout=PATIENCE)[0]) == 2


def test_processes_serve_several_calls_and_end_with_the_block(tmp_path: Path) -> None:
    files = songs(tmp_path)
    (tmp_path / "empty.mp3").touch()
    with Describers(AUDIO) as describers:
        [one] = describers.describe(files[:1])
        assert (one.track_id, one.reason) == ("0", "")
        [first] = started(describers)
        again = {found.track_id: found for found in describers.describe(files)}
        assert {name for name, *_ in files} == again.keys()
        assert again["0"].vector == one.vector
        [empty] = describers.describe([("x", str(tmp_path / "empty.mp3"), WHOLE)])
        assert (empty.track_id, empty.vector, empty.reason) == ("x", None, "empty")
        assert {name for name, row in describers.measure(files) if not row["reason"]} == again.keys()
        processes = started(describers)
        assert first in processes and len(processes) <= (os.cpu_count() or 1)
        assert list(describers.describe([])) == []
    assert not psutil.wait_procs(processes, timeout=PATIENCE)[1]


def test_a_caller_that_stops_ends_the_work_in_progress(tmp_path: Path) -> None:
    files = songs(tmp_path)
    with Describers(AUDIO) as describers:
        results = describers.measure(files)
        next(results)
        processes = started(describers)
        results.close()
        assert not psutil.wait_procs(processes, timeout=PATIENCE)[1]
        assert {found.track_id for found in describers.describe(files) if found.vector} == {
            "0",
            "1",
            "2",
            "3",
        }


def songs(folder: Path) -> list[Source]:
    return [(str(seed), str(song(folder / f"{seed}.flac", seed=seed)), WHOLE) for seed in range(4)]


def started(describers: Describers) -> list[psutil.Process]:
    return [reader(describer) for describer in describers._describers if describer._process is not None]
