"""Stored values of wrong types are recognised; the rest of their record is used where it has a meaning."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from bson import Int64
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128

from segue.collections import OWNERS
from segue.storage.record_shapes import record_shape
from segue.storage.records import EpochMs, Readable, Vector
from segue.storage.shapes import UNFIT, fault_of
from segue.storage.store import Collection
from segue.taste.tastes import StoredTaste


class Inner(TypedDict):
    number: float
    note: NotRequired[str]


class Everything(TypedDict):
    _id: str
    text: Annotated[str, Readable()]
    whole: int
    at: EpochMs
    number: float
    switch: bool
    vector: Vector
    date: datetime
    kind: Literal["like", "dislike"]
    perhaps: str | None
    texts: list[str]
    times: list[EpochMs]
    inner: Inner
    inners: list[Inner]
    by_name: dict[str, Inner]
    free: Any
    later: NotRequired[int]


GOOD: dict[str, Any] = {
    "_id": "a",
    "text": "b",
    "whole": Int64(3),
    "at": 1_700_000_000_000,
    "number": 3,
    "switch": True,
    "vector": b"\0\0\x80\x3f",
    "date": datetime(2026, 1, 1, tzinfo=UTC),
    "kind": "like",
    "perhaps": None,
    "texts": ["a"],
    "times": [0, 5],
    "inner": {"number": 1.5, "note": "x"},
    "inners": [{"number": 1.0}],
    "by_name": {"a": {"number": 2.0}},
    "free": [object],
    "later": 1,
}
WRONG: tuple[Any, ...] = (
    "oops",
    7,
    1.5,
    math.nan,
    math.inf,
    None,
    True,
    [],
    {},
    [[["deep"]]],
    {"a": {"b": {"c": 1}}},
    b"abc",
    -1,
    2**62,
    1e308,
    DatetimeMS(2**60),
    Decimal128("1"),
)
"""Values of all types, and of sizes that no field has."""
FITS: dict[str, list[Any]] = {
    "text": ["oops"],
    "perhaps": ["oops", None],
    "whole": [7, -1, 2**62],
    "at": [7],
    "number": [7, 1.5, -1, 2**62],
    "switch": [True],
    "texts": [[]],
    "times": [[]],
    "inners": [[]],
    "by_name": [{}],
    "later": [7, -1, 2**62],
    "_id": ["oops"],
}
SHAPE = record_shape(Everything)


def test_a_document_of_the_record_fits_and_may_have_more_fields() -> None:
    assert SHAPE.fits({**GOOD, "new": 1})
    assert fault_of(SHAPE, GOOD) == (GOOD, "")


@pytest.mark.parametrize("field", [name for name in GOOD if name != "free"])
def test_each_value_of_another_type_is_named(field: str) -> None:
    for value in WRONG:
        document = {**GOOD, field: value}
        if any(type(value) is type(good) and value == good for good in FITS.get(field, [])):
            assert SHAPE.fits(document), value
            continue
        assert not SHAPE.fits(document), value
        part, reason = fault_of(SHAPE, document)
        assert reason.startswith(field), reason
        assert part is UNFIT or SHAPE.fits(part)


@pytest.mark.parametrize("field", GOOD)
def test_a_missing_field_is_named_if_it_is_required(field: str) -> None:
    document = {name: value for name, value in GOOD.items() if name != field}
    expected = (document, "") if field == "later" else (UNFIT, f"{field} is missing")
    assert fault_of(SHAPE, document) == expected


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.name)
def test_a_document_whose_name_does_not_fit_is_not_used(owner: type[Collection[Any]]) -> None:
    shape = record_shape(owner.record())
    if "_id" not in shape.fields or shape.fields["_id"].fits([5]):
        pytest.skip("its documents may have any name")
    for shown in (shape, shape.all_optional(), shape.projected(["_id"])):
        assert fault_of(shown, {"_id": [5]})[0] is UNFIT


def test_parts_without_which_the_rest_has_a_meaning_are_left_out() -> None:
    document = {
        **GOOD,
        "text": 1979,
        "texts": ["a", 5, None, "b"],
        "times": [1, -5, "x", 2],
        "inners": [{"number": "x"}, {"number": 2.0, "note": 4}],
        "by_name": {"a": 3, "b": {"number": 1.0}},
        "later": "x",
    }
    part, reason = fault_of(SHAPE, document)
    assert part["text"] == "1979"
    assert (part["texts"], part["times"], part["inners"]) == (["a", "b"], [1, 2], [{"number": 2.0}])
    assert part["by_name"] == {"b": {"number": 1.0}}
    assert "later" not in part
    assert reason.endswith(" more")
    assert document["texts"] == ["a", 5, None, "b"]


def test_a_query_that_reads_some_fields_is_checked_for_these() -> None:
    some = SHAPE.projected(["_id", "text", "inner.note"])
    assert some.fits({"_id": "a", "text": "b", "inner": {"note": "x"}})
    assert some.fits({"_id": "a", "text": "b", "inner": {}})
    assert not some.fits({"_id": "a", "inner": {}})
    assert not some.fits({"_id": "a", "text": "b", "inner": {"note": 3}})
    rest = SHAPE.projected(["text", "_id"], without=True)
    assert rest.fits({name: value for name, value in GOOD.items() if name not in ("text", "_id")})


def test_the_windows_of_a_taste_are_usable_one_by_one() -> None:
    window = {"tracks": ["t1", "t2"], "weights": [1.0, -0.5], "at": [10, 20], "types": ["play", "skip"]}
    shape = record_shape(StoredTaste).projected(["_id", "windows"])
    bad: dict[str, Any] = {
        "x": window,
        "-5": window,
        "9" * 30: window,
        "10": {**window, "tracks": 3},
        "20": {**window, "at": [10]},
        "30": {**window, "weights": [1.0, math.nan]},
        "40": {**window, "kept": {"device": ["phone"]}},
        "50": None,
    }
    part, _ = fault_of(shape, {"_id": "ada", "windows": {"0": window, **bad}})
    assert part == {"_id": "ada", "windows": {"0": window}}


def test_every_collection_has_a_record_that_can_be_checked() -> None:
    for owner in OWNERS:
        assert record_shape(owner.record()) is record_shape(owner.record()), owner.name
