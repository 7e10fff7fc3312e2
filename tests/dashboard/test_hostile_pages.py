"""Addresses of pages and values of widgets that no page of Segue sends: no page fails on them.

A browser sends these values over Streamlit's connection, and can send others. Streamlit refuses some of them
while it reads them, before any code of Segue: that counts as an answer.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from streamlit import error_util
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import exec_code
from streamlit.testing.v1 import AppTest

from segue.dashboard import visit
from segue.people.authentication import Authenticator
from segue.people.login_sessions import Listener
from segue.places import ROOT
from segue.playlists.playlists import Playlists
from segue.settings import Settings
from segue.social.follows import Follows
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import serve_pages
from tests.dashboard.test_hidden_libraries import VIEWS, _show
from tests.marks import MARKS, refuse_long_runs

TEXTS = (
    "",
    "\x00",
    "\ufffe\U0010ffff",
    "a" * 20_000,
    "$where",
    "../../etc/passwd",
    "١",
    "Infinity",
    "nan",
    "1e999",
    "-1",
    "9" * 400,
    "http://[",
    "![x](//evil.example/x.png)",
    "a" + MARKS * 4000,
)
PARAMETERS = (
    *("id", "name", "artist", "made", "from", "to", "show", "by", "as", "filter", "genre", "backwards"),
    *("after", "query", "shown"),
)
"""All parameters of addresses that pages read."""
KNOWN = {
    "made": ("mix", "discovery", "continued", "path"),
    "id": ("PLAYLIST", "t1"),
    "show": ("albums", "artists", "songs", "playlists", "liked", "genres", "added"),
}
"""Values by which a page reads the other parameters."""
SHOWN = {"name": "Artist 1", "artist": "Artist 1", "id": "t1"}
VALUES: dict[str, tuple[Any, ...]] = {
    "string_value": TEXTS,
    "string_array_value": tuple([text, text] for text in TEXTS),
    "string_trigger_value": TEXTS,
    "int_value": (0, -1, 10**6, 2**63 - 1, -(2**63)),
    "int_array_value": ([], [0, 0], [-1], [2**63 - 1], [-(2**63)]),
    "double_value": (0.0, -1.0, 1e308, float("nan"), float("inf")),
    "double_array_value": ([], [-1.0, -1.0], [1e308], [float("nan")], [float("inf"), float("-inf")]),
    "json_value": (
        *("null", "[]", "7", "NaN", "not json", '"\\ud800"', "1" * 400, "[" * 200 + "]" * 200),
        *('{"changed": "\\ud800"}', '{"replanned": {"$gt": 1}}', '{"edited": NaN}', '{"value": null}'),
    ),
    "trigger_value": (True,),
    "bool_value": (True,),
    "bytes_value": (b"\xff",),
}
VALUES["json_trigger_value"] = VALUES["json_value"]
CONTEXTS: tuple[dict[str, Any], ...] = (
    *({"timezone_offset": minutes} for minutes in (2**31 - 1, -(2**31), 10**6, -841)),
    *({"timezone": name} for name in (*TEXTS, "Factory", "localtime", "posixrules", "Europe")),
    *({"url": address} for address in (*TEXTS, "http://[::1", "//", "http://a:b@c:99999999/")),
    *({"locale": text} for text in TEXTS),
)
"""The properties that a browser reports with each message."""
_STRANGE = 3
"""Values of other kinds than the widget's, for each widget."""


