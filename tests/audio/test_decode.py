"""Decoding: the samples of good files, and the reasons for refusing bad ones."""

from __future__ import annotations

import os
import pickle
import subprocess
from datetime import timedelta
from pathlib import Path

import imageio_ffmpeg
import mutagen
import numpy as np
import psutil
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from segue.audio.decode import decode
from segue.audio.errors import AudioError, NotFinite, Silent, TooShort, Truncated, Undecodable
from segue.audio.length import length_of
from segue.settings import load_settings
from tests.audio.sounds import RATE, cut, melody, write
from tests.memory import memory
from tests.properties import examples

AUDIO = load_settings().audio.model_copy(
    update={"sample_rate": RATE, "max_duration": timedelta(minutes=1), "min_duration": timedelta(seconds=1)}
)


def read(path: Path, *, max_seconds: float = 60.0) -> NDArray[np.float32]:
    return decode(path, AUDIO.model_copy(update={"max_duration": timedelta(seconds=max_seconds)}))


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3", "m4a", "opus", "aac"])
def test_each_format_gives_the_sound_that_was_written(tmp_path: Path, ending: str) -> None:
    original = melody(seconds=5.0)
    found = read(write(tmp_path / f"a.{ending}", original))
    assert found.dtype == np.float32
    assert len(found) == pytest.approx(len(original), abs=0.15 * RATE)  # coders pad
    loudness = np.sqrt(np.mean(np.square(found))) / np.sqrt(np.mean(np.square(original)))
    assert loudness == pytest.approx(1.0, abs=0.1)
    # The same pitches: the strongest frequencies of both lie together.
    before, after = (np.abs(np.fft.rfft(sound, 1 << 17)) for sound in (original, found))
    assert np.corrcoef(before, after)[0, 1] > 0.9


def test_lossless_mono_at_the_wanted_rate_comes_back_as_it_is(tmp_path: Path) -> None:
    original = melody()
    soundfile.write(tmp_path / "a.wav", original, RATE, subtype="FLOAT")
    np.testing.assert_array_equal(read(tmp_path / "a.wav"), original)


@pytest.mark.parametrize("ending", ["wav", "mp3", "ogg", "m4a"])
def test_only_the_middle_of_a_long_file_is_taken(tmp_path: Path, ending: str) -> None:
    quiet, loud = 0.05 * melody(seconds=8.0), melody(seconds=8.0)
    path = write(tmp_path / f"a.{ending}", np.concatenate([quiet, loud, quiet]))
    found = read(path, max_seconds=4.0)
    assert len(found) == pytest.approx(4.0 * RATE, rel=0.02)
    assert np.sqrt(np.mean(np.square(found))) > 0.8 * np.sqrt(np.mean(np.square(loud)))


