"""Session logs: accepted and refused files, and the parts of a log by which choices are made."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from segue.errors import SegueError
from segue.session_logs.datasets import read_sessions
from segue.session_logs.logs import make_log, only_of, read_log, sessions_alone
from segue.session_logs.splits import last_part, prefixes, sampled


def test_the_plays_of_some_items_keep_sessions_listeners_and_artists() -> None:
    log = make_log(
        users=["ada", "ada", "ben", "ben"],
        sessions=["1", "1", "1", "1"],
        items=["x", "a", "b", "x"],
        times=[1.0, 2.0, 3.0, 4.0],
        artists=["one", "", "two", "one"],
    )
    part = only_of(log, ["a", "b", "never played"])
    assert part.item_ids[part.items].tolist() == ["a", "b"]
    assert part.user_ids[part.users].tolist() == ["ada", "ben"]
    assert part.sessions.tolist() == [0, 1]
    assert part.times.tolist() == [2.0, 3.0]
    assert part.artists.tolist()[0] == -1 and part.artists.tolist()[1] >= 0
    assert len(only_of(log, [])) == 0


HEADER = "SessionId\tItemId\tTime\n"


def test_files_of_one_name_in_two_folders_are_two_logs(tmp_path: Path) -> None:
    (tmp_path / "30music").mkdir()
    for name, track in (("log", "a"), ("30music/log", "b"), ("30music/other", "c")):
        (tmp_path / f"{name}.tsv").write_text(f"{HEADER}s1\t{track}\t1500000000\n")
    logs = read_sessions(tmp_path)
    assert {name: log.item_ids.tolist() for name, log in logs.items()} == {
        "log": ["a"],
        "30music/log": ["b"],
        "30music/other": ["c"],
    }


def test_without_listeners_each_session_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text(
        HEADER + "s1\ta\t1500000000\ns2\ta\t1500000100\ns1\tb\t1500000200\ns2\tc\t1500000300\n"
    )
    log = read_log(tmp_path / "log.tsv")
    assert log.item_ids[log.items].tolist() == ["a", "b", "a", "c"]
    assert log.users.tolist() == log.sessions.tolist() == [0, 0, 1, 1]
    assert log.artists.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("s\ta\t1500000000000\n", "line 2: the Time 1500000000000 is not a time in seconds between 1990"),
        ("s\ta\t25000000\n", "line 2: the Time 25000000 is not a time in seconds"),  # minutes
        ("s\ta\t1500000000\ns\tb\t417000\n", "line 3: the Time 417000 is not a time"),  # hours
        ("s\t1500000000\t77\n", "line 2: the Time 77 is not"),  # two columns exchanged
        ("s\t1500000000\ta\n", "line 2: Time is not a number"),
        ("s\ta\t1500000000\ns\t1500000000\n", "line 3: Time is empty. Are the columns"),
        ("s\t\t1500000000\n", "line 2: ItemId is empty"),
        ("\ta\t1500000000\n", "line 2: SessionId is empty"),
        ("1\ts\ta\t1500000000\n2\ts\tb\t1500000060\n", "line 2 has more fields than the header"),
        ("s\ta\t1500000000\n2\ts\tb\t1500000060\n", "line 3 has more fields"),
    ],
)
def test_another_unit_or_shifted_columns_are_refused_in_one_line(
    rows: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "log.tsv").write_text(HEADER + rows)
    with pytest.raises(SegueError, match=re.escape(says)) as refused:
        read_log(tmp_path / "log.tsv")
    assert "\n" not in str(refused.value)


def test_empty_fields_at_the_end_of_lines_shift_nothing(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text(HEADER + "s\ta\t1500000000\t\ns\tb\t1500000060\t\n")
    assert read_log(tmp_path / "log.tsv").item_ids.tolist() == ["a", "b"]


def test_choices_are_made_on_the_last_day_or_a_third_of_the_log() -> None:
    day = 86_400.0
    times = 1.5e9 + np.repeat(np.arange(40), 5) * day / 4 + np.tile(np.arange(5), 40)
    log = make_log(users=np.repeat(np.arange(40), 5), sessions=np.repeat(np.arange(40), 5),
                   items=np.tile(np.arange(5), 40), times=times)  # fmt: skip
    part = last_part(log, enough=10)
    assert part is not None
    assert len(part.queries) == 4 * 4 and len(part.history) == 36 * 5
    longer = last_part(log, enough=10_000)
    assert longer is not None
    assert longer.queries.times.min() > times.max() - np.ptp(times) / 3 - 5
    assert last_part(log.take(log.sessions == 0)) is None
    assert last_part(log.take(log.sessions < 0)) is None


def test_queries_are_drawn_the_same_each_time() -> None:
    log = make_log(users=["u"] * 50, sessions=["s"] * 50, items=np.arange(50), times=np.arange(50))
    queries = prefixes(log)
    drawn, again = sampled(queries, 7), sampled(queries, 7)
    assert drawn.targets.tolist() == again.targets.tolist() == sorted(drawn.targets.tolist())
    assert len(drawn) == 7 and len(sampled(queries, 100)) == 49


def test_sessions_alone_have_neither_listeners_nor_artists() -> None:
    log = make_log(
        users=["u", "u", "u"], sessions=["1", "1", "2"], items=["a", "b", "a"], times=[1.0, 2.0, 3.0],
        artists=["x", "", "x"],
    )  # fmt: skip
    alone = sessions_alone(log)
    assert alone.users.tolist() == alone.sessions.tolist() == [0, 0, 1]
    assert alone.items.tolist() == log.items.tolist() and alone.artists.tolist() == [-1, -1]
    assert len(sessions_alone(log.take(log.sessions < 0))) == 0
