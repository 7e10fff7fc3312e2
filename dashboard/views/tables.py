"""Tables of counts, on a page and as files for download."""

from __future__ import annotations

import io
from typing import Any, Literal

import pandas as pd
import streamlit as st

from segue.dashboard.language.words import translated
from segue.phrases import marked

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Beginnings of formulas, the last four as wide signs, which some spreadsheets read in the same way."""
_LABELS = {
    "start": marked("from"),
    "title": marked("title"),
    "artist": marked("artist"),
    "genre": marked("genre"),
    "plays": marked("plays"),
    "completions": marked("heard to the end"),
    "skips": marked("skips"),
    "early_skips": marked("early skips"),
    "listening_ms": marked("milliseconds"),
    "hours": marked("hours"),
    "skip_rate": marked("skipped"),
    "early_skip_rate": marked("skipped early"),
    "completion_rate": marked("share heard to the end"),
}


def in_words(table: pd.DataFrame, *, height: int | Literal["auto"] = "auto") -> None:
    """Show a table with readable column names; files keep the names of the fields."""
    columns: dict[str, Any] = {name: st.column_config.Column(_label(name)) for name in table}
    for name in table:
        if name.endswith("_rate"):
            columns[name] = st.column_config.NumberColumn(_label(name), format="%.0f %%")
    if "start" in table:
        columns["start"] = st.column_config.DatetimeColumn(_label("start"), format="YYYY-MM-DD HH:mm")
    if "hours" in table:
        columns["hours"] = st.column_config.NumberColumn(_label("hours"), format="%.1f")
    shares = {name: table[name] * 100 for name in table if name.endswith("_rate")}
    st.dataframe(table.assign(**shares), hide_index=True, column_config=columns, height=height)


def _label(name: str) -> str:
    return translated(_LABELS.get(name, name))


def as_files(table: pd.DataFrame, *, name: str) -> None:
    """Buttons that download a table as CSV and as Parquet."""
    left, right, _ = st.columns([1, 1, 4])
    left.download_button("CSV", csv(table), f"{name}.csv", "text/csv", icon=":material/download:")
    right.download_button(
        "Parquet",
        parquet(table),
        f"{name}.parquet",
        "application/vnd.apache.parquet",
        icon=":material/download:",
    )


def csv(table: pd.DataFrame) -> str:
    """A table as CSV. Texts that a spreadsheet would take for formulas have an apostrophe before them.

    As OWASP recommends against CSV injection: titles and artists are the words of other people.
    """
    return str(
        table.map(lambda value: _plain(value) if isinstance(value, str) else value).to_csv(
            index=False, lineterminator="\r\n"
        )
    )


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text


def parquet(table: pd.DataFrame) -> bytes:
    """A table as the bytes of a Parquet file."""
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    return out.getvalue()
