"""Tags as other programs write them: several values, other spellings, other formats and encodings."""

from __future__ import annotations

import io
import struct
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import imageio_ffmpeg
import mutagen
import pytest
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TALB, TCMP, TCON, TDRL, TIT2, TPE1, TPE2, TPOS, TRCK, TSST, TXXX, UFID, USLT
from mutagen.mp4 import MP4, MP4FreeForm
from mutagen.ogg import OggPage

from segue.catalog.tags import Tags, clean, read_tags
from segue.catalog.track import UNKNOWN_ARTIST
from tests.catalog.library import song

RECORDING = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
OTHER = "f27ec8db-af05-4f36-916e-3d57f91ecf5e"


def read(path: Path, **options: Any) -> Tags:
    return read_tags(path, relative=PurePosixPath(path.name), **options)[0]


def _id3(path: Path, *frames: Any, version: int = 4) -> Path:
    tags = ID3()
    for frame in frames:
        tags.add(frame)
    tags.save(path, v2_version=version)
    return path


def _comments(path: Path, values: dict[str, Any]) -> Path:
    audio = mutagen.File(path)
    audio.update(values)
    audio.save()
    return path


def _converted(path: Path, *options: str) -> Path:
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-y",
        "-i",
        str(song(path.with_suffix(".flac"))),
    ]
    subprocess.run([*command, *options, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def test_several_artists_of_id3(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    found = read(_id3(path, TIT2(text="T"), TPE1(encoding=3, text=["A1", "A2"])))
    assert (found.details.artists, found.artist) == (("A1", "A2"), "A1, A2")
    old = read(_id3(path, TIT2(text="T"), TPE1(encoding=1, text=["A1", "A2"]), version=3))
    assert old.details.artists == ("A1", "A2")
    assert read(_id3(path, TPE1(text="AC/DC"), version=3)).details.artists == ("AC/DC",)


def test_a_name_with_a_slash_among_several_artists(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    old = read(_id3(path, TPE1(encoding=1, text=["AC/DC", "Queen", "A/T/O/S"]), version=3))
    assert old.details.artists == ("AC/DC", "Queen", "A/T/O/S")
    body = b"TP1" + (6).to_bytes(3, "big") + b"\0A1/A2"
    sound = song(tmp_path / "b.mp3")
    ID3().delete(sound)
    sound.write_bytes(b"ID3\x02\0\0" + bytes([0, 0, 0, len(body)]) + body + sound.read_bytes())
    assert read(sound).details.artists == ("A1", "A2")


def test_a_wav_file_with_a_part_of_the_facts_in_each_of_two_tags(tmp_path: Path) -> None:
    path = _converted(tmp_path / "a.wav", "-metadata", "title=Info", "-metadata", "artist=Ada")
    audio = mutagen.File(path)
    audio.add_tags()
    audio.tags.add(TIT2(encoding=3, text="Title"))
    audio.save()
    found = read(path)
    assert (found.title, found.artist) == ("Title", "Ada")


def test_several_artists_of_other_formats(tmp_path: Path) -> None:
    for ending in ("flac", "ogg", "opus"):
        path = _comments(song(tmp_path / f"a.{ending}"), {"artist": ["A1", "A2"], "title": "T (feat. B)"})
        assert read(path).details.artists == ("A1", "A2")
        assert read(path).details.featured == ("B",)
    path = song(tmp_path / "a.m4a")
    audio = MP4(path)
    audio["\xa9ART"] = ["A1", "A2"]
    audio["disk"], audio["trkn"] = [(2, 3)], [(5, 0)]
    audio.save()
    found = read(path)
    assert found.details.artists == ("A1", "A2")
    assert (found.details.disc, found.details.discs, found.track) == (2, 3, 5)


def test_the_field_with_one_artist_each(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    _id3(path, TPE1(text="Ada & Ben feat. Cleo"), TXXX(desc="Artists", text=["Ada", "Ben", "Cleo"]))
    found = read(path)
    assert found.artist == "Ada & Ben feat. Cleo"
    assert (found.details.artists, found.details.featured) == (("Ada", "Ben"), ("Cleo",))


@pytest.mark.parametrize("spelling", ["ALBUMARTIST", "ALBUM ARTIST", "album_artist", "Album Artist"])
def test_spellings_of_the_album_artist(spelling: str, tmp_path: Path) -> None:
    path = _comments(song(tmp_path / "a.flac"), {"artist": "X", "album": "Sampler", spelling: "Ada"})
    assert read(path).details.album_artists == ("Ada",)


def test_discs_sides_and_numbers(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    found = read(_id3(path, TRCK(text="3/12"), TPOS(text="2/2"), TSST(text="Live")))
    assert (found.track, found.details.disc, found.details.disc_title) == (3, 2, "Live")
    vinyl = read(_id3(path, TRCK(text="B2")))
    assert (vinyl.details.side, vinyl.track) == ("B", 2)
    for values in ({"track": "7", "disc": "2"}, {"tracknumber": "7/9", "discnumber": "2/2"}):
        comments = read(_comments(song(tmp_path / "b.flac"), values))
        assert (comments.track, comments.details.disc) == (7, 2)
    audio = MP4(song(tmp_path / "a.m4a"))
    audio["trkn"], audio["disk"], audio["cpil"] = [(4, 9)], [(2, 3)], True
    audio.save()
    mp4 = read(tmp_path / "a.m4a")
    assert (mp4.track, mp4.details.disc, mp4.details.compilation) == (4, 2, True)


def test_compilations(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    sampler = read(_id3(path, TPE1(text="X"), TPE2(text="Various Artists"), TALB(text="Sampler")))
    assert (sampler.details.compilation, sampler.details.album_artists, sampler.details.artists) == (
        True,
        (),
        ("X",),
    )
    assert read(_id3(path, TPE1(text="X"), TCMP(text="1"))).details.compilation
    assert not read(_id3(path, TPE1(text="X"), TCMP(text="0"))).details.compilation
    nobody = read(_id3(path, TPE2(text="Various Artists"), TALB(text="Sampler")))
    assert (nobody.artist, nobody.details.artists) == ("Unknown artist", ())


def test_musicbrainz_ids(tmp_path: Path) -> None:
    frames = [
        UFID(owner="http://musicbrainz.org", data=RECORDING.encode()),
        TXXX(desc="MusicBrainz Artist Id", text=[f"{RECORDING}/{OTHER.upper()}"]),
        TXXX(desc="MusicBrainz Release Track Id", text=[OTHER]),
        TPE1(text="Ada & Ben"),
    ]
    found = read(_id3(song(tmp_path / "a.mp3"), *frames))
    assert (found.details.ids.recording, found.details.ids.release_track) == (RECORDING, OTHER)
    assert found.details.ids.artists == (RECORDING, OTHER)
    assert found.details.artists == ("Ada", "Ben")
    values = {"musicbrainz_trackid": RECORDING, "MUSICBRAINZ_ALBUMID": "no id", "musicbrainz_artistid": OTHER}
    comments = read(_comments(song(tmp_path / "a.opus"), values))
    assert (comments.details.ids.recording, comments.details.ids.release, comments.details.ids.artists) == (
        RECORDING,
        None,
        (OTHER,),
    )
    audio = MP4(song(tmp_path / "a.m4a"))
    audio["----:com.apple.iTunes:MusicBrainz Track Id"] = [MP4FreeForm(RECORDING.encode())]
    audio.save()
    assert read(tmp_path / "a.m4a").details.ids.recording == RECORDING


def test_an_mp3_with_ape_tags_alone(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    tags = APEv2()
    tags.update(
        {"Title": "T", "Artist": ["A", "B"], "Album": "L", "Track": "3", "Year": "1999", "Genre": "Jazz"}
    )
    tags.save(path)
    found = read(path)
    assert (found.title, found.details.artists, found.album) == ("T", ("A", "B"), "L")
    assert (found.track, found.year, found.genres) == (3, 1999, ("Jazz",))
    _id3(path, TIT2(text="By ID3"))
    assert (read(path).title, read(path).album) == ("By ID3", "L")


@pytest.mark.parametrize(
    ("ending", "options"),
    [
        ("wav", ()),
        ("aiff", ()),
        ("aiff", ("-write_id3v2", "1")),
        ("mka", ("-c:a", "libvorbis")),
        ("webm", ("-c:a", "libopus")),
        ("wma", ()),
        ("wv", ("-c:a", "wavpack")),
        ("m4b", ("-f", "ipod")),
    ],
)
def test_tags_of_further_containers(ending: str, options: tuple[str, ...], tmp_path: Path) -> None:
    texts = {"title": "Für Elise", "artist": "Ada", "author": "Ada"}
    named = [part for name, text in texts.items() for part in ("-metadata", f"{name}={text}")]
    found = read(_converted(tmp_path / f"a.{ending}", *named, *options))
    assert (found.title, found.artist) == ("Für Elise", "Ada")
    assert found.duration_ms == pytest.approx(4000, abs=150)


def test_tags_of_mp2(tmp_path: Path) -> None:
    found = read(_id3(_converted(tmp_path / "a.mp2"), TIT2(text="T"), TPE1(text="Ada")))
    assert (found.title, found.artist) == ("T", "Ada")
    assert found.duration_ms == pytest.approx(4000, abs=150)


def _riff_info(path: Path, texts: dict[str, bytes]) -> Path:
    """Add RIFF INFO as Windows programs write it, in the encoding of the bytes."""
    data = bytearray(song(path).read_bytes())
    chunks = b"".join(
        name.encode() + struct.pack("<I", len(text) + 1) + text + b"\0" * (1 + (len(text) + 1) % 2)
        for name, text in texts.items()
    )
    data += b"LIST" + struct.pack("<I", len(chunks) + 4) + b"INFO" + chunks
    data[4:8] = struct.pack("<I", len(data) - 8)
    path.write_bytes(data)
    return path


def test_riff_info_in_old_encodings(tmp_path: Path) -> None:
    names = {"INAM": "Группа крови".encode("cp1251"), "IART": "Кино".encode("cp1251"), "IPRD": b"Album"}
    found = read(_riff_info(tmp_path / "a.wav", names))
    assert (found.title, found.artist, found.album) == ("Группа крови", "Кино", "Album")
    latin = read(_riff_info(tmp_path / "b.wav", {"INAM": "Café".encode("latin-1"), "IART": b"Ada"}))
    assert (latin.title, latin.artist) == ("Café", "Ada")


def _id3v1(path: Path, *, title: bytes, artist: bytes) -> Path:
    fields = title.ljust(30, b"\0") + artist.ljust(30, b"\0") + b"\0" * 30 + b"1988" + b"\0" * 30
    data = song(path).read_bytes()
    path.write_bytes(data + b"TAG" + fields + b"\x11")
    return path


@pytest.mark.parametrize(
    ("encoding", "title", "artist"),
    [
        ("cp1251", "Группа крови", "Кино"),
        ("cp1251", "последний герой", "кино"),
        ("cp1251", "мама", "кино"),
        ("koi8_r", "Группа крови", "Кино"),
        ("koi8_r", "ПОСЛЕДНИЙ ГЕРОЙ", "КИНО"),
        ("cp1255", "אדם בתוך עצמו", "שלום חנוך"),
        ("cp1255", "ירושלים של זהב", "נעמי שמר"),
        ("cp1255", "Live בקיסריה", "אריק איינשטיין"),
        ("gb18030", "七里香", "周杰伦"),
        ("shift_jis", "ロビンソン", "スピッツ"),
        ("euc_kr", "좋은 날", "아이유"),
        ("latin-1", "Déjà vu", "Björk"),
        ("latin-1", "Ágætis byrjun", "Sigur Rós"),
        ("utf-8", "Für Elise", "Björk"),
        ("utf-8", "Группа крови", "Кино"),
        ("cp1252", "Wait… – Étoile", "Guns N’ Roses"),
    ],
)
def test_text_that_claims_to_be_latin_1(encoding: str, title: str, artist: str, tmp_path: Path) -> None:
    path = _id3v1(tmp_path / "a.mp3", title=title.encode(encoding), artist=artist.encode(encoding))
    found = read(path)
    assert (found.title, found.artist) == (title, artist)
    assert read(path, encoding=encoding).title == title


def test_a_text_that_id3v1_has_cut(tmp_path: Path) -> None:
    title = "Звезда по имени Солнце"
    found = read(_id3v1(tmp_path / "a.mp3", title=title.encode()[:29], artist="Кино".encode()))
    assert (found.title, found.artist) == ("Звезда по имени", "Кино")


def test_id3_v23_in_an_old_encoding(tmp_path: Path) -> None:
    frames = [TIT2(encoding=0, text="Êèíî è òåàòð"), TPE1(encoding=0, text="Ðîêñåòü")]
    found = read(_id3(song(tmp_path / "a.mp3"), *frames, version=3))
    assert (found.title, found.artist) == ("Кино и театр", "Роксеть")


def test_utf_16_in_the_wrong_order(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    body = b"\x01" + "Blue Train".encode("utf-16-be")
    frame = b"TIT2" + struct.pack(">I", len(body)) + b"\0\0" + body
    header = b"ID3\x03\0\0" + bytes([0, 0, len(frame) >> 7, len(frame) & 0x7F])
    path.write_bytes(header + frame + path.read_bytes())
    assert read(path).title == "Blue Train"


@pytest.mark.parametrize(
    ("texts", "genres"),
    [
        (["Rock, Pop"], ("Rock", "Pop")),
        (["Rock / Pop"], ("Rock", "Pop")),
        (["Electronic|Ambient"], ("Electronic", "Ambient")),
        (["Hip-Hop", "hip hop", "HIP HOP"], ("Hip-Hop",)),
        (["Eurodisco/Rock / Pop"], ("Eurodisco", "Rock", "Pop")),
        (["Singer/Songwriter"], ("Singer/Songwriter",)),
        (["R&B/Soul"], ("R&B", "Soul")),
        (["Folk, World, & Country"], ("Folk", "World", "Country")),
        (["dream pop", "krautrock"], ("Dream Pop", "Krautrock")),
        (["(17)"], ("Rock",)),
        (["Rock 'n' Roll", "rock & roll", "Rock N Roll"], ("Rock & Roll",)),
        (["Rhythm & Blues", "RnB", "R&B"], ("R&B",)),
        (["Drum'n'Bass", "DnB"], ("Drum & Bass",)),
        (["KRAUTROCK", "Krautrock"], ("Krautrock",)),
        (["NWOBHM", "EBM"], ("NWOBHM", "EBM")),
        (["<unknown>", "Other", "Genre"], ()),
        (["Rock；Pop"], ("Rock", "Pop")),
        (["Rock、Pop • Jazz"], ("Rock", "Pop", "Jazz")),
    ],
)
def test_genres(texts: list[str], genres: tuple[str, ...], tmp_path: Path) -> None:
    assert read(_id3(song(tmp_path / "a.mp3"), TCON(encoding=3, text=texts))).genres == genres


def test_signs_without_width_go() -> None:
    assert clean("\ufeffAdele\u200b") == "Adele" == clean("\u200bAdele")
    assert clean("\u202aAdele\u202c") == "Adele" == clean("Adele\u200e ")
    assert clean("می\u200cخواهم") == "می\u200cخواهم"  # this one changes how Persian is written


@pytest.mark.parametrize(
    ("values", "gain"),
    [
        ({"REPLAYGAIN_TRACK_GAIN": "-6.50 dB"}, -6.5),
        ({"replaygain_track_gain": "−6,5"}, -6.5),
        ({"REPLAYGAIN_TRACK_GAIN": "+1.2dB"}, 1.2),
        ({"REPLAYGAIN_TRACK_GAIN": "-6.50 LU"}, -6.5),
        ({"REPLAYGAIN_TRACK_GAIN": "0.00 dB"}, 0.0),
        ({"REPLAYGAIN_TRACK_GAIN": "loud"}, None),
        ({"REPLAYGAIN_TRACK_GAIN": "nan dB"}, None),
        ({"REPLAYGAIN_TRACK_GAIN": "900 dB"}, None),
        ({"REPLAYGAIN_TRACK_GAIN": "-6.5 dB", "REPLAYGAIN_REFERENCE_LOUDNESS": "89.0 dB"}, -6.5),
        ({"REPLAYGAIN_TRACK_GAIN": "-6.5 dB", "REPLAYGAIN_REFERENCE_LOUDNESS": "83 dB"}, -0.5),
        ({"REPLAYGAIN_TRACK_GAIN": "-6.5 dB", "REPLAYGAIN_REFERENCE_LOUDNESS": "-18.00 LUFS"}, -6.5),
        ({"REPLAYGAIN_TRACK_GAIN": "-6.5 dB", "REPLAYGAIN_REFERENCE_LOUDNESS": "-23.00 LUFS"}, -1.5),
        ({"REPLAYGAIN_TRACK_GAIN": "-6.5 dB", "REPLAYGAIN_REFERENCE_LOUDNESS": "0"}, -6.5),
        ({"REPLAYGAIN_TRACK_GAIN": "-6.5 dB", "REPLAYGAIN_REFERENCE_LOUDNESS": "loud"}, -6.5),
        ({"R128_TRACK_GAIN": "-2560"}, -5.0),
        ({"R128_TRACK_GAIN": "640"}, 7.5),
        ({}, None),
    ],
)
def test_replay_gain(values: dict[str, str], gain: float | None, tmp_path: Path) -> None:
    found = read(
        _comments(song(tmp_path / "a.opus"), values | {"REPLAYGAIN_TRACK_PEAK": "-1"})
    ).details.replay_gain
    assert found.track_gain == (None if gain is None else pytest.approx(gain))
    assert (found.album_gain, found.track_peak) == (None, None)


def test_lyrics_and_editions(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    frames = [USLT(encoding=3, text="la la\nla"), TALB(text="Blue (Deluxe Edition)"), TIT2(text="T")]
    found = read(_id3(path, *frames))
    assert ([line.text for line in found.lyrics[0].lines], found.details.edition, found.album) == (
        ["la la", "la"],
        "Deluxe Edition",
        "Blue (Deluxe Edition)",
    )


def test_ffmpeg_reads_tags_that_mutagen_gives_up_on(tmp_path: Path) -> None:
    path = _converted(
        tmp_path / "a.m4a", "-metadata", "title=Name", "-metadata", "artist=Band", "-metadata", "album=A"
    )
    damaged = bytearray(path.read_bytes())
    size = damaged.index(b"\xa9alb") - 4
    damaged[size + 3] += 40  # the atom is longer than the list that it is in
    path.write_bytes(damaged)
    with pytest.raises(mutagen.MutagenError):
        mutagen.File(path)
    found = read(path)
    assert (found.title, found.artist) == ("Name", "Band")


@pytest.mark.parametrize("name", ["Unknown Artist", "<unknown>", "Unbekannter Interpret", "[unknown]"])
def test_an_artist_that_is_said_to_be_unknown_is_none(name: str, tmp_path: Path) -> None:
    path = _id3(song(tmp_path / "a.mp3"), TIT2(text="T"), TPE1(encoding=3, text=name), TPE2(text=name))
    found = read(path)
    assert (found.artist, found.details.artists) == (UNKNOWN_ARTIST, ())
    assert found.details.album_artists == ()
    in_folder = read_tags(path, relative=PurePosixPath("Nina Simone/Pastel Blues/1.mp3"))[0]
    assert in_folder.artist == "Nina Simone"


@pytest.mark.parametrize(
    ("pair", "number", "total"),
    [((3, 12), 3, 12), ((3, 0), 3, None), ((0, 12), None, 12), ((0, 0), None, None)],
)
def test_a_total_without_a_number_is_no_number(
    pair: tuple[int, int], number: int | None, total: int | None, tmp_path: Path
) -> None:
    path = _converted(tmp_path / "a.m4a")
    audio = MP4(path)
    audio["\xa9nam"], audio["trkn"], audio["disk"] = ["T"], [pair], [pair]
    audio.save()
    found = read(path)
    assert (found.track, found.details.disc, found.details.discs) == (number, number, total)


@pytest.mark.parametrize(
    ("text", "track", "side"),
    [
        ("7", 7, None), ("07/12", 7, None), ("A1", 1, "A"), ("b-2", 2, "B"), ("C", None, "C"),
        ("05/", 5, None), ("Track 5", 5, None), ("No. 5", 5, None), ("#5", 5, None), ("3 of 10", 3, None),
        ("x y", None, None),
    ],
)  # fmt: skip
def test_numbers_of_tracks(text: str, track: int | None, side: str | None, tmp_path: Path) -> None:
    found = read(_id3(song(tmp_path / "a.mp3"), TIT2(text="T"), TRCK(text=text)))
    assert (found.track, found.details.side) == (track, side)


def test_the_release_date_of_a_podcast_and_the_performer_of_a_recording(tmp_path: Path) -> None:
    assert read(_id3(song(tmp_path / "a.mp3"), TIT2(text="T"), TDRL(text="2019-01-02"))).year == 2019
    assert read(_comments(song(tmp_path / "a.flac"), {"TITLE": "T", "PERFORMER": "Ada"})).artist == "Ada"
    both = {"TITLE": "T", "PERFORMER": "Ben (violin)", "ARTIST": "Ada"}
    assert read(_comments(song(tmp_path / "b.flac"), both)).artist == "Ada"


@pytest.mark.parametrize("ending", ["flac", "ogg", "m4a", "opus"])
def test_texts_that_should_be_utf_8_and_are_not(ending: str, tmp_path: Path) -> None:
    if ending == "flac":
        path = _comments(song(tmp_path / "a.flac"), {"TITLE": "xxxxxxxxxxxx", "ARTIST": "yyyy"})
    else:
        named = ["-metadata", "title=xxxxxxxxxxxx", "-metadata", "artist=yyyy"]
        path = _converted(tmp_path / f"a.{ending}", *named)
    data = path.read_bytes()
    assert data.count(b"xxxxxxxxxxxx") == 1
    data = data.replace(b"xxxxxxxxxxxx", "Группа крови".encode("cp1251")).replace(
        b"yyyy", "Кино".encode("cp1251")
    )
    path.write_bytes(_with_checksums(data))
    found = read(path)
    assert (found.title, found.artist) == ("Группа крови", "Кино")


def _with_checksums(data: bytes) -> bytes:
    """The pages of an Ogg file with the checksums of their present contents; other data as they are."""
    if data[:4] != b"OggS":
        return data
    pages = []
    file = io.BytesIO(data)
    while file.tell() < len(data):
        page = OggPage(file)
        pages.append(page.write())
    return b"".join(pages)


@pytest.mark.parametrize(
    ("text", "genres"), [("17", ("Rock",)), ("(17)(4)", ("Rock", "Disco")), ("1983", ("1983",))]
)
def test_numbers_of_genres_in_other_tags(text: str, genres: tuple[str, ...], tmp_path: Path) -> None:
    assert read(_comments(song(tmp_path / "a.flac"), {"TITLE": "T", "GENRE": text})).genres == genres
