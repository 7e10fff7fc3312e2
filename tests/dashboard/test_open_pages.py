"""A page that stays open after its listener has logged out or left shows and changes nothing of theirs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.dashboard import visit
from segue.dashboard.services import Services
from segue.moods.dial import Dial, MoodDials
from segue.people.login_sessions import Listener
from segue.places import ROOT
from segue.storage.mongo import Document

VIEWS = ROOT / "dashboard" / "views"
GUARDS = {"of_listener", "of_operators"}
UNPERSONAL = {("more.py", "double")}
"""Callbacks that change only the page itself."""


def attribute(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else ""


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for file in sorted(VIEWS.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            yield file.name, node


def test_every_fragment_knows_its_listener_or_its_operator() -> None:
    seen = 0
    for file, node in nodes():
        if isinstance(node, ast.FunctionDef) and "fragment" in map(attribute, node.decorator_list):
            seen += 1
            assert GUARDS & set(map(attribute, node.decorator_list)), f"{file}: {node.name}"
    assert seen > 3


def test_every_dialog_knows_its_listener_or_its_operator() -> None:
    """A dialog is a fragment: it is drawn again while its page stays as it is."""
    guarded = {
        (file, node.name)
        for file, node in nodes()
        if isinstance(node, ast.FunctionDef) and GUARDS & set(map(attribute, node.decorator_list))
    }
    dialogs = [
        (file, node.args[0].id)
        for file, node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Call)
        and attribute(node.func) == "dialog"
        and isinstance(node.args[0], ast.Name)
    ]
    assert dialogs
    assert set(dialogs) <= guarded


def test_every_callback_is_for_its_listener() -> None:
    seen = 0
    for file, node in nodes():
        if not isinstance(node, ast.keyword) or node.arg not in ("on_change", "on_click", "on_submit"):
            continue
        seen += 1
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        assert (file, name) in UNPERSONAL or attribute(node.value) == "by_listener", f"{file}: {node.value}"
    assert seen > 3


@pytest.fixture
def dials(services: Services, monkeypatch: pytest.MonkeyPatch) -> MoodDials:
    monkeypatch.setattr(visit, "services", lambda: services)
    return MoodDials(services.store)


@pytest.mark.parametrize("now", [None, Listener("guest-2", None, "s"), Listener("ben", "Ben", "s")])
def test_a_callback_changes_nothing_once_the_listener_has_gone(
    dials: MoodDials, database: Database[Document], monkeypatch: pytest.MonkeyPatch, now: Listener | None
) -> None:
    change = visit.by_listener("ada", lambda: dials.keep("ada", Dial({"energy": 1})))
    monkeypatch.setattr(visit, "listener", lambda: now)
    change()
    assert database[MoodDials.name].count_documents({}) == 0
    monkeypatch.setattr(visit, "listener", lambda: Listener("ada", "Ada", "s"))
    change()
    assert database[MoodDials.name].count_documents({}) == 1


def test_a_fragment_draws_for_its_listener_only(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    draw = visit.of_listener(drawn.append)
    for now in (None, Listener("ben", "Ben", "s")):
        monkeypatch.setattr(visit, "listener", lambda now=now: now)
        draw("ada")
    assert drawn == []
    monkeypatch.setattr(visit, "listener", lambda: Listener("ada", "Ada", "s"))
    draw("ada")
    assert drawn == ["ada"]


def test_a_fragment_for_operators_draws_for_them_only(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = visit.of_operators(drawn.append)
    for operator in (False, True):
        monkeypatch.setattr(visit, "operator", lambda operator=operator: operator)
        draw(1)
    assert drawn == [1]


def test_the_views_are_here() -> None:
    assert Path(VIEWS / "home.py").is_file()
