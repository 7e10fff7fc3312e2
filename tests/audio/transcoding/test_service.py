"""The service that converts recordings: shared work, limits, ends, the cache."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from segue.audio.decode import check_readable
from segue.audio.errors import Undecodable
from segue.audio.ffmpeg import probe
from segue.audio.transcoding.cache import FileCache
from segue.audio.transcoding.encoder import Conversion
from segue.audio.transcoding.forms import FORMS
from segue.audio.transcoding.service import Busy, NoRoom, Reading, Transcoder
from segue.settings import TranscodingSettings, load_settings
from tests.audio.sounds import cut, melody, write
from tests.waiting import until

LONG = 600.0


class Service(Transcoder):
    """A transcoder with its counts."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        usual = load_settings().transcoding.model_dump() | {"folder": str(folder), "processes": 1}
        self.counts: Counter[str] = Counter()
        super().__init__(
            TranscodingSettings.model_validate(usual | changes),
            count=lambda result: self.counts.update([result]),
        )

    def run(self, conversion: Conversion, owner: str = "ada") -> bytes:
        """All of a conversion; raises its error."""
        with self.join(conversion, owner=owner) as reading:
            return all_of(reading)


def all_of(reading: Reading) -> bytes:
    until(lambda: reading.has_ended, "the conversion to end")
    if reading.error:
        raise reading.error
    return reading.read(0, 1 << 30)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "cache")
    yield service
    service.close()


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("songs") / "a song.flac", melody(seconds=10.0))


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose conversion takes many seconds."""
    return write(tmp_path_factory.mktemp("long") / "long.wav", melody(seconds=LONG).repeat(6), rate=22050)


def to(path: Path, form: str = "mp3", **more: Any) -> Conversion:
    return Conversion(path=path, form=FORMS[form], kilobits=128, **more)


def seconds_of(data: bytes, path: Path) -> float:
    path.write_bytes(data)
    found = probe(path).seconds
    assert found
    return found


def converting(of: int | None = None) -> list[psutil.Process]:
    """The ffmpegs of a process, which may also have servers of other tests."""
    found = psutil.Process(of).children(recursive=True)
    running = (process for process in found if process.status() != psutil.STATUS_ZOMBIE)
    return [process for process in running if "ffmpeg" in process.name()]


@pytest.mark.parametrize("form", FORMS)
def test_each_form(service: Service, song: Path, tmp_path: Path, form: str) -> None:
    data = service.run(to(song, form))
    made = FORMS[form]
    assert seconds_of(data, tmp_path / f"made{made.suffix}") == pytest.approx(10.0, abs=0.2)
    assert len(data) <= made.estimated_bytes(10.0, 128)
    found = service.find(to(song, form))
    assert found is not None
    assert found.read_bytes() == data
    assert service.counts == {"converted": 1, "cached": 1}


def test_a_part(service: Service, song: Path, tmp_path: Path) -> None:
    assert seconds_of(service.run(to(song, start=6.0)), tmp_path / "end.mp3") == pytest.approx(4.0, abs=0.2)
    middle = service.run(to(song, start=2.0, end=5.0))
    assert seconds_of(middle, tmp_path / "middle.mp3") == pytest.approx(3.0, abs=0.2)


def test_the_same_request_shares_one_process(service: Service, song: Path) -> None:
    readings = [service.join(to(song), owner=f"listener {n}") for n in range(8)]
    first, *others = map(all_of, readings)
    assert all(other == first for other in others)
    assert service.counts == {"converted": 1, "shared": 7}
    for reading in readings:
        reading.close()


def test_a_result_is_read_while_it_is_written(service: Service, endless: Path) -> None:
    with service.join(to(endless), owner="ada") as reading:
        until(lambda: len(reading.read(0, 1 << 20)) > 10_000, "the first bytes")
        assert not reading.has_ended
        assert service.find(to(endless)) is None


def test_a_conversion_without_listeners_is_ended(service: Service, endless: Path) -> None:
    first, second = (service.join(to(endless), owner=name) for name in ("ada", "ben"))
    until(lambda: bool(first.read(0, 1)), "the first bytes")
    first.close()
    first.close()
    until(lambda: len(second.read(0, 1 << 20)) > 50_000, "more bytes for the other listener")
    assert converting()
    second.close()
    until(lambda: not converting(), "ffmpeg to end")
    until(lambda: service.counts["abandoned"] == 1, "the count")
    assert (service.running, service.waiting, service.cache_size()) == (0, 0, 0)
    with service.join(to(endless), owner="ada") as again:
        until(lambda: bool(again.read(0, 1)), "a new conversion")


def test_the_queue_is_limited(tmp_path: Path, endless: Path, song: Path) -> None:
    service = Service(tmp_path / "cache", max_waiting=1, max_per_listener=1)
    running = service.join(to(endless), owner="ada")
    with pytest.raises(Busy):
        service.join(to(song), owner="ada")
    until(lambda: bool(running.read(0, 1)), "the first bytes")
    waiting = service.join(to(song), owner="ben")
    assert (service.running, service.waiting) == (1, 1)
    with pytest.raises(Busy):
        service.join(to(song, "opus"), owner="cleo")
    assert service.counts["refused"] == 2
    assert len(converting()) == 1
    running.close()
    assert all_of(waiting)
    waiting.close()
    service.close()


def test_a_burst_is_limited(tmp_path: Path, endless: Path) -> None:
    service = Service(tmp_path / "cache", max_waiting=2, processes=2, max_per_listener=100)
    taken: list[Reading] = []
    for start in range(20):
        with suppress(Busy):
            taken.append(service.join(to(endless, start=float(start)), owner="ada"))
    assert len(taken) == 4
    until(lambda: len(converting()) == 2, "two processes")
    for reading in taken:
        reading.close()
    service.close()
    assert not converting()


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.flac", b""), ("page.mp3", b"<html>" * 99), ("zeros.wma", bytes(100_000))],
    ids=["empty", "page", "zeros"],
)
def test_a_file_without_audio_has_a_reason(
    service: Service, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Undecodable) as fault:
        service.run(to(path))
    assert (fault.value.reason, service.counts["failed"]) == ("not-audio", 1)
    assert fault.value.detail
    assert not list((tmp_path / "cache").iterdir())


def test_a_missing_file_has_a_reason(service: Service, tmp_path: Path) -> None:
    for call in (service.run, service.find):
        with pytest.raises(Undecodable) as fault:
            call(to(tmp_path / "gone.mp3"))
        assert fault.value.reason == "missing"


def test_a_playlist_under_an_audio_name_opens_nothing(service: Service, song: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.mp3"
    path.write_text(f"#EXTM3U\n#EXTINF:10,\nfile:{song}\n")
    with pytest.raises(Undecodable):
        service.run(to(path))


def test_the_rest_of_a_truncated_file_plays(service: Service, tmp_path: Path) -> None:
    path = cut(write(tmp_path / "cut.mp3", melody(seconds=10.0)), share=0.5)
    assert 3 < seconds_of(service.run(to(path, "opus")), tmp_path / "out.ogg") < 7


def test_a_start_beyond_the_end_is_an_error(service: Service, song: Path) -> None:
    with pytest.raises(Undecodable):
        service.run(to(song, start=100.0))


def test_a_hanging_ffmpeg_is_ended(tmp_path: Path) -> None:
    pipe = tmp_path / "hangs.mp3"
    os.mkfifo(pipe)
    with pytest.raises(Undecodable):
        check_readable(pipe)
    service = Service(tmp_path / "cache", timeout=timedelta(seconds=1))
    with pytest.raises(Undecodable) as fault:
        service.run(to(pipe))
    assert fault.value.reason == "too-slow"
    assert not converting()
    service.close()


def test_a_result_larger_than_the_cache_is_an_error(tmp_path: Path, endless: Path) -> None:
    service = Service(tmp_path / "cache", max_cache_size=100_000)
    with pytest.raises(Undecodable) as fault:
        service.run(to(endless))
    assert fault.value.reason == "too-large"
    service.close()


def test_a_changed_file_is_converted_again(service: Service, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", melody(seconds=3.0))
    before = service.run(to(path))
    write(path, melody(seconds=5.0, seed=1))
    assert service.find(to(path)) is None
    assert service.run(to(path)) != before


def test_the_cache_removes_the_files_unused_for_longest(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", max_bytes=250)
    for age, name in enumerate("abc"):
        with cache.writing(name) as (part, reader):
            part.write_bytes(bytes(100))
            reader.close()
        os.utime(tmp_path / "cache" / name, (age, age)) if name != "c" else None
        if name == "b":
            assert cache.find("a")
    assert [cache.find(name) is not None for name in "abc"] == [True, False, True]
    assert cache.size() == 200


def test_parts_of_dead_processes_are_removed(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", max_bytes=1000)
    with cache.writing("x") as (part, reader):
        abandoned = part.with_name("y.1-1.part")
        abandoned.write_bytes(b"half")
        cache.shrink()
        assert (part.exists(), abandoned.exists()) == (True, False)
        reader.close()
    with pytest.raises(ValueError, match="no"), cache.writing("z") as (_, reader):
        reader.close()
        raise ValueError("no")
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["x"]


def test_a_killed_service_leaves_no_ffmpeg(tmp_path: Path, endless: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from tests.audio.transcoding.test_service import Service, to
reading = Service(Path({str(tmp_path / "cache")!r})).join(to(Path({str(endless)!r})), owner="ada")
while not reading.read(0, 1): time.sleep(0.05)
print("begun", flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        (ffmpeg,) = converting(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    until(lambda: not ffmpeg.is_running() or ffmpeg.status() == psutil.STATUS_ZOMBIE, "ffmpeg to end")
    FileCache(tmp_path / "cache", max_bytes=1000).shrink()
    assert not list((tmp_path / "cache").iterdir())


def test_threads_do_not_pile_up(service: Service, song: Path) -> None:
    before = threading.active_count()
    for start in range(4):
        service.run(to(song, start=float(start)))
    assert threading.active_count() <= before + 1


_SMALL_DISK = """
import resource, sys
from pathlib import Path
from tests.audio.transcoding.test_service import Service, to
from segue.audio.transcoding.service import NoRoom
from tests.waiting import until
song, service = Path(sys.argv[1]), Service(Path(sys.argv[2]))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
try:
    service.run(to(song))
except NoRoom as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(len(service.run(to(song))) > 8192, dict(service.counts))
service.close()
"""


def test_a_full_disk_is_no_fault_of_the_recording(song: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk; there is room again afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", _SMALL_DISK, str(song), str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "recordings cannot be converted now: try again in a moment",
        "True {'failed': 1, 'converted': 1}",
    ]
    [line] = done.stderr.splitlines()
    assert "the cache of converted recordings cannot be used" in line and "File too large" in line


def test_nor_is_a_folder_that_cannot_be_made(song: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    service = Service(tmp_path / "file" / "cache")
    with pytest.raises(NoRoom):
        service.run(to(song))
    service.close()
