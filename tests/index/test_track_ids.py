from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.index.track_ids import decode_ids, encode_ids, find_ids

names = st.text(min_size=1, max_size=12).filter(lambda name: not name.endswith("\0"))


@given(stored=st.sets(names, min_size=1), wanted=st.lists(st.text(max_size=15)), mixed=st.randoms())
def test_every_id_is_found_in_its_row_and_no_other_is(
    stored: set[str], wanted: list[str], mixed: Random
) -> None:
    in_order = sorted(stored, key=lambda name: name.encode("utf-8", "surrogatepass"))
    wanted = [*wanted, *stored]
    mixed.shuffle(wanted)
    row = {name: number for number, name in enumerate(in_order)}
    found = find_ids(wanted, among=encode_ids(in_order))
    assert found.tolist() == [row.get(name, -1) for name in wanted]


@given(st.lists(names))
def test_ids_come_back_as_they_were(ids: list[str]) -> None:
    assert decode_ids(encode_ids(ids)) == ids


def test_an_id_that_only_begins_or_ends_like_a_stored_one_is_unknown() -> None:
    among = encode_ids(["ab", "abc", "b"])
    assert find_ids(["a", "abcd", "abc\0", "ab\0", "", "\0", "c", "abc"], among=among).tolist() == [
        -1
    ] * 7 + [1]


def test_ids_may_be_asked_for_as_bytes_of_any_width() -> None:
    among = encode_ids(["ab", "abc", "b"])
    assert find_ids(np.array([b"b", b"abcd", b"ab"]), among=among).tolist() == [2, -1, 0]
    assert find_ids(np.array([b"b", b"a"]), among=among).tolist() == [2, -1]


def test_nothing_asked_is_nothing_found() -> None:
    assert find_ids([], among=encode_ids(["a"])).tolist() == []
