"""The audience, for operators: active listeners, skip rates, popularity, tracks without plays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import streamlit as st

from segue.counted import counted
from segue.dashboard import visit
from segue.dashboard.queries import audience as reading
from segue.dashboard.views import more
from segue.dashboard.views.audience_figures import funnel_figure, listeners_figure, rates_figure
from segue.dashboard.views.charts import ACCENT, PALETTE, draw, dressed, figures, period_axis
from segue.dashboard.views.tables import as_files, in_words
from segue.engagement.audience import active, by_key, by_period, funnel, lorenz, return_rate, spread
from segue.engagement.listening_sessions import ListeningSessions
from segue.engagement.statistics import ListeningStatistics

SPANS = {"1 hour": 1 / 24, "1 day": 1, "7 days": 7, "30 days": 30, "90 days": 90}
STEPS = {"1 hour": "15min", "1 day": "1h", "7 days": "6h", "30 days": "1D", "90 days": "1D"}
FILTERS = {
    "Everything": "all",
    "Genre": "genre",
    "Artist": "artist",
    "Source": "source",
    "Variant": "variant",
}
_SKIPPED_COLUMNS = ["title", "artist", "plays", "skip_rate", "early_skip_rate"]
_SKIPPED, _UNHEARD, _GENRES = 15, 500, 10
"""How many tracks the lists show at first, and how many genres the chart shows."""
_ENOUGH = 5
"""The fewest plays for which a skip rate is shown."""


def show() -> None:
    """Figures of all listeners together; no listener is named."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title("Audience", anchor=False)
    if not visit.operator():
        st.info(
            "Only operators can see this page. The setting `dashboard.operators` names them.",
            icon=":material/lock:",
        )
        return
    span = right.segmented_control("Time", list(SPANS), default="7 days", key="audience-span") or "7 days"
    until = datetime.now(UTC)
    since = until - timedelta(days=SPANS[span])
    dimension, chosen = _filter()
    store = visit.services().store
    over_time = reading.stats(
        store, dimension, since=since, until=until, keys=chosen, by_day=STEPS[span] == "1D"
    )
    if over_time.empty:
        st.info("There are no plays in this period.", icon=":material/query_stats:")
        return
    days = reading.active_days(store, since=since, until=until)
    periods = by_period(over_time, every=STEPS[span])
    _numbers(periods, days, since, until, whole=not chosen)
    time, kept, catalogue, tables = st.tabs(["Over time", "Skips", "Catalogue", "Tables"])
    with time:
        _over_time(periods, days, step=pd.Timedelta(STEPS[span]), whole=not chosen)
    with kept:
        _kept(since, until)
    with catalogue:
        _catalogue(since, until)
    with tables:
        _tables(since, until, periods)


def _filter() -> tuple[str, list[str]]:
    """The dimension, and the keys to show; an empty list shows all."""
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    dimension = FILTERS[left.selectbox("Filter by", list(FILTERS), key="audience-by")]
    if dimension == "all":
        right.caption("Totals of all listeners. A play counts when it ends. Times are in UTC.")
        return dimension, []
    keys = ListeningStatistics(visit.services().store).keys(dimension)
    hint = "Applies to the figures and the tab Over time; the other tabs show everything."
    label = f"audience-{dimension}"
    return dimension, right.multiselect("Show only", keys, key=label, placeholder="All", help=hint)


