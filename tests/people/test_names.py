"""Names that people may sign up with, and names that are the same."""

from __future__ import annotations

import pytest

from segue.people.accounts import name_key
from segue.people.authentication import AccountError, _checked_name


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
     "\u0301ab", "a\u202eb", "🎵🎵", "..", "a\0b"],
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