@pytest.fixture(autouse=True)
def linear(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_long_runs(monkeypatch)


def state(widget: str, kind: str, value: Any) -> WidgetState:
    one = WidgetState(id=widget)
    if kind == "string_trigger_value" or isinstance(value, list):
        data = getattr(one, kind)
        if isinstance(value, list):
            data.data.extend(value)
        else:
            data.data = value
    else:
        setattr(one, kind, value)
    return one


@pytest.fixture
def playlist(library: Database[Document], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a playlist of Ada's, who is an operator, and whom Ben asks to follow."""
    store = Store(library)
    library.models.delete_many({})
    library.tracks.update_many({}, {"$set": {"album": "Album"}})
    ada, ben = (Authenticator(store).create(name, "correct horse") for name in ("Ada", "Ben"))
    for collection in (library.tastes, library.recommendations):
        document = collection.find_one({"_id": "ada"})
        assert document
        collection.insert_one(document | {"_id": ada.user_id})
    Follows(store).ask(ben.user_id, "Ada")
    serve_pages(monkeypatch, library, settings).append(Listener(ada.user_id, "Ada", "s"))
    monkeypatch.setattr(visit, "operator", lambda: True)
    return Playlists(store).create(ada.user_id, "Evening", tracks=["t1", "t2"]).playlist_id


def opened(page: AppTest, address: dict[str, str], playlist: str) -> AppTest:
    page.query_params.clear()
    for name, value in address.items():
        page.query_params[name] = value.replace("PLAYLIST", playlist)
    return page.run()


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The exceptions of pages, without those of Streamlit while it reads a value."""
    found: list[str] = []
    shown = error_util.handle_user_script_exception

    def note(error: Exception, *given: Any) -> None:
        files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        # The packages may be in a folder below that of the code.
        own = [
            place
            for place, file in enumerate(files)
            if Path(file).resolve().is_relative_to(ROOT) and "site-packages" not in file
        ]
        own_call = own[-1] if own else 0
        if not any("/streamlit/runtime/state/" in file for file in files[own_call:]):
            found.append("".join(traceback.format_exception(error))[-2000:])
        shown(error, *given)

    monkeypatch.setattr(f"{exec_code.__name__}.handle_user_script_exception", note)
    return found


def addresses() -> Iterator[dict[str, str]]:
    for text in TEXTS:
        yield dict.fromkeys(PARAMETERS, text)
    for name, values in KNOWN.items():
        for number, value in enumerate(values):
            yield dict.fromkeys(PARAMETERS, TEXTS[3 * number % len(TEXTS)]) | {name: value}


@pytest.mark.parametrize("view", VIEWS)
def test_no_address_makes_a_page_fail(playlist: str, faults: list[str], view: str) -> None:
    page = AppTest.from_function(_show, kwargs={"view": view}, default_timeout=600)
    for address in addresses():
        opened(page, address, playlist)
        assert faults == [], address


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_that_a_browser_says_of_itself_makes_a_page_fail(
    playlist: str, faults: list[str], view: str
) -> None:
    page = AppTest.from_function(_show, kwargs={"view": view}, default_timeout=600)
    for context in CONTEXTS:
        page.context.clear()
        page.context.update(context)
        for address in ({}, {"made": "mix"}, {"id": "PLAYLIST"}) if "playlists" in view else ({},):
            opened(page, address, playlist)
            assert faults == [], (context, address)


def _widgets(page: AppTest) -> dict[str, set[str]]:
    """The kinds of values of each widget and component that a page has, by its id."""
    usual = {one.id: {one.WhichOneof("value")} for one in page._tree.get_widget_states().widgets}
    ids = {getattr(getattr(node, "proto", None), "id", "") for node in page._tree}
    components = {"json_value", "json_trigger_value"}
    return {name: usual.get(name, components) - {None} for name in sorted(ids) if name.startswith("$$")}


@pytest.mark.parametrize("view", VIEWS)
def test_no_value_of_a_widget_makes_a_page_fail(playlist: str, faults: list[str], view: str) -> None:
    page = AppTest.from_function(_show, kwargs={"view": view}, default_timeout=600)
    address = VIEWS[view] | {name: value for name, value in SHOWN.items() if name in VIEWS[view]}
    address |= {"id": "PLAYLIST"} if view == "library.show_playlists" else {}
    opened(page, address, playlist)
    assert not page.exception
    chosen = random.Random(view)
    for widget, kinds in _widgets(page).items():
        usual = [(kind, value) for kind in sorted(kinds) for value in VALUES[kind]]
        if "json_value" in kinds:  # no page reads what components send
            usual = chosen.sample(usual, _STRANGE)
        others = [(kind, value) for kind in sorted(VALUES.keys() - kinds) for value in VALUES[kind]]
        for kind, value in [*usual, *chosen.sample(others, _STRANGE)]:
            page._run(WidgetStates(widgets=[state(widget, kind, value)]))
            assert faults == [], (widget, kind, value)
