"""Which form a recording is sent in, and the media types by which browsers choose."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

from segue.audio.transcoding.choice import choose
from segue.audio.transcoding.media_types import CONTENT_TYPES, media_type, media_type_of
from segue.catalog.scan import PERHAPS_VIDEO, SUFFIXES
from tests.audio.sounds import melody, write


def chosen(
    suffix: str, kilobits: int | None, *, wanted: str | None = None, limit: int | None = None
) -> tuple[str, int] | None:
    found = choose(
        wanted=wanted,
        kilobits=kilobits,
        max_kilobits=limit,
        suffix=suffix,
        usual=("opus", "mp3"),
        usual_kilobits=160,
    )
    return found and (found[0].name, found[1])


@pytest.mark.parametrize(
    ("suffix", "kilobits", "wanted", "limit", "expected"),
    [
        (".mp3", 128, None, 192, None),
        (".mp3", 128, "mp3", 192, None),
        (".mp3", 320, "mp3", 192, ("mp3", 160)),
        (".flac", 900, None, 192, ("opus", 160)),
        (".flac", 900, "mp3", 96, ("mp3", 96)),
        (".flac", 900, "raw", 64, None),
        (".flac", 900, None, 0, None),
        (".flac", 900, None, None, None),
        (".flac", 900, "opus", None, ("opus", 160)),
        (".flac", None, None, 64, ("opus", 64)),
        (".opus", 96, "opus", 128, None),
        (".flac", 900, "mp3", 1, ("mp3", 32)),
    ],
)
def test_choice(
    suffix: str, kilobits: int | None, wanted: str | None, limit: int | None, expected: tuple[str, int] | None
) -> None:
    assert chosen(suffix, kilobits, wanted=wanted, limit=limit) == expected


@pytest.mark.parametrize("wanted", ["aac", "flac", ""])
def test_a_form_that_is_not_on_offer(wanted: str) -> None:
    with pytest.raises(KeyError):
        chosen(".flac", 900, wanted=wanted)


def test_each_suffix_has_a_content_type() -> None:
    assert set(CONTENT_TYPES) >= SUFFIXES | PERHAPS_VIDEO


@pytest.mark.parametrize(
    ("content", "codec", "expected"),
    [
        ("audio/mp4", "aac", 'audio/mp4; codecs="mp4a.40.2"'),
        ("audio/mp4", "alac", 'audio/mp4; codecs="alac"'),
        ("audio/mp4", "wmav2", None),
        ("audio/ogg", "speex", 'audio/ogg; codecs="speex"'),
        ("audio/wav", "pcm_s16le", "audio/wav"),
        ("audio/wav", "adpcm_ima_wav", None),
        ("audio/x-ms-wma", "wmav2", None),
    ],
)
def test_media_types(content: str, codec: str, expected: str | None) -> None:
    assert media_type_of(content, codec) == expected


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("a.m4a", ["-c:a", "alac"], 'audio/mp4; codecs="alac"'),
        ("a.m4b", ["-c:a", "aac", "-f", "ipod"], 'audio/mp4; codecs="mp4a.40.2"'),
        ("a.mp3", [], "audio/mpeg"),
        ("a.mp2", [], None),
        ("a.oga", ["-c:a", "libvorbis"], 'audio/ogg; codecs="vorbis"'),
        ("a.webm", ["-c:a", "libopus"], 'audio/webm; codecs="opus"'),
        ("a.mka", ["-c:a", "flac"], 'audio/x-matroska; codecs="flac"'),
        ("a.wav", ["-c:a", "adpcm_ima_wav"], None),
        ("a.aiff", [], "audio/aiff"),
        ("a.wma", [], None),
        ("a.wv", [], None),
    ],
)
def test_media_types_of_files(tmp_path: Path, name: str, options: list[str], expected: str | None) -> None:
    sound = write(tmp_path / "sound.flac", melody(seconds=1.0))
    path = tmp_path / name
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(sound), *options, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    assert media_type(path) == expected


@pytest.mark.parametrize("name", ["gone.m4a", "text.m4a", "text.xyz"])
def test_the_media_type_of_a_file_without_audio(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.m4a").write_text("no audio")
    assert media_type(tmp_path / name) is None
