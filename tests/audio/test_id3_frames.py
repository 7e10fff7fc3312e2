"""The quick way of reading text frames gives the same values as mutagen."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import ID3, TALB, TCON, TDRC, TIT2, TPE1, TXXX, UFID, Encoding

from segue.audio.id3_frames import KNOWN_FRAMES, PlainId3

BODIES = st.one_of(
    st.binary(max_size=24),
    st.builds(
        lambda encoding, texts, end: bytes([encoding]) + b"".join(texts) + end,
        st.integers(0, 4),
        st.lists(
            st.sampled_from(
                [
                    b"Ada",
                    b"\xff\xfeA\0d\0",
                    b"\xfe\xff\0A\0d",
                    b"\0",
                    b"\0\0",
                    b"\xc3\xa9",
                    b"\xe9",
                    b"\xff\xfe",
                ]
            ),
            max_size=5,
        ),
        st.sampled_from([b"", b"\0", b"\0\0", b"\0\0\0"]),
    ),
)
NAMES = [
    *(b"TIT2", b"TXXX", b"TCON", b"TRCK", b"TDRC", b"TPE1", b"COMM", b"TYER", b"TORY", b"TDAT", b"APIC"),
    *(b"NONE", b"TT2\0", b"\0\0\0\0", b"\xe9\xe9\xe9\xe9", b"tit2"),
]
FRAMES = st.lists(
    st.tuples(st.sampled_from(NAMES), BODIES),
    max_size=6,
)


def tag(frames: list[tuple[bytes, bytes]], *, version: int, flags: int = 0, tag_flags: int = 0) -> bytes:
    """An ID3 tag with frames as they are given, unlike those of a writer that is correct."""
    body = b"".join(
        name + len(data).to_bytes(4, "big") + flags.to_bytes(2, "big") + data for name, data in frames
    )
    size = bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, tag_flags]) + size + body


def read(data: bytes, kind: type[ID3] = ID3, **options: Any) -> Mapping[str, tuple[Any, ...]] | str:
    try:
        tags = kind(io.BytesIO(data), **options)
    except Exception as error:
        return type(error).__name__
    return {
        key: (frame.FrameID, getattr(frame, "encoding", None), str(frame), repr(frame))
        for key, frame in tags.items()
    }


@given(frames=FRAMES, version=st.sampled_from([3, 4]), flags=st.sampled_from([0, 0, 2, 8]))
def test_any_frames_are_read_as_mutagen_reads_them(
    frames: list[tuple[bytes, bytes]], version: int, flags: int
) -> None:
    data = tag(frames, version=version, flags=flags)
    assert read(data, known_frames=KNOWN_FRAMES) == read(data, PlainId3, known_frames=KNOWN_FRAMES)
    if all(body[:1] != b"\3" or is_utf8(body[1:]) for _, body in frames):
        assert read(data, known_frames=KNOWN_FRAMES) == read(data)


def is_utf8(data: bytes) -> bool:
    try:
        return bool(data.decode()) or True
    except UnicodeDecodeError:
        return False


def test_a_text_that_claims_to_be_utf_8_is_kept() -> None:
    data = tag([(b"TIT2", b"\3Bj\xf6rk"), (b"TXXX", b"\3label\0M\xfcller")], version=4)
    assert read(data) == {}
    kind: Any = PlainId3
    tags = kind(io.BytesIO(data), known_frames=KNOWN_FRAMES)
    assert (str(tags["TIT2"]), tags["TIT2"].encoding) == ("Björk", Encoding.LATIN1)
    assert str(tags["TXXX:label"]) == "Müller"


@pytest.mark.parametrize("tag_flags", [0, 128])
def test_a_tag_without_synchronisation_is_read_as_mutagen_reads_it(tag_flags: int) -> None:
    frames = [(b"TIT2", b"\x01\xff\xfe\xff\0\xe0\0"), (b"TXXX", b"\x03name\0value \xc3\xbf")]
    for version in (3, 4):
        data = tag(frames, version=version, tag_flags=tag_flags)
        assert read(data, known_frames=KNOWN_FRAMES) == read(data)


@pytest.mark.parametrize("encoding", [Encoding.LATIN1, Encoding.UTF16, Encoding.UTF16BE, Encoding.UTF8])
@pytest.mark.parametrize("version", [3, 4])
def test_written_tags_are_read_back(encoding: Any, version: int) -> None:
    text = "Motörhead" if encoding == Encoding.LATIN1 else "Мото\U0001f600 é"
    tags = ID3()
    for frame in (
        TIT2(encoding=encoding, text=[text]),
        TPE1(encoding=encoding, text=[text, "Second"]),
        TALB(encoding=encoding, text=[""]),
        TCON(encoding=encoding, text=["(17)"]),
        TDRC(encoding=encoding, text=["1999-01-02"]),
        TXXX(encoding=encoding, desc="Näme", text=[text]),
        TXXX(encoding=encoding, desc="several", text=[text, "b"]),
        UFID(owner="http://musicbrainz.org", data=b"1"),
    ):
        tags.add(frame)
    if version == 3:
        tags.update_to_v23()
    written = io.BytesIO()
    tags.save(written, v2_version=version)
    assert read(written.getvalue(), known_frames=KNOWN_FRAMES) == read(written.getvalue())
    assert read(written.getvalue(), PlainId3, known_frames=KNOWN_FRAMES) == read(written.getvalue())
    [title] = ID3(io.BytesIO(written.getvalue()), known_frames=KNOWN_FRAMES).getall("TIT2")
    assert str(title) == text


def test_frames_of_version_2_2_become_those_of_2_4() -> None:
    body = b"".join(
        name + len(data).to_bytes(3, "big") + data
        for name, data in [(b"TT2", b"\0Song"), (b"TXX", b"\0a\0b")]
    )
    data = b"ID3\x02\0\0" + bytes([0, 0, 0, len(body)]) + body
    found = read(data, known_frames=KNOWN_FRAMES)
    assert found == read(data)
    assert set(found) == {"TIT2", "TXXX:a"}


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("plain_sizes", [False, True])
def test_long_frames_whose_size_can_be_read_in_two_ways(version: int, *, plain_sizes: bool) -> None:
    text = b"\x03" + b"a" * 300
    size = len(text)
    sizes = [size.to_bytes(4, "big"), bytes([0, 0, size >> 7, size & 127])]
    written = sizes[0] if plain_sizes else sizes[1]
    frames = b"".join(name + written + b"\0\0" + text for name in (b"TIT2", b"TALB", b"TPE1"))
    for padding in (b"", b"\0" * 50):
        body = frames + padding
        head = b"ID3" + bytes([version, 0, 0, 0, 0, len(body) >> 7, len(body) & 127])
        found = read(head + body, PlainId3, known_frames=KNOWN_FRAMES)
        assert found == read(head + body)
        if version == 4:  # mutagen also finds such sizes of a wrong kind
            assert set(found) == {"TIT2", "TALB", "TPE1"}
