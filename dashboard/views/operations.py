"""The page Operations: the streaming queries over time."""

from __future__ import annotations

import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import ago, number
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.queries import live as queries
from segue.dashboard.text import plain, with_commands
from segue.dashboard.views.charts import PALETTE, date_axis, draw, dressed, figures, period_axis
from segue.operations.library_status import LibraryStatus
from segue.operations.stream_minutes import RECOMMEND, StreamMinute, StreamMinutes
from segue.operations.stream_progress import MOST, MicroBatch, Started, StreamProgress
from segue.phrases import marked
from segue.ranking.order_versions import OrderInUse
from segue.storage.mongo import Document

SPANS = {marked("5 minutes"): 300, marked("1 hour"): 3600, marked("1 day"): 86400}
RECENT = 300
"""Seconds; charts show micro-batches up to this span, and minutes for a longer one."""
PHASES = ("addBatch", "queryPlanning", "latestOffset", "walCommit", "commitOffsets")
STEPS = {
    "reading": marked("Reading files"),
    "describing": marked("Analysing sound"),
    "placing": marked("Placing tracks in the spaces"),
    "indexing": marked("Writing the index"),
    "fingerprinting": marked("Computing fingerprints"),
    "measuring": marked("Measuring loudness"),
    "training": marked("Training the models"),
}
"""The steps of a pass in progress."""
COUNTED = ("describing", "fingerprinting", "measuring")
"""The steps that count tracks."""
_MINUTE, _MICRO_BATCH = pd.Timedelta(minutes=1), pd.Timedelta(seconds=10)


