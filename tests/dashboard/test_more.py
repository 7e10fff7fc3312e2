"""A list that a page cuts says of how many, and continues on request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.catalog.part import Part
from segue.catalog.tracks import MOST_OF_ARTIST, Tracks
from segue.dashboard.queries import history
from segue.people.login_sessions import Listener
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import serve_pages

pytestmark = pytest.mark.integration
MANY = MOST_OF_ARTIST + 250
NOW = datetime.now(UTC)


@pytest.fixture
def listener(
    monkeypatch: pytest.MonkeyPatch, many: Database[Document], settings: Settings
) -> list[Listener | None]:
    return serve_pages(monkeypatch, many, settings)


@pytest.fixture
def many(library: Database[Document]) -> Database[Document]:
    """450 songs of one artist and genre, all of them disliked and played by Ada."""
    ids = [f"m{n:03d}" for n in range(MANY)]
    library.tracks.insert_many(
        {"_id": own, "title": f"Take {own}", "artist": "Prolific", "genres": ["Drone"]} for own in ids
    )
    library.opinions.insert_many(
        {
            "_id": f"ada:{own}",
            "user_id": "ada",
            "track_id": own,
            "opinion": "dislike",
            "at": NOW - timedelta(minutes=n),
        }
        for n, own in enumerate(ids)
    )
    window = {
        "tracks": ids,
        "weights": [1.0] * MANY,
        "types": ["complete"] * MANY,
        "at": [1_700_000_000_000 + n for n in range(MANY)],
    }
    library.tastes.update_one({"_id": "ada"}, {"$set": {"windows": {"0": window}}})
    return library


def _artist() -> None:
    import streamlit as st

    from segue.dashboard.views import artist

    st.query_params["name"] = "Prolific"
    artist.show()


def _album() -> None:
    import streamlit as st

    from segue.dashboard.views import album

    st.query_params.from_dict({"artist": "Prolific", "name": "Drones"})
    album.show()


def _genre() -> None:
    import streamlit as st

    from segue.dashboard.views import search

    st.session_state.setdefault("genre", "Drone")
    search.show()


def _you() -> None:
    from segue.dashboard.views import you

    you.show()


PAGES = [
    (_artist, "200 of 450 songs", "400 of 450 songs"),
    (_album, "200 of 450 songs", "400 of 450 songs"),
    (_genre, "60 of 450 songs in Drone", "120 of 450 songs in Drone"),
    (_you, "200 of 450 songs that you dislike", "400 of 450 songs that you dislike"),
    (_you, "300 of 450 songs", None),
]


def captions(page: AppTest) -> list[str]:
    assert not page.exception
    return [caption.value for caption in page.caption]


@pytest.mark.parametrize(("show", "first", "second"), PAGES)
def test_a_cut_list_says_so_and_goes_on(
    listener: list[Listener | None],
    many: Database[Document],
    show: Callable[[], None],
    first: str,
    second: str | None,
) -> None:
    many.tracks.update_many({"artist": "Prolific"}, {"$set": {"album": "Drones"}})
    page = AppTest.from_function(show, default_timeout=600).run()
    shown = captions(page)
    assert first in shown
    cut = [text for text in shown if " of 450 " in text]
    more = [button for button in page.button if button.label == "Show more"]
    assert len(more) == len(cut)
    page = more[cut.index(first)].click().run()
    after = captions(page)
    assert first not in after
    if second is None:  # the rest is whole
        assert len([text for text in after if " of 450 " in text]) == len(cut) - 1
        return
    assert second in after
    page = next(button for button in page.button if button.label == "Show more").click().run()
    if second.startswith("400"):
        assert not [text for text in captions(page) if text.startswith("400 of")]


def test_a_whole_list_has_no_button(listener: list[Listener | None], many: Database[Document]) -> None:
    many.tracks.delete_many({"_id": {"$gt": "m020"}})
    page = AppTest.from_function(_artist, default_timeout=600).run()
    assert captions(page)[0].startswith("21 songs")
    assert not [button for button in page.button if button.label == "Show more"]


def test_the_number_of_all_is_that_of_the_catalogue(many: Database[Document]) -> None:
    tracks = Tracks(Store(many))
    assert tracks.of_album("Prolific", None).total == MANY
    assert tracks.of_genre("Drone", limit=10).total == MANY
    few = tracks.of_genre("Drone", limit=10)
    assert (len(few), few.rest) == (10, MANY - 10)
    assert tracks.of_genre("Folk", limit=10).total == 5
    disliked = history.judged(Store(many), "ada", "dislike", limit=10)
    assert (len(disliked), disliked.total) == (10, MANY)


def test_a_part_counts_at_least_its_own_entries() -> None:
    assert Part([1, 2]).total == 2
    assert Part([1, 2], total=1).total == 2
    assert Part([1, 2], total=9).each(str) == ["1", "2"]
    assert Part([1, 2], total=9).each(str).total == 9
