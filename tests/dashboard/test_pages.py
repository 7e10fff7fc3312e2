"""Each page as a visitor gets it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.dashboard import visit
from segue.dashboard.services import Services
from segue.dashboard.views import operations as operations_page
from segue.ranking.order_versions import OrderInUse
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store


@pytest.fixture
def page(settings: Settings, database: Database[Document], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    services = Services(Store(database), settings)
    monkeypatch.setattr(visit, "services", lambda: services)
    monkeypatch.setattr(visit, "operator", lambda: True)
    return AppTest.from_function(_live, default_timeout=600)


def html(page: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in page.get("html"))


def test_before_there_is_an_index_the_page_says_how_to_make_one(page: AppTest) -> None:
    page.run()
    assert not page.exception
    assert "./run.sh library update" in page.info[0].value


def test_a_listener_is_shown_with_plays_and_reasons(page: AppTest, library: Database[Document]) -> None:
    page.run()
    assert not page.exception
    shown = html(page)
    assert "Song &lt;3&gt;" in shown
    assert "Because you played Song &lt;1&gt;" in shown
    assert "heard to the end" in shown
    assert "skipped" in shown
    assert "<3>" not in shown


def test_a_change_in_mongodb_changes_the_page(page: AppTest, library: Database[Document]) -> None:
    page.run()
    items = [{"track_id": "t5", "score": 0.8, "reason": {"kind": "varied"}}]
    library.recommendations.update_one({"_id": "ada"}, {"$set": {"items": items}})
    page.run()
    assert "Song &lt;5&gt;" in html(page)
    assert "Something different" in html(page)


def test_operations_before_and_after_the_stream_ran(page: AppTest, library: Database[Document]) -> None:
    at = AppTest.from_function(_operations, default_timeout=600)
    at.run()
    assert "./run.sh stream run" in at.info[0].value
    library.stream_progress.insert_one(
        {
            "_id": "recommend:1",
            "query": "recommend",
            "batch": 1,
            "at": datetime.now(UTC),
            "input_rows": 4,
            "input_rate": 20.0,
            "processed_rate": 40.0,
            "duration_ms": {"triggerExecution": 90, "addBatch": 70},
            "state_rows": 3,
            "state_bytes": 100,
            "late_rows": 0,
            "backlog": 0,
            "watermark": None,
        }
    )
    library.stream_minutes.insert_many(
        [
            {
                "query": "recommend",
                "at": datetime.now(UTC),
                "batches": 2,
                "input_rows": 8,
                "phases_ms": {"triggerExecution": 180, "addBatch": 140},
                "state_rows": 3,
                "backlog": 0,
                "freshness_ms": {"p50": 120.0, "p99": 250.0},
            },
            {"query": "rejected plays", "at": datetime.now(UTC), "rejected": {"late": 2, "malformed": 1}},
        ]
    )
    for span in ("5 minutes", "1 day"):
        at.session_state["span"] = span
        at.run()
        assert not at.exception
    assert {metric.label: metric.value for metric in at.metric}["Trigger, median"] == "90 ms"
    words = "Recommendations are in the order that comes with Segue, since responses are too few"
    assert words in [each.value for each in at.caption]


@pytest.mark.parametrize(
    ("model", "order", "words"),
    [
        ("sum", OrderInUse("abc", learned=True, choices=900, at=datetime.now(UTC)), "sum of their scores"),
        ("learned", OrderInUse("shipped"), "comes with Segue, since responses are too few"),
        (
            "learned",
            OrderInUse("abc", learned=True, choices=1900, at=datetime.now(UTC)),
            "order abc, learned from 1,900 responses",
        ),
        ("learned", OrderInUse("abc", choices=900, at=datetime.now(UTC)), "900 responses taught no better"),
    ],
)
def test_operations_says_what_orders_the_recommendations(model: str, order: OrderInUse, words: str) -> None:
    assert words in operations_page.order_words(model, order)


def _live() -> None:
    from segue.dashboard.views import live

    live.show()


def _operations() -> None:
    from segue.dashboard.views import operations

    operations.show()