def test_ten_hours_cost_no_more_than_their_middle(tmp_path: Path) -> None:
    path, rate, hours = tmp_path / "a.wav", 8000, 10
    soundfile.write(path, np.zeros(0), rate, subtype="PCM_16")
    noise = np.random.default_rng(0).integers(-9000, 9000, 60 * rate).astype("<i2").tobytes()
    size = 2 * rate * 3600 * hours
    with path.open("r+b") as file:  # a sparse file: it takes no room on the disk
        file.seek(4)
        file.write((36 + size).to_bytes(4, "little"))
        file.seek(40)
        file.write(size.to_bytes(4, "little"))
        file.seek(44 + size // 2 - len(noise) // 2)
        file.write(noise)
        file.truncate(44 + size)
    before = psutil.Process().io_counters().read_chars
    with memory() as peak:
        assert len(read(path, max_seconds=30.0)) == pytest.approx(30.0 * RATE, abs=2)
    middle = 2 * rate * 30
    assert middle <= psutil.Process().io_counters().read_chars - before < 10 * middle
    assert 0 < peak() < 10 * middle


@pytest.mark.parametrize("rate", [8000, 11025, 37800, 44100, 96000, 192000])
def test_any_sample_rate_becomes_the_wanted_one(tmp_path: Path, rate: int) -> None:
    path = write(tmp_path / "a.wav", melody(rate=rate, seconds=3.0), rate=rate)
    assert len(read(path)) == pytest.approx(3.0 * RATE, abs=2)


@pytest.mark.parametrize(("channels", "ending"), [(2, "mp3"), (8, "wav"), (8, "flac"), (6, "m4a")])
def test_channels_become_their_mean(tmp_path: Path, channels: int, ending: str) -> None:
    one = melody()
    found = read(write(tmp_path / f"a.{ending}", np.stack([one] * channels, axis=1)))
    assert len(found) == pytest.approx(len(one), abs=0.15 * RATE)
    if ending in {"wav", "flac"}:
        np.testing.assert_allclose(found, one, atol=1e-4)  # 16 bit


@pytest.mark.parametrize("name", ["two\nlines.wav", "🎺 solo.flac", "a'b\"c$d.m4a", "-i.mp3", "concat:x.m4a"])
def test_any_name_is_read(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / f"plain{Path(name).suffix}", melody()).rename(tmp_path / name)
    assert len(read(Path(name))) > 3 * RATE


@pytest.mark.parametrize(("inside", "ending"), [("flac", "mp3"), ("m4a", "ogg"), ("wav", "m4a")])
def test_a_wrong_ending_does_not_matter(tmp_path: Path, inside: str, ending: str) -> None:
    path = write(tmp_path / f"a.{inside}", melody()).rename(tmp_path / f"b.{ending}")
    assert len(read(path)) > 3 * RATE


def test_a_file_without_audio_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(3).bytes(30_000))
    (tmp_path / "words.mp3").write_text("la la la\n" * 500)
    Image.new("RGB", (300, 200), "red").save(tmp_path / "picture.jpg")
    (tmp_path / "picture.jpg").rename(tmp_path / "picture.mp3")
    (tmp_path / "list.mp3").write_text("#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:9/a.ts\n")
    (tmp_path / "concat.m4a").write_text("ffconcat version 1.0\nfile good.m4a\n")
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "loop.mp3").symlink_to("loop.mp3")
    write(tmp_path / "good.m4a", melody())
    reasons = {}
    for name in sorted(path.name for path in tmp_path.iterdir()):
        try:
            read(tmp_path / name)
            reasons[name] = "read"
        except Undecodable as error:
            reasons[name] = error.reason
    assert reasons == {
        "empty.mp3": "empty",
        "noise.mp3": "not-audio",
        "words.mp3": "not-audio",
        "picture.mp3": "not-audio",
        "list.mp3": "not-audio",
        "concat.m4a": "not-audio",
        "pipe.mp3": "unreadable",
        "loop.mp3": "unreadable",
        "good.m4a": "read",
    }
    with pytest.raises(Undecodable, match="missing"):
        read(tmp_path / "nothing.mp3")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", melody())
    path.chmod(0)
    with pytest.raises(Undecodable, match="unreadable: Permission denied"):
        read(path)


@pytest.mark.parametrize("ending", ["mp3", "flac"])
@pytest.mark.parametrize("max_seconds", [5.0, 60.0])
def test_half_a_file_that_states_its_whole_length_is_truncated(
    tmp_path: Path, ending: str, max_seconds: float
) -> None:
    path = cut(write(tmp_path / f"a.{ending}", melody(seconds=20.0)), share=0.5)
    with pytest.raises(Truncated, match=r"its stated length is 20\.\d s"):
        read(path, max_seconds=max_seconds)


