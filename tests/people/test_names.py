"""Names that people may sign up with, and names that are the same."""

from __future__ import annotations

import pytest

from segue.people.accounts import name_key
from segue.people.authentication import AccountError, _checked_name, easy_to_guess
from segue.people.names import skeleton


@pytest.mark.parametrize(
    "name",
    ["李明", "प्रिया", "น้ำฝน", "مُحَمَّد", "O'Neill", "Anne-Marie", "J. R. Smith", "Zoë", "Bo", "x_y",
     "שָׁלוֹם", "Đặng Thị"],
)  # fmt: skip
def test_names_of_many_languages(name: str) -> None:
    assert _checked_name(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    ["", "A", "x" * 33, "-x", "x-", "a\u200bb", "a/b", "<b>x</b>", "a\nb\tc;",
     "\u0301ab", "a\u202eb", "🎵🎵", "..", "a\0b", "a\u2066b", "a\ufeffb", "a\u00adb", "a\u3164b\u115f"],
)  # fmt: skip
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(AccountError, match="2 to 32 letters"):
        _checked_name(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ana  B", "Ana B"), ("O’Neill", "o'neill"), ("ANA", "ana"), ("Ana\u00a0B", "Ana B"), ("ﬁona", "Fiona")],
)
def test_names_that_look_alike_are_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize("name", ["Аda", "Adа", "Οlga", "Mаx 李", "ＡdaБ"])
def test_names_that_mix_scripts_are_refused(name: str) -> None:
    with pytest.raises(AccountError, match="one script"):
        _checked_name(name)


@pytest.mark.parametrize("name", ["山田たろうX", "DJ 李", "김 DJ", "Ольга", "Ελένη", "Ада"])
def test_scripts_that_are_written_together_may_be_mixed(name: str) -> None:
    assert _checked_name(name) == name


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("АМОС", "amoc"),
        ("ΑΝΝΑ", "anna"),
        ("Anna", "anna"),
        ("Ада", "aдa"),
        ("ɑdɑ", "ada"),
        ("dıana", "diana"),
        ("ɡreɡ", "greg"),
        ("ɑⅾa", "ada"),
        ("Zoë Ø", "zoë ø"),
        ("Łukasz", "łukasz"),
        ("Đặng", "đặng"),
        ("Þór", "þór"),
    ],
)
def test_the_latin_name_that_a_name_looks_like(name: str, looks: str) -> None:
    assert skeleton(name) == looks


@pytest.mark.parametrize(
    "password",
    ["password", "12345678", "letmein1", "qwertzuiop", "AdaAdaAda", "ada12345", "segue123", "trustno1!"],
)
def test_passwords_that_are_easy_to_guess(password: str) -> None:
    assert easy_to_guess(password, "Ada")


@pytest.mark.parametrize(
    "password", ["correct horse", "Tr0ub4dor&3", "密码很长而且没有规律", "x7#kQ9!m", "a" * 40 + "b9!x"]
)
def test_other_passwords(password: str) -> None:
    assert not easy_to_guess(password, "Ada")
