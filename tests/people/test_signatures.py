"""Signatures hold for their values, their purpose and their key file only."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.people.signatures import Signatures


def test_a_signature_fits_its_values_only(tmp_path: Path) -> None:
    signatures = Signatures(tmp_path / "key", purpose="lists")
    made = signatures.of("ada", "t1", 3)
    assert signatures.fits(made, "ada", "t1", 3)
    for other in (("ada", "t1", 4), ("adat", "1", 3), ("ada", "t1"), ("ada", "t1", 3, ""), ("ben", "t1", 3)):
        assert not signatures.fits(made, *other)
    for wrong in ("", made[:-1], made + "A", "\N{LATIN SMALL LETTER A WITH ACUTE}", "\udc80"):
        assert not signatures.fits(wrong, "ada", "t1", 3)


def test_processes_with_one_key_file_accept_each_others_signatures(tmp_path: Path) -> None:
    first, second = (Signatures(tmp_path / "key", purpose="lists") for _ in range(2))
    assert second.fits(first.of("ada"), "ada")
    assert not Signatures(tmp_path / "key", purpose="other").fits(first.of("ada"), "ada")
    assert not Signatures(tmp_path / "another", purpose="lists").fits(first.of("ada"), "ada")


def test_a_key_file_that_cannot_be_used_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    signatures = Signatures(tmp_path / "file" / "key", purpose="lists")
    assert signatures.fits(signatures.of("ada"), "ada")
    assert "cannot be used" in caplog.text


def test_an_empty_key_file_is_no_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "key").write_text("\n")
    first, second = (Signatures(tmp_path / "key", purpose="lists") for _ in range(2))
    assert not second.fits(first.of("ada"), "ada")
    assert "it is empty" in caplog.text
