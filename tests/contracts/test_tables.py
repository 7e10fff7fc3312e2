"""The documentation's tables are those of the schemas."""

from __future__ import annotations

from tests.contracts.tables import DOCUMENT, in_document, tables


def test_the_tables_in_the_documentation_are_those_of_the_schemas() -> None:
    """`python -m tests.contracts.tables` writes them anew."""
    assert in_document(DOCUMENT.read_text()) == tables()