def show() -> None:
    """Rates, durations, freshness, rejected records, state and delay of the streaming queries."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title(gettext("Operations"))
    chosen = right.segmented_control(
        gettext("Span"), list(SPANS), default="5 minutes", key="span", format_func=translated
    )
    span = given.one_of(chosen, SPANS, default="5 minutes")
    _library()
    _draw(SPANS[span])


@st.fragment(run_every=3.0)
@visit.of_operators
def _library() -> None:
    """The pass over the library, and how its folders are watched."""
    status = LibraryStatus(visit.services().store)
    now, watched = status.last_pass(), status.watched()
    if not now:
        return
    step, total = now.get("step", ""), now.get("total", 0)
    st.header(gettext("Library"))
    if step in STEPS:
        words, share = translated(STEPS[step]), 0.0
        if total and step in COUNTED:
            done = now.get("done", 0)
            share = done / total
            words = gettext("{step}: {done} of {total} tracks", step=words, done=done, total=total)
        st.progress(share, text=words)
    if fault := now.get("fault"):
        st.error(plain(fault), icon=":material/error:")
    if summary := now.get("summary"):
        at = now.get("summary_at")
        st.caption(
            gettext(
                "Last complete pass at {time}: {summary}",
                time=f"{at:%Y-%m-%d %H:%M:%S} UTC",
                summary=plain(summary),
            )
            if at
            else gettext("Last complete pass: {summary}", summary=plain(summary))
        )
    for folder in watched.get("folders", []):
        how = (
            gettext("compared at intervals: {reason}", reason=folder["reason"])
            if folder["reason"]
            else gettext("watched")
        )
        st.caption(f"{plain(folder['library'])}: {plain(folder['folder'])} · {how}")


@st.fragment(run_every=3.0)
@visit.of_operators
def _draw(seconds: int) -> None:
    store = visit.services().store
    progress = StreamProgress(store)
    recent = progress.recent(seconds=min(seconds, RECENT))
    if not recent:
        st.info(
            with_commands(gettext("The stream has not run yet: start it with `./run.sh stream run`.")),
            icon=":material/play_circle:",
        )
        return
    if len(recent) >= MOST:
        st.caption(
            gettext(
                "There were more than {most} micro-batches in this time: the charts begin with those of "
                "{time}. “1 hour” shows all of them by the minute.",
                most=MOST,
                time=f"{recent[0]['at']:%H:%M:%S} UTC",
            )
        )
    minutes = StreamMinutes(store).recent(seconds=max(seconds, 900))
    _summary([batch for batch in recent if batch["query"] == RECOMMEND], progress.started())
    rows = (
        [_batch(batch) for batch in recent] if seconds <= RECENT else [_minute(minute) for minute in minutes]
    )
    table = pd.DataFrame(rows).dropna(subset=["processed_rate"])
    main = table[table["query"] == RECOMMEND]
    step = _MICRO_BATCH if seconds <= RECENT else _MINUTE
    charts = (
        _rates(table, step),
        _durations(main, step),
        _freshness(minutes),
        _rejected(minutes),
        _line(
            main, "state_rows", gettext("Windows in state"), gettext("one per listener and half hour"), step
        ),
        _line(main, "backlog", gettext("Backlog"), gettext("plays in Kafka that are not read yet"), step),
    )
    columns = st.columns(2)
    for place, figure in enumerate(charts):
        with columns[place % 2]:
            draw(figure, key=f"chart-{place}")


def _summary(batches: list[MicroBatch], started: Started) -> None:
    with figures("operations"):
        if batches:
            last = batches[-1]
            durations = pd.Series([batch["duration_ms"].get("triggerExecution", 0) for batch in batches])
            _metric(gettext("Last micro-batch"), ago(last["at"].timestamp() * 1000))
            _metric(gettext("Trigger, median"), milliseconds(durations.median()))
            _metric(gettext("Trigger, p99"), milliseconds(durations.quantile(0.99)))
            _metric(gettext("Windows in state"), number(last["state_rows"]))
            _metric(gettext("Behind watermark"), number(sum(batch["late_rows"] for batch in batches)))
        fresh = pd.Series(queries.freshness(visit.services().store), dtype=float)
        if len(fresh):
            _metric(gettext("Freshness, median"), milliseconds(fresh.median()))
            _metric(gettext("Freshness, p99"), milliseconds(fresh.quantile(0.99)))
    left, right = st.columns([1, 4], vertical_alignment="center")
    if ui := started.get("ui"):
        left.link_button("Spark UI", ui, icon=":material/open_in_new:")
    if version := queries.index_version(visit.services().store):
        right.caption(gettext("Index {version} is published", version=version))
    services = visit.services()
    st.caption(order_words(services.settings.ranking.model, queries.order_in_use(services.store)))


def order_words(model: str, order: OrderInUse) -> str:
    """The order of the recommendations, how it was chosen, and when.

    Parameters
    ----------
    model
        `ranking.model`.
    """
    if model == "sum":
        return gettext("Recommendations are ordered by the sum of their scores")
    if order.at is None:
        return gettext("Recommendations are in the order that comes with Segue, since responses are too few")
    count, when = number(order.choices), ago(order.at.timestamp() * 1000)
    if order.learned:
        return gettext(
            "Recommendations are in the order {version}, learned from {count} responses {when}",
            version=order.version,
            count=count,
            when=when,
        )
    return gettext(
        "Recommendations are in the order that comes with Segue: {count} responses taught no better, {when}",
        count=count,
        when=when,
    )


def _metric(label: str, value: str) -> None:
    st.metric(label, value, width="content")


def milliseconds(value: float) -> str:
    """A duration as "2,804 ms", or as "10.3 s" from 10,000 ms on."""
    return f"{number(value)} ms" if value < 9_999.5 else f"{number(value / 1000, digits=1)} s"


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


def _minute(minute: StreamMinute) -> Document:
    """A minute in the form of a micro-batch: the mean duration of each phase, plays per second of work."""
    count, spent = minute.get("batches", 0), minute.get("phases_ms", {})
    busy = spent.get("triggerExecution", 0) / 1000
    phases = {phase: spent.get(phase, 0) / max(count, 1) for phase in PHASES}
    rate = minute.get("input_rows", 0) / busy if busy else None
    same = {name: minute.get(name) for name in ("query", "at", "state_rows", "backlog")}
    return {**same, "processed_rate": rate, **phases}


def _rates(table: pd.DataFrame, step: pd.Timedelta) -> go.Figure:
    figure = px.line(
        table,
        x="at",
        y="processed_rate",
        color="query",
        log_y=True,
        color_discrete_sequence=list(PALETTE),
        render_mode="svg",
    )
    figure.update_yaxes(dtick=1)  # powers of ten only
    date_axis(figure, table["at"], step=step)
    return dressed(figure, gettext("Processed"), gettext("plays per second of work"))


def _durations(main: pd.DataFrame, step: pd.Timedelta) -> go.Figure:
    long = main.melt(id_vars="at", value_vars=list(PHASES), var_name="phase", value_name="ms")
    figure = px.area(long, x="at", y="ms", color="phase", color_discrete_sequence=list(PALETTE))
    date_axis(figure, main["at"], step=step)
    return dressed(figure, gettext("Micro-batch by phase"), gettext("milliseconds"), height=320)


def _freshness(minutes: list[StreamMinute]) -> go.Figure:
    rows = [
        {"at": minute["at"], "quantile": name, "ms": minute["freshness_ms"][key]}
        for minute in minutes
        for key, name in (("p50", gettext("median")), ("p99", "p99"))
        if key in minute.get("freshness_ms", {})
    ]
    table = pd.DataFrame(rows, columns=["at", "quantile", "ms"])
    figure = px.line(
        table,
        x="at",
        y="ms",
        color="quantile",
        markers=len(rows) < 60,
        color_discrete_sequence=list(PALETTE),
        render_mode="svg",
    )
    date_axis(figure, table["at"], step=_MINUTE)
    return dressed(
        figure,
        gettext("Freshness"),
        gettext("milliseconds from a play to the recommendations that reflect it"),
    )


def _rejected(minutes: list[StreamMinute]) -> go.Figure:
    rows = [
        {"at": minute["at"], "reason": reason, "records": count}
        for minute in minutes
        for reason, count in minute.get("rejected", {}).items()
    ]
    table = pd.DataFrame(rows, columns=["at", "reason", "records"])
    figure = px.bar(table, x="at", y="records", color="reason", color_discrete_sequence=list(PALETTE))
    period_axis(figure, table["at"], step=_MINUTE)
    if not rows:
        figure.add_annotation(text=gettext("none"), showarrow=False, font={"size": 16})
        figure.update_layout(xaxis_visible=False, yaxis_visible=False)
    return dressed(
        figure,
        gettext("Rejected"),
        with_commands(gettext("records per minute by reason; ./run.sh rejected list shows them")),
    )


def _line(main: pd.DataFrame, column: str, title: str, subtitle: str, step: pd.Timedelta) -> go.Figure:
    figure = px.line(main, x="at", y=column, color_discrete_sequence=list(PALETTE), render_mode="svg")
    date_axis(figure, main["at"], step=step)
    return dressed(figure, title, subtitle)
