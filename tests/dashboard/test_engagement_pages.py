"""Your listening, Audience and Friends as a visitor gets them; and the visitors who may see Audience."""

from __future__ import annotations

import io
import re
import tomllib
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.dashboard import visit
from segue.dashboard.services import Services
from segue.dashboard.views.tables import csv, parquet
from segue.engagement.definitions import COUNTS
from segue.engagement.listening import Listening
from segue.people.login_sessions import Listener
from segue.places import CONF
from segue.settings import Settings
from segue.social.activity import PrivacyChoices
from segue.storage.mongo import Document
from segue.storage.store import Store

ADA = Listener(user_id="ada", name="Ada", session_id="s")


@pytest.fixture
def visitor(settings: Settings, database: Database[Document], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Ada on this machine."""
    services = Services(Store(database), settings)
    monkeypatch.setattr(visit, "services", lambda: services)
    monkeypatch.setattr(visit, "listener", lambda: ADA)
    monkeypatch.setattr(visit, "operator", lambda: True)
    return settings


@pytest.fixture
def heard(library: Database[Document]) -> Database[Document]:
    """Three hours of Ada's and Ben's, counted; there is no index."""
    library.models.delete_many({})
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [now - timedelta(hours=n) for n in range(1, 4)]
    for start in starts:
        for user in ("ada", "ben"):
            at = round(start.timestamp() * 1000)
            library.listening.insert_one(
                {
                    "_id": f"{at}:{user}",
                    "user_id": user,
                    "start": start,
                    "rows": [row("t1", plays=4, completions=3, skips=1), row("t2", plays=1, skips=1, rank=2)],
                    "first_at": at,
                    "last_at": at + 600_000,
                }
            )
    Listening(Store(library)).count_windows([round(start.timestamp() * 1000) for start in starts])
    return library


def row(track_id: str, *, rank: int | None = None, **counts: int) -> Document:
    named = {"track_id": track_id, "artist": f"Artist of {track_id}", "genre": "Folk", "source": "home"}
    own = {"variant": "m1" if rank else "", "rank": rank}
    return named | own | dict.fromkeys(COUNTS, 0) | counts | {"listening_ms": 60_000 * counts["plays"]}


def page(name: str) -> AppTest:
    at = AppTest.from_string(
        f"from segue.dashboard.views import {name}\n{name}.show()\n", default_timeout=600
    )
    at.run()
    assert not at.exception, at.exception
    return at


def shown(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def test_who_has_heard_nothing_is_told_how_to_begin(visitor: Settings) -> None:
    assert "Play a few songs" in page("listening").info[0].value


def test_ones_own_numbers_are_ones_own(visitor: Settings, heard: Database[Document]) -> None:
    numbers = shown(page("listening"))
    assert numbers["Plays"] == "15"
    assert numbers["Listened"] == "15 min"
    assert numbers["New to you"] == "100%"


def test_the_picture_of_a_month_is_described_in_words(visitor: Settings, heard: Database[Document]) -> None:
    heard.listening.update_many({}, {"$set": {"rows.0.artist": 'A "quoted" <name>'}})
    (picture,) = [one.proto.body for one in page("listening").get("html") if "<img" in one.proto.body]
    described = re.search('alt="([^"]*)"', picture)
    assert described
    assert "15 minutes and 15 plays on " in described[1]
    assert (
        "Artists: A &quot;quoted&quot; &lt;name&gt;, Artist of t2. Songs: Song &lt;1&gt; by " in described[1]
    )


def test_the_audience_is_everybody(visitor: Settings, heard: Database[Document]) -> None:
    at = page("audience")
    numbers = shown(at)
    assert numbers["Active listeners"] == "2"
    assert numbers["Plays"] == "30"
    assert numbers["Skipped"] == "40%"
    assert numbers["Tracks heard"] == "40%"
    assert "ada" not in str([frame.value for frame in at.dataframe]).lower()


def test_the_audience_by_genre(visitor: Settings, heard: Database[Document]) -> None:
    at = page("audience")
    at.selectbox(key="audience-by").select("Artist").run()
    at.multiselect(key="audience-artist").select("Artist of t2").run()
    assert not at.exception
    assert shown(at)["Plays"] == "6"


def test_only_operators_see_the_audience(
    visitor: Settings, heard: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit, "operator", lambda: False)
    at = page("audience")
    assert not at.metric
    assert not at.dataframe
    assert "operators" in at.info[0].value


@pytest.mark.parametrize(
    "title",
    [
        '=HYPERLINK("http://evil")',
        "+1+1",
        "-2",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠A1",
    ],
)
def test_a_table_as_csv_has_no_formulas(title: str) -> None:
    table = pd.DataFrame({"title": [title, "A = b"], "change": [-1.5, 2.0]})
    read = pd.read_csv(io.StringIO(csv(table)))
    assert read["title"].to_list()[0].startswith("'")
    assert read["title"].to_list()[1] == "A = b"
    assert read["change"].to_list() == [-1.5, 2.0]


def test_tables_have_no_download_of_streamlit() -> None:
    """The button of a table would write the texts as they are."""
    text = (CONF / ".streamlit" / "config.toml").read_text()
    assert tomllib.loads(text)["client"]["disableDataExport"] is True


def test_tables_leave_as_parquet(visitor: Settings, heard: Database[Document]) -> None:
    table = pd.DataFrame({"title": ["Ä"], "plays": [3], "skip_rate": [None]})
    assert pd.read_parquet(io.BytesIO(parquet(table)))["title"].to_list() == ["Ä"]


def test_friends_are_for_those_with_an_account(
    visitor: Settings, database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Nobody yet." in [one.value for one in page("friends").caption]
    guest = Listener(user_id="g", name=None, session_id="s")
    monkeypatch.setattr(visit, "listener", lambda: guest)
    assert "sign up" in page("friends").info[0].value


def test_asking_and_agreeing(visitor: Settings, database: Database[Document]) -> None:
    database.accounts.insert_many(
        {"_id": name.lower(), "user_id": name.lower(), "name": name} for name in ("Ada", "Ben")
    )
    database.follows.insert_one(
        {"_id": "ben>ada", "follower": "ben", "followed": "ada", "agreed": False, "at": datetime.now(UTC)}
    )
    at = page("friends")
    at.button(key="agree-ben").click().run()
    assert not at.exception
    assert database.follows.find_one({"_id": "ben>ada"})["agreed"]  # type: ignore[index]


def test_an_open_page_does_not_share_activity_again(visitor: Settings, database: Database[Document]) -> None:
    """The page still had the former position of the switch, and stored it when any button was pressed."""
    choices = PrivacyChoices(Store(database))
    at = page("friends")
    at.toggle(key="activity").set_value(True).run()
    assert choices.activity_is_shown("ada")
    choices.show_activity("ada", shown=False)  # in another tab
    at.run()
    assert not choices.activity_is_shown("ada")
    assert at.toggle(key="activity").value is False
