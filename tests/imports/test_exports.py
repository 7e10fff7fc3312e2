"""Exports of other services become plays; other rows are counted with the reason."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import SegueError
from segue.imports.exports import Exports, Found, _Encoded
from segue.imports.play import ImportedPlay, LeftOut
from segue.imports.times import epoch_seconds

AT = 1_680_717_600
"""2023-04-05T18:00:00Z"""
R1, R2 = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
SPOTIFY = {
    "ts": "2023-04-05T18:03:20Z",
    "ms_played": 200_000,
    "master_metadata_track_name": "North Side",
    "master_metadata_album_artist_name": "Vela",
    "master_metadata_album_album_name": "Hurry, We Wait",
    "spotify_track_uri": "spotify:track:1",
    "reason_start": "trackdone",
    "reason_end": "trackdone",
    "shuffle": False,
    "skipped": False,
    "offline": False,
    "offline_timestamp": 0,
}
NAMES = {"artist_name": "Vela", "track_name": "North Side"}
LISTEN = {"listened_at": AT, "track_metadata": NAMES}


def written(folder: Path, content: str | bytes, name: str = "export") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(*paths: Path, most_bytes: int = 10**9) -> list[Found]:
    return list(Exports(paths, most_bytes=most_bytes))


def plays_in(*paths: Path) -> list[ImportedPlay]:
    return [found.play for found in read(*paths) if isinstance(found.play, ImportedPlay)]


def left_out(*paths: Path) -> Counter[str]:
    return Counter(found.play.reason for found in read(*paths) if isinstance(found.play, LeftOut))


def spotify(folder: Path, *changes: dict[str, Any]) -> Path:
    return written(folder, json.dumps([{**SPOTIFY, **change} for change in changes]))


def zipped(folder: Path, members: dict[str, str], name: str = "export.zip") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, content in members.items():
            packed.writestr(member, content)
    return folder / name


def test_a_play_of_spotify_has_its_names_its_start_and_its_length(tmp_path: Path) -> None:
    (play,) = plays_in(spotify(tmp_path, {}))
    assert (play.song.title, play.song.artist, play.song.album) == ("North Side", "Vela", "Hurry, We Wait")
    assert (play.at, play.ms_played, play.skipped) == (AT, 200_000, False)


def test_podcasts_audiobooks_and_videos_are_left_out_and_the_rest_is_read(tmp_path: Path) -> None:
    nothing = {"master_metadata_track_name": None, "spotify_track_uri": None}
    path = spotify(tmp_path, {}, {**nothing, "episode_name": "E1"}, nothing, {"ms_played": 1000})
    assert len(plays_in(path)) == 2
    assert left_out(path) == {"no_music": 2}
    assert [found.row for found in read(path)] == [1, 2, 3, 4]


@pytest.mark.parametrize("change", [{"reason_end": None, "skipped": None}, {"shuffle": 3, "skipped": "no"}])
def test_a_field_that_is_not_needed_may_have_any_value(tmp_path: Path, change: dict[str, Any]) -> None:
    assert len(plays_in(spotify(tmp_path, change))) == 1


def test_a_private_session_leaves_no_trace(tmp_path: Path) -> None:
    path = spotify(tmp_path, {"incognito_mode": True}, {"incognito_mode": False}, {"incognito_mode": None})
    assert len(plays_in(path)) == 2
    assert left_out(path) == {"private": 1}


def test_a_row_needs_a_time_and_names_only(tmp_path: Path) -> None:
    row = {
        "ts": "2014-05-06T07:08:09Z",
        "ms_played": 181000,
        "master_metadata_track_name": "T",
        "master_metadata_album_artist_name": "A",
    }
    assert [play.song.title for play in plays_in(written(tmp_path, json.dumps([row])))] == ["T"]


def test_an_address_is_enough_to_tell_a_song(tmp_path: Path) -> None:
    (play,) = plays_in(
        spotify(tmp_path, {"master_metadata_track_name": None, "master_metadata_album_artist_name": None})
    )
    assert play.song.uri == "spotify:track:1"


@pytest.mark.parametrize("offline", [1551520800123, 1551520800, 0, None])
def test_the_time_of_an_offline_play_is_its_own(tmp_path: Path, offline: int | None) -> None:
    row = {"ts": "2019-03-02T10:03:20Z", "offline_timestamp": offline}
    assert [play.at for play in plays_in(spotify(tmp_path, row))] == [1551520800]


@pytest.mark.parametrize(
    ("change", "skipped"),
    [
        ({"skipped": True}, True),
        ({"skipped": 1}, True),
        ({"skipped": "true"}, True),
        ({"skipped": None, "reason_end": "fwdbtn"}, True),
        ({"skipped": None, "reason_end": "trackdone"}, False),
        ({"skipped": None, "reason_end": "logout"}, None),
    ],
)
def test_skips_are_known_from_either_field(
    tmp_path: Path, change: dict[str, Any], skipped: bool | None
) -> None:
    assert [play.skipped for play in plays_in(spotify(tmp_path, change))] == [skipped]


def test_the_account_data_of_spotify_are_read(tmp_path: Path) -> None:
    row = {"endTime": "2023-04-05 18:03", "artistName": "Vela", "trackName": "North Side", "msPlayed": 180000}
    podcast = {"endTime": "2023-04-05 18:03", "podcastName": "P", "episodeName": "E", "msPlayed": 1}
    path = written(tmp_path, json.dumps([row, podcast]))
    assert [(play.at, play.ms_played) for play in plays_in(path)] == [(AT, 180_000)]
    assert left_out(path) == {"no_music": 1}


LASTFM = {
    "no header": 'Vela,"Hurry, We Wait",North Side,05 Apr 2023 18:00\n',
    "no header, ISO": "Vela,,North Side,2023-04-05T18:00:00Z\n",
    "no album": "Vela;North Side;05 Apr 2023, 18:00\n",
    "uts": (
        "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
        f'{AT},"05 Apr 2023, 18:00",Vela,,"Hurry, We Wait",,North Side,{R1}\n'
    ),
    "stats": f'Artist;Album;AlbumId;Track;Date#ada\n"Vela";"Hurry, We Wait";"";"North Side";"{AT}000"\n',
    "tabs": f"artist\talbum\ttrack\ttimestamp\nVela\tHurry, We Wait\tNorth Side\t{AT}\n",
    "bars": "artist|track|played at\nVela|North Side|2023-04-05 18:00 UTC\n",
    "two columns": "Artist,Track,Time,Date\nVela,North Side,18:00,2023-04-05\n",
    "half a day": "Artist;Track;Date\nVela;North Side;Apr 5, 2023, 6:00 PM\n",
    "month first": (
        "Artist,Track,Date\nVela,North Side,04/05/2023 6:00 PM\nVela,Other,04/25/2023 1:00 AM\nx,y,z\n"
    ),
    "day first": "Vela,North Side,05/04/2023 18:00\n" + "Vela,Other,25/04/2023 18:00\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("form", LASTFM)
def test_tables_of_all_usual_programs_are_read(tmp_path: Path, form: str, encoding: str) -> None:
    path = written(tmp_path, LASTFM[form].encode(encoding))
    (play,) = (play for play in plays_in(path) if play.song.title != "Other")
    assert (play.song.artist, play.song.title, play.at) == ("Vela", "North Side", AT)
    assert play.song.album in {"Hurry, We Wait", ""}


@pytest.mark.parametrize("dates", [["05/04/2023 18:00"], ["25/04/2023 18:00", "04/25/2023 18:00"]])
def test_dates_that_could_be_of_two_days_are_left_out(tmp_path: Path, dates: list[str]) -> None:
    path = written(tmp_path, "Artist,Track,Date\n" + "".join(f"A,T,{date}\n" for date in dates))
    assert left_out(path) in ({}, {"no_date": len(dates)})
    assert plays_in(path) == []


def test_cells_may_have_commas_quotation_marks_and_line_breaks(tmp_path: Path) -> None:
    path = written(tmp_path, 'Vela,"Hurry, ""We"" Wait","North\nSide",26 Feb 2019 08:34\n')
    (play,) = plays_in(path)
    assert (play.song.album, play.song.title) == ('Hurry, "We" Wait', "North Side")


def test_spellings_with_and_without_commas_are_one_song(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'Vela,"Hurry, We Wait",North Side,26 Feb 2019 08:34\n'
        "Vela,Hurry We Wait,North Side,26 Feb 2019 08:34\n",
    )
    first, second = plays_in(path)
    assert first.song.key() == second.song.key()


def test_a_row_without_a_date_is_left_out_with_its_number(tmp_path: Path) -> None:
    path = written(tmp_path, "A,B,T,26 Feb 2019 08:34\nA,B,T,\nA,B,T,26 Feb 2019 08:40\n")
    assert len(plays_in(path)) == 2
    assert [(found.row, found.play.reason) for found in read(path) if isinstance(found.play, LeftOut)] == [
        (2, "no_date")
    ]


def test_an_unclosed_quotation_mark_does_not_end_the_import(tmp_path: Path) -> None:
    rows = ["A,B,T,26 Feb 2019 08:34\n"] * 10
    path = written(tmp_path, "".join([*rows, 'A,"B' + "x" * 200_000 + "\n", *rows]))
    assert len(plays_in(path)) == 20
    assert left_out(path)["unreadable"] >= 1


@pytest.mark.parametrize("behind", [0, 1, 5000])
@pytest.mark.parametrize("header", ["Artist,Album,Track,Date\n", ""])
def test_an_unclosed_quotation_mark_takes_no_other_rows(tmp_path: Path, behind: int, header: str) -> None:
    row, open_row, closed = (f"A,{album},T,26 Feb 2019 08:34\n" for album in ("B", '"B', '"B"'))
    path = written(tmp_path, header + row + open_row + behind * row + closed + row)
    assert len(plays_in(path)) == behind + 3
    assert left_out(path).total() == 1


def test_the_archive_of_listenbrainz_is_read(tmp_path: Path) -> None:
    def lines(*times: int) -> str:
        return "\n".join(json.dumps({**LISTEN, "listened_at": at}) for at in times)

    path = zipped(
        tmp_path,
        {
            "user.json": json.dumps({"user_id": 1, "username": "ada"}),
            "listens/2024/12.jsonl": lines(AT, AT + 300) + "\n",
            "listens/2025/1.jsonl": lines(AT + 600, AT + 900, AT + 1200),
            "feedback.jsonl": json.dumps({"recording_mbid": R1, "score": 1, "created": AT}),
        },
    )
    assert [play.at for play in plays_in(path)] == [AT + 300 * i for i in range(5)]
    assert left_out(path) == {"feedback": 1}


@pytest.mark.parametrize("name", ["listens.json", "x", "1.JSONL", "old.txt"])
def test_one_list_and_lines_are_read_under_any_name(tmp_path: Path, name: str) -> None:
    assert len(plays_in(written(tmp_path, json.dumps([LISTEN, LISTEN], indent=1), name))) == 2
    assert len(plays_in(written(tmp_path, f"{json.dumps(LISTEN)}\r\n\n{json.dumps(LISTEN)}", name))) == 2
    folder = tmp_path / "folder" / "deep"
    folder.mkdir(parents=True, exist_ok=True)
    written(folder, gzip.compress(json.dumps(LISTEN).encode()), "a.jsonl.gz")
    assert len(plays_in(tmp_path / "folder")) == 1


@pytest.mark.parametrize(
    "page",
    [
        {"listen_type": "import", "payload": [LISTEN, LISTEN]},
        {"payload": {"count": 2, "user_id": "ada", "listens": [LISTEN, LISTEN]}},
        {"version": 1, "listens": [LISTEN, LISTEN]},
    ],
)
def test_pages_of_the_api_of_listenbrainz_are_read(tmp_path: Path, page: object) -> None:
    assert len(plays_in(written(tmp_path, json.dumps(page)))) == 2


def test_lists_that_were_put_together_are_read(tmp_path: Path) -> None:
    assert len(plays_in(written(tmp_path, f"{json.dumps([LISTEN])}\n{json.dumps([SPOTIFY] * 2)}"))) == 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    row = {**LISTEN, "track_metadata": {"artist_name": "Beyoncé", "track_name": "Déjà"}}
    (play,) = plays_in(written(tmp_path, json.dumps([row], ensure_ascii=False).encode(encoding)))
    assert (play.song.artist, play.song.title) == ("Beyoncé", "Déjà")


@pytest.mark.parametrize(
    ("mapped", "expected"), [({"recording_mbid": R2}, (R1, R2)), (None, (R1,)), ("x", (R1,)), ([], (R1,))]
)
def test_the_id_that_the_player_sent_comes_first(
    tmp_path: Path, mapped: object, expected: tuple[str, ...]
) -> None:
    data = {**NAMES, "additional_info": {"recording_mbid": R1}, "mbid_mapping": mapped}
    (play,) = plays_in(written(tmp_path, json.dumps({**LISTEN, "track_metadata": data})))
    assert play.song.recordings == expected


@pytest.mark.parametrize(
    ("info", "seconds"),
    [
        ({"duration_ms": 215000}, 215),
        ({"duration_ms": "215000"}, 215),
        ({"duration": 215}, 215),
        ({"duration": "x"}, None),
        (None, None),
    ],
)
def test_lengths_have_two_units(tmp_path: Path, info: object, seconds: float | None) -> None:
    data = {**NAMES, "additional_info": info}
    (play,) = plays_in(written(tmp_path, json.dumps({**LISTEN, "track_metadata": data})))
    assert play.song.seconds == seconds


def test_pages_of_the_api_of_lastfm_are_read(tmp_path: Path) -> None:
    track = {
        "artist": {"mbid": "", "#text": "Vela"},
        "album": {"#text": "Hurry, We Wait"},
        "name": "North Side",
        "mbid": R1,
        "date": {"uts": str(AT), "#text": "05 Apr 2023, 18:00"},
    }
    playing = {**{key: track[key] for key in track if key != "date"}, "@attr": {"nowplaying": "true"}}
    for form in ([playing, track], [[playing], [track]], {"recenttracks": {"track": [playing, track]}}):
        path = written(tmp_path, json.dumps(form))
        assert [(play.at, play.song.artist) for play in plays_in(path)] == [(AT, "Vela")]
        assert left_out(path) == {"no_date": 1}


def test_the_scrobbles_of_a_statistics_page_are_read(tmp_path: Path) -> None:
    scrobble = {"track": "North Side", "artist": "Vela", "album": "", "albumId": "", "date": AT * 1000}
    path = written(tmp_path, json.dumps({"username": "ada", "scrobbles": [scrobble]}))
    assert [play.at for play in plays_in(path)] == [AT]


def test_the_export_of_segue_is_read(tmp_path: Path) -> None:
    event = {
        "event_id": "e",
        "user_id": "u",
        "track_id": "abc",
        "type": "skip",
        "ms_played": 20_000,
        "position_ms": 0,
        "duration_ms": 240_000,
        "occurred_at": (AT + 20) * 1000,
    }
    path = zipped(
        tmp_path,
        {
            "plays.jsonl": json.dumps(event) + "\n" + json.dumps({**event, "type": "play"}),
            "tastes.json": json.dumps([{"_id": "u", "windows": {}}]),
            "README.txt": "Your data",
        },
    )
    (play,) = plays_in(path)
    assert (play.song.track_id, play.at, play.skipped) == ("abc", AT, True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2023-04-05T18:00:00Z", AT),
        ("2023-04-05 18:00:00 UTC", AT),
        ("2023-04-05T20:00:00+02:00", AT),
        ("05 Apr 2023, 18:00", AT),
        (AT, AT),
        (AT * 1000, AT),
        (AT * 1_000_000, AT),
        (AT * 1_000_000_000, AT),
        ("Wed, 05 Apr 2023 18:00:00 GMT", AT),
        ("Wed Apr 05 2023 20:00:00 GMT+0200 (CEST)", AT),
        ("2023-04-05 20:00:00 +02:00", AT),
        ("05 Apr 2023, 6:00pm", AT),
        ("5 April 2023 18:00", AT),
        ("05/04/2023 18:00", None),
        (-AT, None),
        (f"-{AT}", None),
        (str(AT), AT),
        (float(AT), AT),
        ("", None),
        (0, None),
        (None, None),
        ("yesterday", None),
        ([], None),
        (True, None),
        (1e300, None),
        ("9" * 400, None),
    ],
)
def test_times_are_read_in_all_units_and_forms(value: object, seconds: int | None) -> None:
    assert epoch_seconds(value) == seconds


@pytest.mark.parametrize("time", ["1970-01-01T00:03:20Z", "9999-12-31T23:59:59Z", "1899-01-01T00:00:00Z"])
def test_impossible_times_are_left_out(tmp_path: Path, time: str) -> None:
    assert left_out(spotify(tmp_path, {"ts": time}, {})) == {"impossible_date": 1}


def test_files_that_are_no_history_are_named(tmp_path: Path) -> None:
    written(tmp_path, "Hello, reader", "a.txt")
    written(tmp_path, "{}", "b.json")
    written(tmp_path, bytes(range(256)) * 100, "c.jpg")
    written(tmp_path, json.dumps([{"a": 1}]), "d.json")
    exports = Exports([tmp_path], most_bytes=10**6)
    assert list(exports) == []
    assert exports.unknown == ["a.txt", "b.json", "c.jpg", "d.json"]


@pytest.mark.parametrize("cut", [30, 400, 700])
def test_a_damaged_file_gives_the_rows_before_the_damage(tmp_path: Path, cut: int) -> None:
    whole = json.dumps([SPOTIFY] * 20)
    path = written(tmp_path, whole[: len(whole) - cut])
    assert 17 <= len(plays_in(path)) < 20
    assert left_out(path) == {"unreadable": 1}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_json_is_nested_to_some_depth_only(tmp_path: Path, opening: str, closing: str) -> None:
    """The paths of its lists would take memory that grows with the square of the depth."""

    def export(depth: int) -> Path:
        nested = f"{opening * depth}0{closing * depth}"
        return written(tmp_path, f'[{{"x": {nested}}}, {json.dumps(SPOTIFY)}]')

    assert len(plays_in(export(50))) == 1
    assert plays_in(export(2000)) == []


@given(st.text(st.sampled_from('[{"\\]} ü'), max_size=200), st.integers(1, 7))
def test_brackets_in_texts_are_no_nesting(text: str, at_once: int) -> None:
    document = json.dumps([{"x": text, "[[{": ["]"]}] * 100, ensure_ascii=False)
    encoded = _Encoded(io.TextIOWrapper(io.BytesIO(document.encode()), "utf-8"))
    assert b"".join(iter(lambda: encoded.read(at_once), b"")).decode() == document
    assert encoded._depth == 0


def test_damaged_encrypted_and_enormous_archives(tmp_path: Path) -> None:
    good = zipped(tmp_path, {"a.json": json.dumps([SPOTIFY] * 50), "b.json": json.dumps([SPOTIFY])})
    data = bytearray(good.read_bytes())
    data[60:70] = bytes(10)
    damaged = written(tmp_path, bytes(data), "damaged.zip")
    assert left_out(damaged)["unreadable"] == 1
    assert len(plays_in(damaged)) >= 1
    bomb = zipped(tmp_path, {"a.json": "[" + " " * 5_000_000 + "]"}, "bomb.zip")
    with pytest.raises(SegueError, match="max_size"):
        read(bomb, most_bytes=1_000_000)
    with pytest.raises(SegueError, match="does not exist"):
        read(tmp_path / "none")


def test_archives_and_compressed_files_within_archives_are_read(tmp_path: Path) -> None:
    inner = zipped(tmp_path, {"a.json": json.dumps([SPOTIFY])}, "inner.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as packed:
        packed.write(inner, "inner.zip")
        packed.writestr("listens.bin", gzip.compress(json.dumps(LISTEN).encode()))
    assert len(plays_in(tmp_path / "outer.zip")) == 2
    written(tmp_path, inner.read_bytes()[:-30], "cut.zip")
    assert left_out(tmp_path / "cut.zip") == {"unreadable": 1}


def test_archives_within_archives_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path, {"a.json": json.dumps([SPOTIFY])}, "0.zip")
    for depth in range(1, 4):
        with zipfile.ZipFile(tmp_path / f"{depth}.zip", "w") as packed:
            packed.write(path, path.name)
        path = tmp_path / f"{depth}.zip"
    assert [len(plays_in(tmp_path / f"{depth}.zip")) for depth in range(4)] == [1, 1, 1, 0]
    bomb = zipped(tmp_path, {"a.json": "[" + " " * 5_000_000 + "]"}, "bomb.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as packed:
        packed.write(bomb, "bomb.zip")
    with pytest.raises(SegueError, match="max_size"):
        read(tmp_path / "outer.zip", most_bytes=1_000_000)
    monkeypatch.setattr("segue.imports.exports._MOST_FILES", 5)
    many = zipped(tmp_path, {f"{n}.json": json.dumps([SPOTIFY]) for n in range(9)}, "many.zip")
    assert (len(plays_in(many)), left_out(many)) == (5, {"unreadable": 1})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data(), form=st.sampled_from([SPOTIFY, LISTEN]))
def test_no_value_of_a_field_ends_an_import(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, form: dict[str, Any]
) -> None:
    field = data.draw(st.sampled_from(sorted(form)))
    rows = [form, {**form, field: data.draw(VALUES)}, form]
    path = written(tmp_path_factory.mktemp("rows"), "\n".join(json.dumps(row) for row in rows))
    assert len(read(path)) == 3
    assert len(plays_in(path)) >= 2


@given(content=st.binary(max_size=300), start=st.sampled_from([b"", b"[", b"{", b"a,b,c,", b"PK\x03\x04"]))
def test_no_file_ends_an_import(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    read(written(tmp_path_factory.mktemp("any"), start + content))
