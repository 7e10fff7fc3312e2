"""The generated pages are as the code makes them, and complete."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from prometheus_client import generate_latest

from segue.benchmarks.cli import BENCHMARKS
from segue.cli.commands import COMMANDS
from segue.collections import OWNERS
from segue.documentation.reference import benchmarks, events
from segue.documentation.reference.collections import records_of
from segue.documentation.reference.metrics import declared, of_dashboard
from segue.documentation.reference.pages import PAGES
from segue.documentation.reference.records import columns, json_schema
from segue.places import ROOT
from segue.plays.event import fault
from segue.plays.event_schema import play_schema
from segue.ranking.sources import REASONS
from segue.settings.reference import reference
from segue.storage.store import Collection
from segue.streaming_jobs import engagement, recommend, rejected_plays
from segue.streaming_jobs.metrics import Metrics
from segue.taste.tastes import StoredTaste
from tests.plays.examples import a_play

FAULTS: dict[str, dict[str, object]] = {
    "": {},
    "missing_user_id": {"user_id": None},
    "invalid_event_id": {"event_id": "not a uuid"},
    "invalid_type": {"type": "hum"},
    "invalid_ms_played": {"ms_played": -1},
    "invalid_source": {"source": "dream"},
    "invalid_session_id": {"session_id": "s\n1"},
    "invalid_track_id": {"track_id": "has space"},
    "invalid_rank": {"rank": "3"},
    "invalid_duration_ms": {"duration_ms": 1.5},
}
FOLDER = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_the_code_makes_it(name: str) -> None:
    """`./run.sh docs reference` writes the pages anew."""
    assert (FOLDER / f"{name}.md").read_text() == PAGES[name]()


def test_the_folder_has_generated_pages_only() -> None:
    assert {file.stem for file in FOLDER.glob("*.md")} == PAGES.keys()


def test_every_setting_has_a_row_with_its_effect() -> None:
    text = PAGES["settings"]()
    for key in reference():
        section = text.partition(f"### `[{key.section}]`\n")[2].partition("\n### ")[0]
        name = key.name.rpartition(".")[2]
        assert re.search(rf"^\| `{name}` \| [^|]+ \| [^|]+ \| \w[^|]+ \| \w", section, re.MULTILINE), key.name


def test_every_metric_that_prometheus_reads_is_listed() -> None:
    served = generate_latest(Metrics().registry).decode()
    names = {
        name for name in re.findall(r"^# TYPE (\S+)", served, re.MULTILINE) if not name.endswith("_created")
    }
    text = PAGES["metrics"]()
    assert [name for name in names if f"`{name}" not in text] == []


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.name)
def test_every_field_of_a_collection_has_a_meaning(owner: type[Collection[Any]]) -> None:
    records = records_of(owner)
    assert records
    unexplained = [one.name for record in records for one in columns(record) if not one.meaning]
    assert unexplained == []


def test_every_metric_is_described_by_a_sentence() -> None:
    for metric in (*declared(), *of_dashboard()):
        (family,) = metric.describe()
        assert family.documentation.endswith(".")
        unit = re.search(r"_(seconds|milliseconds|bytes)$", family.name)
        assert unit is None or unit[1] in family.documentation


def test_every_collection_command_and_benchmark_has_a_section() -> None:
    collections, commands, measured = PAGES["collections"](), PAGES["commands"](), PAGES["benchmarks"]()
    assert [one.name for one in OWNERS if f"\n## `{one.name}`\n" not in collections] == []
    assert [one.name for one in COMMANDS if f"\n## {one.name}\n" not in commands] == []
    assert [name for name in BENCHMARKS if f"\n## {name}\n" not in measured] == []
    assert benchmarks.documented().keys() == BENCHMARKS.keys()


def test_no_page_has_the_markup_of_docstrings() -> None:
    marked = {
        name: re.findall(r":(?:mod|class|func|meth|attr|data|exc):`", page()) for name, page in PAGES.items()
    }
    assert not any(marked.values()), marked


def test_a_collection_is_described_by_its_contents() -> None:
    described = {one.name: (one.__doc__ or "").strip().splitlines()[0] for one in OWNERS}
    assert [name for name, text in described.items() if len(text.split()) < 3 or "Safe for use" in text] == []


@pytest.mark.parametrize("expected", FAULTS)
def test_the_schema_of_plays_agrees_with_the_check(expected: str) -> None:
    schema = play_schema()
    Draft202012Validator.check_schema(schema)
    play = {**a_play(occurred_at=1_700_000_000_000), **FAULTS[expected]}
    play = {name: value for name, value in play.items() if value is not None}
    assert (fault(play) or "") == expected
    assert Draft202012Validator(schema).is_valid(play) == (not expected)


def test_records_are_valid_schemas() -> None:
    for record, _ in events.RECORDS.values():
        Draft202012Validator.check_schema(json_schema(record))
    taste = json_schema(StoredTaste)
    assert taste["properties"]["updated_at"]["format"] == "date-time"
    assert taste["properties"]["windows"]["additionalProperties"]["properties"]["weights"]["type"] == "array"


def test_the_page_of_metrics_names_the_queries_as_their_label_does() -> None:
    text = (FOLDER / "metrics.md").read_text()
    for query in (recommend, engagement, rejected_plays):
        assert f"`{query.NAME}`" in text


def test_the_questions_and_answers_list_every_reason() -> None:
    text = (ROOT / "docs" / "faq.md").read_text().partition("### What do the reasons mean?")[2]
    listed = re.findall(r"^\| ([A-Z][^|]*?) \|", text.partition("###")[0], re.MULTILINE)
    words = {reason.words.replace("{}", "…") for reason in REASONS.values()}
    assert {*listed} == {*words, "You chose …"}
