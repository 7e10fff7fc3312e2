"""Texts in old encodings. The names are those that Unicode's CLDR has for countries, languages and months in
each language: the tables of segue/catalog/languages.json were made from other texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
from babel import Locale

from segue.catalog.tags import read_tags
from segue.catalog.text_encoding import AUTO, Repair, decoded, guessed
from tests.catalog.library import song

LONGEST = 16
"""Characters: longer names are recognised more easily."""
MOST = 200


def _names(language: str) -> list[str]:
    """Short names beyond ASCII."""
    locale = Locale.parse(language)
    every = [
        *locale.territories.values(),
        *locale.languages.values(),
        *locale.months["format"]["wide"].values(),
    ]
    short = sorted({name for name in every if not name.isascii() and 2 <= len(name) <= LONGEST})
    return short[:: max(1, len(short) // MOST)]


def _share_read(names: Sequence[str], encoding: str, *, together: int) -> float:
    """The share of texts that are read as they were meant, if a file has this number of them."""
    right = every = 0
    for start in range(0, len(names) - together + 1, together):
        texts = names[start : start + together]
        try:
            latin = [text.encode(encoding).decode("latin-1") for text in texts]
        except UnicodeEncodeError:
            continue
        repair = Repair(AUTO, latin)
        right += [repair.latin(text) for text in latin] == texts
        every += 1
    return right / every


@pytest.mark.parametrize(
    ("language", "encoding", "least"),
    [
        ("ru", "cp1251", 0.95), ("uk", "cp1251", 0.95), ("bg", "cp1251", 0.95), ("ru", "koi8_r", 0.9),
        ("ru", "cp866", 0.9), ("el", "cp1253", 0.95), ("he", "cp1255", 0.8), ("ar", "cp1256", 0.95),
        ("fa", "cp1256", 0.95), ("th", "cp874", 0.95), ("tr", "cp1254", 0.85), ("zh", "gbk", 0.95),
        ("zh_Hant", "cp950", 0.9), ("ja", "cp932", 0.95), ("ja", "euc_jp", 0.9), ("ko", "cp949", 0.95),
        ("pl", "cp1250", 0.85), ("pl", "iso8859_2", 0.85), ("cs", "cp1250", 0.85), ("hu", "cp1250", 0.95),
        ("sl", "cp1250", 0.9),
    ],
)  # fmt: skip
def test_short_names_in_old_encodings_are_recognised(language: str, encoding: str, least: float) -> None:
    assert _share_read(_names(language), encoding, together=2) >= least


@pytest.mark.parametrize(
    "language", ["fr", "de", "es", "pt", "it", "sv", "da", "nb", "fi", "is", "nl", "ca", "gl"]
)
def test_names_in_latin_1_stay_as_they_are(language: str) -> None:
    names = _names(language)
    assert _share_read(names, "cp1252", together=1) >= 0.95
    assert _share_read(names, "cp1252", together=2) >= 0.97


@pytest.mark.parametrize(
    ("encoding", "title", "artist"),
    [
        ("gbk", "红豆", "王菲"), ("gbk", "月亮代表我的心", "邓丽君"), ("gbk", "晴天", "周杰伦"),
        ("cp950", "愛", "張學友"), ("cp932", "花", "嵐"), ("cp932", "雪の華", "中島美嘉"),
        ("cp949", "봄", "아이유"), ("cp949", "사랑", "이문세"), ("cp949", "뷁", "문희준"),
        ("cp874", "รัก", "คาราบาว"), ("cp874", "ขอบคุณ", "เบิร์ด"), ("cp1254", "Şımarık", "Tarkan"),
        ("cp1254", "Gülümse", "Sezen Aksu"), ("cp1254", "Yağmur", "Işın Karaca"),
        ("cp1250", "Dziękuję", "Ich Troje"), ("cp1250", "Długość dźwięku", "Myslovitz"),
        ("cp1250", "Třešně", "Čechomor"), ("cp1251", "Ты", "Кино"), ("koi8_r", "Ночь", "Звери"),
        ("cp1256", "حبيبي", "عمرو دياب"), ("cp1255", "שלום", "נועה"), ("cp1253", "Νύχτα", "Άννα Βίσση"),
        ("cp1252", "Où", "Zaz"), ("cp1252", "Déjà vu", "Beyoncé"), ("cp1252", "Guð", "Björk"),
        ("cp1252", "Ça ira", "Édith Piaf"), ("cp1252", "¿Quién?", "Maná"), ("cp1252", "Å", "Håkan Hellström"),
        ("cp1252", "“Heroes”", "Mötley Crüe"), ("cp1252", "Ænima", "Queensrÿche"), ("cp1252", "É", "Céu"),
    ],
)  # fmt: skip
def test_short_tags(encoding: str, title: str, artist: str) -> None:
    latin = [text.encode(encoding).decode("latin-1") for text in (title, artist)]
    repair = Repair(AUTO, latin)
    assert [repair.latin(text) for text in latin] == [title, artist]


def test_a_name_in_latin_1_beside_texts_in_another_encoding() -> None:
    latin = ["Björk", "Группа крови".encode("cp1251").decode("latin-1")]
    repair = Repair(AUTO, latin)
    assert [repair.latin(text) for text in latin] == ["Björk", "Группа крови"]


def test_utf_8_beside_latin_1() -> None:
    latin = ["Sigur Rós", "Ágætis byrjun".encode().decode("latin-1")]
    repair = Repair(AUTO, latin)
    assert [repair.latin(text) for text in latin] == ["Sigur Rós", "Ágætis byrjun"]


def test_an_ambiguous_title_is_read_as_the_other_songs_of_its_folder(tmp_path: Path) -> None:
    titles = ["Łzy", "Długość dźwięku samotności", "Chłopcy", "Żona"]
    for number, title in enumerate(titles):
        path = song(tmp_path / f"{number}.mp3")
        fields = b"".join(name.encode("cp1250").ljust(30, b"\0") for name in (title, "Myslovitz", ""))
        path.write_bytes(path.read_bytes() + b"TAG" + fields + b"1988" + b"\0" * 30 + b"\x11")
    found = [
        read_tags(tmp_path / f"{number}.mp3", relative=PurePosixPath(f"A/B/{number}.mp3"))[0].title
        for number in range(len(titles))
    ]
    assert found == titles
    assert guessed([titles[0].encode("cp1250").decode("latin-1")]) is None
    alone = tmp_path / "alone"
    alone.mkdir()
    (tmp_path / "0.mp3").rename(alone / "0.mp3")
    assert read_tags(alone / "0.mp3", relative=PurePosixPath("A/C/0.mp3"))[0].title != titles[0]


def test_short_names_in_a_file_are_guessed_without_its_keywords() -> None:
    sheet = 'PERFORMER "Кино"\nTITLE "Ночь"\nFILE "a.flac" WAVE\n  TRACK 01 AUDIO\n    TITLE "Ты"\n'
    assert decoded(sheet.encode("cp1251"), AUTO) == sheet
