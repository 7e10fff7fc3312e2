"""Unicode's normal forms, without the square of a run of marks."""

from __future__ import annotations

import ast
import unicodedata
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.catalog.letters import artist_key, sort_key
from segue.catalog.track import file_key
from segue.normal_forms import MOST_MARKS, Form, normalised
from segue.people.accounts import folded_name, name_key
from segue.places import ROOT
from segue.playlists.m3u import read_playlist
from segue.playlists.matching import best
from tests.marks import MARKS, refuse_long_runs

FORMS = get_args(Form)
LETTERS = st.sampled_from("aeiÉñ़ेくが한กำְ́̂⃝﷽ﬁＡ\u0f73\u0344\u1100\u1161")


@given(st.sampled_from(FORMS), st.text(LETTERS, max_size=200) | st.text(max_size=200))
def test_usual_texts_have_the_form_that_python_gives_them(form: Form, text: str) -> None:
    runs = "".join("M" if unicodedata.category(sign)[0] == "M" else " " for sign in text).split()
    if max(map(len, runs), default=0) <= MOST_MARKS:
        assert normalised(form, text) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mark", [MARKS, "\u0f73", "\u0344", "\u20dd", "\U0001d165", "\u09be"])
def test_marks_beyond_the_thirtieth_are_left_out(form: Form, mark: str) -> None:
    text = f"a{mark * 1000}b{mark * 1000}"
    kept = (mark * MOST_MARKS)[:MOST_MARKS]
    assert normalised(form, text) == unicodedata.normalize(form, f"a{kept}b{kept}")


def test_nothing_else_makes_normal_forms() -> None:
    """`unicodedata.normalize` takes the square of a run of marks, and no other thread runs meanwhile."""
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for folder in ("segue", "dashboard", "batch_jobs", "streaming_jobs", "udfs")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "unicodedata.normalize"
    ]
    assert {line.partition(":")[0] for line in found} == {"segue/normal_forms.py"}, found


def test_no_name_and_no_playlist_has_a_long_run_put_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_long_runs(monkeypatch)
    long = "a" + MARKS * 4000
    for key in (name_key, folded_name, artist_key, sort_key, file_key):
        assert key(long)
    lines = f"#EXTM3U\n#EXTINF:1,{long} - {long}\n/music/{long}/{long}.mp3\n"
    (entry,) = read_playlist(lines.encode()).entries
    assert best(entry, []) is None
