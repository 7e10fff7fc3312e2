"""The operations page: the streaming queries over time."""

from __future__ import annotations

import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import streamlit as st

from dashboard import queries, service
from segue.storage.mongo import Document

SPANS = {"5 minutes": 300, "1 hour": 3600, "1 day": 86400}
PHASES = ("addBatch", "queryPlanning", "latestOffset", "walCommit", "commitOffsets")


def show() -> None:
    """Rates, durations, state and delay of the streaming queries."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title("Operations")
    span = right.segmented_control("Span", list(SPANS), default="5 minutes", key="span") or "5 minutes"
    _draw(SPANS[span])


@st.fragment(run_every=3.0)
def _draw(seconds: int) -> None:
    database = service.database()
    found = queries.progress(database, seconds=seconds)
    if not found:
        st.info("The stream has not run yet: start it with `./run.sh stream`.", icon=":material/play_circle:")
        return
    started = queries.stream(database)
    _summary([one for one in found if one["query"] == "recommend"], started)
    table = pd.DataFrame([_flat(one) for one in found])
    main = table[table["query"] == "recommend"]
    first, second = st.columns(2)
    first.plotly_chart(_rates(table), config=_PLAIN)
    second.plotly_chart(_durations(main), config=_PLAIN)
    first.plotly_chart(
        _line(main, "state_rows", "Windows in state", "one for each listener and half hour"), config=_PLAIN
    )
    second.plotly_chart(
        _line(main, "backlog", "Backlog", "plays in Kafka that wait to be read"), config=_PLAIN
    )


_PLAIN = {"displayModeBar": False}


def _summary(found: list[Document], started: Document) -> None:
    columns = st.columns(7)
    fresh = pd.Series(queries.freshness(service.database()), dtype=float)
    if len(fresh):
        columns[5].metric("Freshness, median", f"{fresh.median():,.0f} ms")
        columns[6].metric("Freshness, p99", f"{fresh.quantile(0.99):,.0f} ms")
    if found:
        last = found[-1]
        durations = pd.Series([one["duration_ms"].get("triggerExecution", 0) for one in found])
        columns[0].metric("Last micro-batch", queries.ago(last["at"].timestamp() * 1000))
        columns[1].metric("Trigger, median", f"{durations.median():.0f} ms")
        columns[2].metric("Trigger, p99", f"{durations.quantile(0.99):.0f} ms")
        columns[3].metric("Windows in state", f"{last['state_rows']:,}")
        columns[4].metric("Behind watermark", f"{sum(one['late_rows'] for one in found):,}")
    left, right = st.columns([1, 4], vertical_alignment="center")
    if ui := started.get("ui"):
        left.link_button("Spark UI", ui, icon=":material/open_in_new:")
    if version := queries.index_version(service.database()):
        right.caption(f"Index {version} is published")


def _flat(one: Document) -> Document:
    phases = {phase: one["duration_ms"].get(phase, 0) for phase in PHASES}
    return {**{k: v for k, v in one.items() if k != "duration_ms"}, **phases}


def _rates(table: pd.DataFrame) -> go.Figure:
    figure = px.line(table, x="at", y="processed_rate", color="query", log_y=True)
    return _dressed(figure, "Processed", "plays a second, each micro-batch")


def _durations(main: pd.DataFrame) -> go.Figure:
    long = main.melt(id_vars="at", value_vars=list(PHASES), var_name="phase", value_name="ms")
    return _dressed(px.area(long, x="at", y="ms", color="phase"), "Micro-batch by phase", "milliseconds")


def _line(main: pd.DataFrame, column: str, title: str, subtitle: str) -> go.Figure:
    return _dressed(px.line(main, x="at", y=column), title, subtitle)


def _dressed(figure: go.Figure, title: str, subtitle: str) -> go.Figure:
    figure.update_layout(
        title={"text": title, "subtitle": {"text": subtitle}},
        height=300,
        margin={"l": 10, "r": 10, "t": 70, "b": 10},
        legend={"title": None, "orientation": "h", "y": -0.18},
        xaxis_title=None,
        yaxis_title=None,
    )
    return figure
