"""The operations page: the streaming queries over time."""

from __future__ import annotations

import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import streamlit as st

from segue.dashboard import visit
from segue.dashboard.queries import live as queries
from segue.operations.stream_minutes import RECOMMEND, StreamMinutes
from segue.operations.stream_progress import MicroBatch, Started, StreamProgress
from segue.storage.mongo import Document

SPANS = {"5 minutes": 300, "1 hour": 3600, "1 day": 86400}
RECENT = 300
"""Up to so many seconds are drawn by the micro-batch, longer ones by the minute."""
PHASES = ("addBatch", "queryPlanning", "latestOffset", "walCommit", "commitOffsets")
_PLAIN = {"displayModeBar": False}


def show() -> None:
    """Rates, durations, freshness, rejected records, state and delay of the streaming queries."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title("Operations")
    span = right.segmented_control("Span", list(SPANS), default="5 minutes", key="span") or "5 minutes"
    _draw(SPANS[span])


@st.fragment(run_every=3.0)
def _draw(seconds: int) -> None:
    store = visit.services().store
    progress = StreamProgress(store)
    recent = progress.recent(seconds=min(seconds, RECENT))
    if not recent:
        st.info(
            "The stream has not run yet: start it with `./run.sh stream run`.", icon=":material/play_circle:"
        )
        return
    minutes = StreamMinutes(store).recent(seconds=max(seconds, 900))
    _summary([batch for batch in recent if batch["query"] == RECOMMEND], progress.started())
    rows = (
        [_batch(batch) for batch in recent] if seconds <= RECENT else [_minute(minute) for minute in minutes]
    )
    table = pd.DataFrame(rows).dropna(subset=["processed_rate"])
    main = table[table["query"] == RECOMMEND]
    charts = (
        _rates(table),
        _durations(main),
        _freshness(minutes),
        _rejected(minutes),
        _line(main, "state_rows", "Windows in state", "one for each listener and half hour"),
        _line(main, "backlog", "Backlog", "plays in Kafka that wait to be read"),
    )
    columns = st.columns(2)
    for place, figure in enumerate(charts):
        columns[place % 2].plotly_chart(figure, config=_PLAIN, key=f"chart-{place}")


def _summary(batches: list[MicroBatch], started: Started) -> None:
    columns = st.columns(7)
    fresh = pd.Series(queries.freshness(visit.services().store), dtype=float)
    if len(fresh):
        columns[5].metric("Freshness, median", f"{fresh.median():,.0f} ms")
        columns[6].metric("Freshness, p99", f"{fresh.quantile(0.99):,.0f} ms")
    if batches:
        last = batches[-1]
        durations = pd.Series([batch["duration_ms"].get("triggerExecution", 0) for batch in batches])
        columns[0].metric("Last micro-batch", queries.ago(last["at"].timestamp() * 1000))
        columns[1].metric("Trigger, median", f"{durations.median():.0f} ms")
        columns[2].metric("Trigger, p99", f"{durations.quantile(0.99):.0f} ms")
        columns[3].metric("Windows in state", f"{last['state_rows']:,}")
        columns[4].metric("Behind watermark", f"{sum(batch['late_rows'] for batch in batches):,}")
    left, right = st.columns([1, 4], vertical_alignment="center")
    if ui := started.get("ui"):
        left.link_button("Spark UI", ui, icon=":material/open_in_new:")
    if version := queries.index_version(visit.services().store):
        right.caption(f"Index {version} is published")


def _batch(batch: MicroBatch) -> Document:
    phases = {phase: batch["duration_ms"].get(phase, 0) for phase in PHASES}
    same = {
        "query": batch["query"],
        "at": batch["at"],
        "processed_rate": batch["processed_rate"],
        "state_rows": batch["state_rows"],
        "backlog": batch["backlog"],
    }
    return {**same, **phases}


def _minute(minute: Document) -> Document:
    """A minute as if it were one micro-batch: the mean of each phase, plays a second of work."""
    count, spent = minute.get("batches", 0), minute.get("phases_ms", {})
    busy = spent.get("triggerExecution", 0) / 1000
    phases = {phase: spent.get(phase, 0) / max(count, 1) for phase in PHASES}
    rate = minute.get("input_rows", 0) / busy if busy else None
    same = {name: minute.get(name) for name in ("query", "at", "state_rows", "backlog")}
    return {**same, "processed_rate": rate, **phases}


def _rates(table: pd.DataFrame) -> go.Figure:
    figure = px.line(table, x="at", y="processed_rate", color="query", log_y=True)
    figure.update_yaxes(dtick=1)  # powers of ten only
    return _dressed(figure, "Processed", "plays a second of work")


def _durations(main: pd.DataFrame) -> go.Figure:
    long = main.melt(id_vars="at", value_vars=list(PHASES), var_name="phase", value_name="ms")
    return _dressed(px.area(long, x="at", y="ms", color="phase"), "Micro-batch by phase", "milliseconds")


def _freshness(minutes: list[Document]) -> go.Figure:
    rows = [
        {"at": minute["at"], "of plays": name, "ms": minute["freshness_ms"][key]}
        for minute in minutes
        for key, name in (("p50", "median"), ("p99", "p99"))
        if "freshness_ms" in minute
    ]
    table = pd.DataFrame(rows, columns=["at", "of plays", "ms"])
    figure = px.line(table, x="at", y="ms", color="of plays", markers=len(rows) < 60)
    return _dressed(figure, "Freshness", "milliseconds from a play to the recommendations that reflect it")


def _rejected(minutes: list[Document]) -> go.Figure:
    rows = [
        {"at": minute["at"], "reason": reason, "records": count}
        for minute in minutes
        for reason, count in minute.get("rejected", {}).items()
    ]
    table = pd.DataFrame(rows, columns=["at", "reason", "records"])
    figure = px.bar(table, x="at", y="records", color="reason")
    if not rows:
        figure.add_annotation(text="none", showarrow=False, font={"size": 16})
        figure.update_layout(xaxis_visible=False, yaxis_visible=False)
    return _dressed(figure, "Rejected", "records a minute by reason; ./run.sh rejected list shows them")


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
