"""Numbers with nouns."""

import pytest

from segue.counted import counted


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 tracks"), (1, "1 track"), (2, "2 tracks"), (12_000, "12,000 tracks")]
)
def test_one_is_singular(count: int, text: str) -> None:
    assert counted(count, "track") == text


def test_an_irregular_plural_is_given() -> None:
    assert [counted(count, "batch", plural="batches") for count in (1, 2)] == ["1 batch", "2 batches"]