def _numbers(
    periods: pd.DataFrame, days: pd.DataFrame, since: datetime, until: datetime, *, whole: bool
) -> None:
    """Show the figures; with `whole` (no filter is set) those of listeners and sessions too."""
    plays, skips = int(periods["plays"].sum()), int(periods["skips"].sum())
    with figures("audience"):
        if whole:
            st.metric("Active listeners", f"{days['user_id'].nunique():,}", width="content")
            back = _came_back(since, until)
            hint = (
                "Share of the listeners first seen at least a week ago, in the last four weeks or the chosen "
                "period if longer, who listened again within seven days."
            )
            st.metric("Came back", "–" if pd.isna(back) else f"{back:.0%}", width="content", help=hint)
        st.metric("Listening", f"{periods['hours'].sum():,.0f} h", width="content")
        st.metric("Plays", f"{plays:,}", width="content")
        st.metric("Skipped", f"{skips / plays:.0%}" if plays else "–", width="content")
        if whole:
            average = ListeningSessions(visit.services().store).averages(since=since, until=until)
            hint = f"{counted(average.sessions, 'session')}, {average.plays:.1f} plays each."
            st.metric("Session", f"{average.minutes:.0f} min", width="content", help=hint)


def _came_back(since: datetime, until: datetime) -> float:
    """The return rate over `since` to `until`, or over four weeks if that is shorter."""
    first = min(since, until - timedelta(days=28))
    return return_rate(reading.active_days(visit.services().store, since=first, until=until))


def _over_time(periods: pd.DataFrame, days: pd.DataFrame, *, step: pd.Timedelta, whole: bool) -> None:
    left, right = st.columns(2, gap="large")
    if whole:
        with left:
            draw(listeners_figure(active(days)), key="active")
    with right if whole else left:
        hours = go.Figure(
            go.Bar(
                x=periods["start"], y=periods["hours"], marker={"color": ACCENT}, hovertemplate="%{y:.1f} h"
            )
        )
        period_axis(hours, periods["start"], step=step)
        draw(dressed(hours, "Listening", "hours"), key="hours")
    left, right = st.columns(2, gap="large")
    with left:
        kinds = periods.assign(other=periods["plays"] - periods["completions"] - periods["skips"])
        names = {"completions": "heard to the end", "skips": "skipped", "other": "stopped"}
        long = kinds.rename(columns=names).melt(id_vars="start", value_vars=list(names.values()))
        figure = px.bar(long, x="start", y="value", color="variable", color_discrete_sequence=list(PALETTE))
        period_axis(figure, periods["start"], step=step)
        draw(dressed(figure, "Plays", "by outcome"), key="plays")
    with right:
        rates = px.line(periods, x="start", y="skip_rate", markers=len(periods) < 60)
        rates.update_traces(line={"color": PALETTE[1]})
        rates.update_yaxes(tickformat=".0%", rangemode="tozero")
        period_axis(rates, periods["start"], step=step)
        draw(dressed(rates, "Skip rate", "skips per play"), key="skip-rate")


def _kept(since: datetime, until: datetime) -> None:
    store = visit.services().store

    def of(name: str) -> pd.DataFrame:
        return by_key(reading.totals(store, name, since=since, until=until))

    left, right = st.columns(2, gap="large")
    with left:
        recommended = reading.totals(store, "variant", since=since, until=until)
        steps = funnel(recommended[recommended["key"] != ""])
        draw(funnel_figure(steps), key="funnel")
    with right:
        ranks = of("rank")
        ranks = ranks[ranks["key"] != ""].assign(rank=lambda table: table["key"].astype(int))
        ranks = ranks[(ranks["rank"] <= 40) & (ranks["plays"] >= _ENOUGH)].sort_values("rank")
        figure = go.Figure(
            go.Bar(
                x=ranks["rank"],
                y=ranks["skip_rate"],
                customdata=ranks["plays"],
                marker={"color": ACCENT},
                hovertemplate="rank %{x}: %{y:.0%} of %{customdata} plays<extra></extra>",
            )
        )
        figure.update_yaxes(tickformat=".0%")
        draw(dressed(figure, "Skip rate by rank", "rank in the recommendation"), key="by-rank")
    left, right = st.columns(2, gap="large")
    with left:
        draw(
            rates_figure(of("source"), "Skip rate by source", "page or list that the play came from"),
            key="by-source",
        )
    with right:
        subtitle = "variant of the recommendation; none: chosen by the listener"
        draw(rates_figure(of("variant"), "Skip rate by variant", subtitle), key="by-variant")
    tracks = of("track")
    enough = tracks[tracks["plays"] >= _ENOUGH].sort_values(["skip_rate", "plays"], ascending=False)
    often = enough.head(more.asked_for("skipped", first=_SKIPPED))
    st.header("Most skipped tracks", anchor=False)
    st.caption(f"Among tracks with at least {_ENOUGH} plays.")
    in_words(reading.with_names(store, often)[["title", "artist", "plays", "skip_rate", "early_skip_rate"]])
    more.offer("skipped", shown=len(often), total=len(enough), of="tracks")


