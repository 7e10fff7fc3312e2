"""Plays of windows get back the fields that travelled with their type."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from segue.plays import added_fields
from segue.plays.added_fields import unfolded


def plays(*types: str) -> pa.StructArray:
    return pa.array([{"track_id": f"t{number}", "type": kind} for number, kind in enumerate(types)])


def test_plays_without_added_fields_are_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added_fields, "KEPT", ())
    plain = plays("complete", "skip", "complete")
    assert unfolded(plain) is plain


def test_a_type_is_plain_again_where_no_field_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added_fields, "KEPT", ())
    assert unfolded(plays("skip", 'complete\n{"device":"phone"}')).to_pylist() == [
        {"track_id": "t0", "type": "skip"},
        {"track_id": "t1", "type": "complete"},
    ]


@pytest.mark.parametrize(
    ("folded", "device", "volume"),
    [
        ("complete", None, None),
        ('complete\n{"device":"a \\"phone\\" \\n"}', 'a "phone" \n', None),
        ('complete\n{"volume":7,"another":"of a later release"}', None, 7),
    ],
)
def test_each_added_field_has_its_own_column(
    monkeypatch: pytest.MonkeyPatch, folded: str, device: Any, volume: Any
) -> None:
    monkeypatch.setattr(added_fields, "KEPT", ("device", "volume"))
    found = unfolded(plays("skip", folded, "skip")).to_pylist()
    assert found[1] == {"track_id": "t1", "type": "complete", "device": device, "volume": volume}
    assert found[2] == {"track_id": "t2", "type": "skip", "device": None, "volume": None}
    assert unfolded(plays("skip")[:0]).to_pylist() == []


def test_a_part_of_a_column_is_unfolded_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added_fields, "KEPT", ("device",))
    column = plays("skip", 'complete\n{"device":"car"}', "like")
    assert unfolded(column[1:]).to_pylist() == unfolded(column).to_pylist()[1:]