def test_an_m4a_cut_off_behind_its_header_is_truncated(tmp_path: Path) -> None:
    write(tmp_path / "a.m4a", melody(seconds=20.0))
    front = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "a.m4a"), "-c", "copy"]
    subprocess.run([*front, "-movflags", "faststart", str(tmp_path / "b.m4a")], check=True)
    with pytest.raises(Truncated):
        read(cut(tmp_path / "b.m4a", share=0.6))
    with pytest.raises(Undecodable, match="not-audio"):  # here the header, which comes last, is gone
        read(cut(tmp_path / "a.m4a", share=0.6))


@pytest.mark.parametrize("loud_first", [True, False])
def test_an_mp3_that_does_not_state_its_length_is_read(tmp_path: Path, loud_first: bool) -> None:
    """Its length is guessed from the first frame's bit rate, and is far off where the rate varies."""
    rng = np.random.default_rng(0)
    parts = [0.2 * rng.standard_normal(10 * RATE), 1e-3 * rng.standard_normal(30 * RATE)]
    write(tmp_path / "a.wav", np.concatenate(parts if loud_first else parts[::-1]).astype(np.float32))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "a.wav"), "-q:a", "2"]
    subprocess.run([*command, "-write_xing", "0", str(tmp_path / "a.mp3")], check=True)
    assert len(read(tmp_path / "a.mp3", max_seconds=5.0)) == pytest.approx(5 * RATE, rel=0.02)


@pytest.mark.parametrize(("ending", "seconds"), [("wav", 0.5), ("wav", 0.0), ("mp3", 0.3), ("m4a", 0.3)])
def test_too_short(tmp_path: Path, ending: str, seconds: float) -> None:
    path = write(tmp_path / f"a.{ending}", melody(seconds=2.0)[: int(seconds * RATE)])
    with pytest.raises(TooShort, match="at least 1 s are needed"):
        read(path)


def test_silent(tmp_path: Path) -> None:
    with pytest.raises(Silent):
        read(write(tmp_path / "a.mp3", np.zeros(4 * RATE, np.float32)))
    faint = (1e-5 * np.sin(np.arange(4 * RATE))).astype(np.float32)
    soundfile.write(tmp_path / "b.wav", faint, RATE, subtype="FLOAT")
    with pytest.raises(Silent, match=r"1[.]0e-05 of full scale"):
        read(tmp_path / "b.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(tmp_path: Path, value: float) -> None:
    waveform = melody()
    waveform[1000] = value
    soundfile.write(tmp_path / "a.wav", waveform, RATE, subtype="FLOAT")
    with pytest.raises(NotFinite):
        read(tmp_path / "a.wav")


@settings(parent=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), ending=st.sampled_from(["wav", "flac", "ogg", "mp3"]))
def test_damage_never_gives_anything_but_sound_or_a_named_error(
    tmp_path: Path, data: st.DataObject, ending: str
) -> None:
    source = tmp_path / f"source.{ending}"
    if not source.exists():
        write(source, melody(seconds=3.0))
    damaged = bytearray(source.read_bytes())
    for place in data.draw(st.lists(st.integers(0, min(len(damaged) - 1, 2000)), min_size=1, max_size=12)):
        damaged[place] = data.draw(st.integers(0, 255))
    path = tmp_path / f"damaged.{ending}"
    path.write_bytes(damaged)
    try:
        found = read(path)
    except AudioError as error:
        assert error.reason and "\n" not in str(error)
    else:
        assert found.dtype == np.float32 and found.ndim == 1 and np.isfinite(found).all()


def test_errors_survive_the_way_between_processes() -> None:
    for error in (
        TooShort(seconds=0.2, least=3.0),
        Undecodable("empty", "0 bytes"),
        NotFinite(what="rms_mean"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (again.reason, again.detail, str(again)) == (error.reason, error.detail, str(error))


@pytest.mark.parametrize("ending", ["wav", "mp3", "m4a"])
def test_the_length_is_known_without_decoding(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a.{ending}", melody(seconds=5.0))
    assert length_of(path, mutagen.File(path)) == pytest.approx(5.0, abs=0.1)