def _catalogue(since: datetime, until: datetime) -> None:
    store = visit.services().store
    tracks = by_key(reading.totals(store, "track", since=since, until=until)).set_index("key")
    size = reading.catalogue_size(store)
    popularity = spread(tracks["plays"], tracks=size)
    with figures("catalogue"):
        st.metric(
            "Tracks heard",
            f"{popularity.coverage:.0%}",
            width="content",
            help=f"{popularity.heard:,} of {counted(popularity.tracks, 'track')}",
        )
        st.metric("Plays of the top 1%", f"{popularity.top_share:.0%}", width="content")
        hint = "0: all tracks have equally many plays. 1: one track has all plays."
        st.metric("Concentration (Gini)", f"{popularity.gini:.2f}", width="content", help=hint)
    left, right = st.columns(2, gap="large")
    with left:
        curve = lorenz(tracks["plays"], tracks=size)
        figure = go.Figure(
            [
                go.Scatter(
                    x=curve["tracks"], y=curve["plays"], fill="tozeroy", line={"color": ACCENT}, name="plays"
                ),
                go.Scatter(x=[0, 1], y=[0, 1], line={"dash": "dot", "color": "gray"}, name="equal plays"),
            ]
        )
        figure.update_xaxes(tickformat=".0%", range=[0, 1])
        figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
        draw(
            dressed(figure, "Popularity", "share of plays by share of tracks, most played first"),
            key="lorenz",
        )
    with right:
        genres = by_key(reading.totals(store, "genre", since=since, until=until))
        genres = genres[genres["key"] != ""].sort_values("hours")
        named, genres = len(genres), genres.tail(_GENRES)
        figure = go.Figure(
            go.Bar(x=genres["hours"], y=genres["key"], orientation="h", marker={"color": ACCENT})
        )
        figure.update_yaxes(showgrid=False)
        cut = f"hours, the {_GENRES} most heard of {named}" if named > _GENRES else "hours"
        draw(dressed(figure, "Genres", cut), key="genres")
    st.header("Tracks without plays", anchor=False)
    heard = set(tracks.index[tracks["plays"] > 0])
    number = more.asked_for("unheard", first=_UNHEARD)
    unheard = reading.never_heard(store, heard, limit=number + 1)
    st.caption("Tracks of the library without a play in this period, oldest first.")
    st.dataframe(unheard.head(number), hide_index=True, height=260)
    if len(unheard) > number:
        more.offer("unheard", shown=number, total=None, of="tracks")


def _tables(since: datetime, until: datetime, periods: pd.DataFrame) -> None:
    """The figures as tables, for download."""
    store = visit.services().store
    kinds = {"By time": "time", "By track": "track", "By artist": "artist", "By genre": "genre"}
    kinds |= {"By source": "source", "By variant": "variant", "By rank": "rank"}
    kind = kinds[st.selectbox("Table", list(kinds), key="audience-table")]
    if kind == "time":
        table = periods
    else:
        table = by_key(reading.totals(store, kind, since=since, until=until))
        table = table.sort_values("plays", ascending=False)
        if kind == "track":
            table = reading.with_names(store, table)
    in_words(table)
    as_files(table, name=f"segue-{kind}-{since:%Y%m%d}-{until:%Y%m%d}")
