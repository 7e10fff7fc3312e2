"""The tables of docs/architecture.md that are made from the records' schemas.

``python -m tests.contracts.tables`` writes them anew; a test sees that they are as they should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from segue.engagement.facts import StoredFact
from segue.places import ROOT
from segue.plays.event import EVENT_WINDOW, FIELDS, SIGNAL_WINDOW, Field, WindowFields
from segue.ranking.recommendations import StoredRecommendation
from segue.spark.steps import Step
from segue.spark.transition_rules import Rule
from segue.taste.tastes import StoredTaste
from tests.contracts.schema import columns

DOCUMENT = ROOT / "docs" / "architecture.md"
RECORDS: dict[str, type] = {
    "step": Step,
    "rule": Rule,
    "fact": StoredFact,
    "taste": StoredTaste,
    "recommendation": StoredRecommendation,
}
_END = "<!-- end of table -->"


def tables() -> dict[str, str]:
    """The tables by name, as Markdown."""
    made = {
        "play": _table(("field", "kind", "required", "meaning"), map(_field, FIELDS)),
        **{
            one.name: _table(("field", "kind", "meaning"), _window(one))
            for one in (SIGNAL_WINDOW, EVENT_WINDOW)
        },
    }
    for name, record in RECORDS.items():
        rows = ((f"`{one.name}`", one.type, one.meaning) for one in columns(record))
        made[name] = _table(("field", "type", "meaning"), rows)
    return made


def _field(field: Field) -> tuple[str, ...]:
    return f"`{field.name}`", _kind(field), "yes" if field.required else "no", field.meaning


def _kind(field: Field) -> str:
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices)
    if field.kind == "whole":
        return f"whole number from {field.minimum}"
    return f"text, {field.form}" if field.form else "text"


def _window(window: WindowFields) -> Iterator[tuple[str, ...]]:
    yield "`user_id`", "text", "the listener"
    yield "`window_start`", "whole number", "epoch milliseconds"
    of_play = {field.name: field for field in FIELDS}
    for name in window.fields:
        yield (
            f"`{window.name}[].{name}`",
            of_play[name].kind.replace("whole", "whole number"),
            of_play[name].meaning,
        )


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    head, *lines = (f"| {' | '.join(cells)} |\n" for cells in (heads, *rows))
    return "".join([head, "|---" * len(heads) + "|\n", *lines])


def in_document(text: str) -> dict[str, str]:
    """The tables that a document has between its marks, by name."""
    return dict(re.findall(rf"<!-- table: ([\w-]+) -->\n(.*?){_END}", text, re.DOTALL))


def rewritten(text: str) -> str:
    """The document with the tables as they should be."""
    for name, table in tables().items():
        before, mark, rest = text.partition(f"<!-- table: {name} -->\n")
        _, end, after = rest.partition(_END)
        text = f"{before}{mark}{table}{end}{after}"
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text()))
