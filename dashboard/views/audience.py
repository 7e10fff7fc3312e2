"""The audience, for operators: active listeners, skip rates, popularity, tracks without plays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import number, percent
from segue.dashboard.language.words import gettext, ngettext, translated
from segue.dashboard.queries import audience as reading
from segue.dashboard.views import more
from segue.dashboard.views.audience_figures import funnel_figure, listeners_figure, rates_figure
from segue.dashboard.views.charts import ACCENT, PALETTE, draw, dressed, figures, period_axis
from segue.dashboard.views.tables import as_files, in_words
from segue.engagement.audience import active, by_key, by_period, funnel, lorenz, return_rate, spread
from segue.engagement.listening_sessions import ListeningSessions
from segue.engagement.statistics import ListeningStatistics
from segue.phrases import marked

SPANS = {
    marked("1 hour"): 1 / 24,
    marked("1 day"): 1,
    marked("7 days"): 7,
    marked("30 days"): 30,
    marked("90 days"): 90,
}
STEPS = {"1 hour": "15min", "1 day": "1h", "7 days": "6h", "30 days": "1D", "90 days": "1D"}
FILTERS = {
    marked("Everything"): "all",
    marked("Genre"): "genre",
    marked("Artist"): "artist",
    marked("Source"): "source",
    marked("Variant"): "variant",
}
_KINDS = {
    "time": marked("By time"),
    "track": marked("By track"),
    "artist": marked("By artist"),
    "genre": marked("By genre"),
    "source": marked("By source"),
    "variant": marked("By variant"),
    "rank": marked("By rank"),
}
"""The tables by the dimension that they sum over."""
_SKIPPED, _UNHEARD, _GENRES = 15, 500, 10
"""How many tracks the lists show at first, and how many genres the chart shows."""
_ENOUGH = 5
"""The fewest plays for which a skip rate is shown."""


def show() -> None:
    """Figures of all listeners together; no listener is named."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title(gettext("Audience"), anchor=False)
    if not visit.operator():
        st.info(
            gettext("Only operators can see this page. The setting `dashboard.operators` names them."),
            icon=":material/lock:",
        )
        return
    chosen_span = right.segmented_control(
        gettext("Time"), list(SPANS), default="7 days", key="audience-span", format_func=translated
    )
    span = given.one_of(chosen_span, SPANS, default="7 days")
    until = datetime.now(UTC)
    since = until - timedelta(days=SPANS[span])
    dimension, chosen = _filter()
    store = visit.services().store
    over_time = reading.stats(
        store, dimension, since=since, until=until, keys=chosen, by_day=STEPS[span] == "1D"
    )
    if over_time.empty:
        st.info(gettext("There are no plays in this period."), icon=":material/query_stats:")
        return
    days = reading.active_days(store, since=since, until=until)
    periods = by_period(over_time, every=STEPS[span])
    _numbers(periods, days, since, until, whole=not chosen)
    time, kept, catalogue, tables = st.tabs(
        [gettext("Over time"), gettext("Skips"), gettext("Catalogue"), gettext("Tables")]
    )
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
    by = left.selectbox(gettext("Filter by"), list(FILTERS), key="audience-by", format_func=translated)
    dimension = FILTERS[given.one_of(by, FILTERS, default=next(iter(FILTERS)))]
    if dimension == "all":
        right.caption(gettext("Totals of all listeners. A play counts when it ends. Times are in UTC."))
        return dimension, []
    keys = ListeningStatistics(visit.services().store).keys(dimension)
    hint = gettext("Applies to the figures and the tab Over time; the other tabs show everything.")
    label = f"audience-{dimension}"
    chosen = right.multiselect(gettext("Show only"), keys, key=label, placeholder=gettext("All"), help=hint)
    return dimension, given.some_of(chosen, keys)


def _numbers(
    periods: pd.DataFrame, days: pd.DataFrame, since: datetime, until: datetime, *, whole: bool
) -> None:
    """Show the figures; with `whole` (no filter is set) those of listeners and sessions too."""
    plays, skips = int(periods["plays"].sum()), int(periods["skips"].sum())
    with figures("audience"):
        if whole:
            st.metric(gettext("Active listeners"), number(days["user_id"].nunique()), width="content")
            back = _came_back(since, until)
            hint = gettext(
                "Of the listeners who first came at least a week ago, in the last four weeks (or in the "
                "chosen period, if it is longer): the share who listened again within seven days."
            )
            share = "–" if pd.isna(back) else percent(back)
            st.metric(gettext("Came back"), share, width="content", help=hint)
        listened = gettext("{hours} h", hours=number(periods["hours"].sum()))
        st.metric(gettext("Listening"), listened, width="content")
        st.metric(gettext("Plays"), number(plays), width="content")
        st.metric(gettext("Skipped"), percent(skips / plays) if plays else "–", width="content")
        if whole:
            average = ListeningSessions(visit.services().store).averages(since=since, until=until)
            hint = ngettext(
                "{count} session, {plays} plays each.",
                "{count} sessions, {plays} plays each.",
                average.sessions,
                plays=number(average.plays, digits=1),
            )
            length = gettext("{minutes} min", minutes=round(average.minutes))
            st.metric(gettext("Session"), length, width="content", help=hint)


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
        draw(dressed(hours, gettext("Listening"), gettext("hours")), key="hours")
    left, right = st.columns(2, gap="large")
    with left:
        kinds = periods.assign(other=periods["plays"] - periods["completions"] - periods["skips"])
        names = {
            "completions": gettext("heard to the end"),
            "skips": gettext("skipped"),
            "other": gettext("stopped"),
        }
        long = kinds.rename(columns=names).melt(id_vars="start", value_vars=list(names.values()))
        figure = px.bar(long, x="start", y="value", color="variable", color_discrete_sequence=list(PALETTE))
        period_axis(figure, periods["start"], step=step)
        draw(dressed(figure, gettext("Plays"), gettext("by outcome")), key="plays")
    with right:
        rates = px.line(periods, x="start", y="skip_rate", markers=len(periods) < 60, render_mode="svg")
        rates.update_traces(line={"color": PALETTE[1]})
        rates.update_yaxes(tickformat=".0%", rangemode="tozero")
        period_axis(rates, periods["start"], step=step)
        draw(dressed(rates, gettext("Skip rate"), gettext("skips per play")), key="skip-rate")


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
                hovertemplate=gettext(
                    "rank {rank}: {share} of {plays} plays",
                    rank="%{x}",
                    share="%{y:.0%}",
                    plays="%{customdata}",
                )
                + "<extra></extra>",
            )
        )
        figure.update_yaxes(tickformat=".0%")
        draw(
            dressed(figure, gettext("Skip rate by rank"), gettext("rank in the recommendation")),
            key="by-rank",
        )
    left, right = st.columns(2, gap="large")
    with left:
        draw(
            rates_figure(
                of("source"), gettext("Skip rate by source"), gettext("page or list that the play came from")
            ),
            key="by-source",
        )
    with right:
        subtitle = gettext("variant of the recommendation; none: chosen by the listener")
        draw(rates_figure(of("variant"), gettext("Skip rate by variant"), subtitle), key="by-variant")
    tracks = of("track")
    enough = tracks[tracks["plays"] >= _ENOUGH].sort_values(["skip_rate", "plays"], ascending=False)
    often = enough.head(more.asked_for("skipped", first=_SKIPPED))
    st.header(gettext("Most skipped tracks"), anchor=False)
    st.caption(gettext("Among tracks with at least {plays} plays.", plays=_ENOUGH))
    in_words(reading.with_names(store, often)[["title", "artist", "plays", "skip_rate", "early_skip_rate"]])
    more.offer("skipped", shown=len(often), total=len(enough), words=more.songs)


def _catalogue(since: datetime, until: datetime) -> None:
    store = visit.services().store
    tracks = by_key(reading.totals(store, "track", since=since, until=until)).set_index("key")
    size = reading.catalogue_size(store)
    popularity = spread(tracks["plays"], tracks=size)
    with figures("catalogue"):
        st.metric(
            gettext("Tracks heard"),
            percent(popularity.coverage),
            width="content",
            help=gettext("{heard} of {tracks} tracks", heard=popularity.heard, tracks=popularity.tracks),
        )
        top = gettext("Plays of the top {share}", share=percent(0.01))
        st.metric(top, percent(popularity.top_share), width="content")
        hint = gettext("0: all tracks have the same number of plays. 1: one track has all plays.")
        gini = number(popularity.gini, digits=2)
        st.metric(gettext("Concentration (Gini)"), gini, width="content", help=hint)
    left, right = st.columns(2, gap="large")
    with left:
        curve = lorenz(tracks["plays"], tracks=size)
        figure = go.Figure(
            [
                go.Scatter(
                    x=curve["tracks"],
                    y=curve["plays"],
                    fill="tozeroy",
                    line={"color": ACCENT},
                    name=gettext("plays"),
                ),
                go.Scatter(
                    x=[0, 1], y=[0, 1], line={"dash": "dot", "color": "gray"}, name=gettext("equal plays")
                ),
            ]
        )
        figure.update_xaxes(tickformat=".0%", range=[0, 1])
        figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
        draw(
            dressed(
                figure, gettext("Popularity"), gettext("share of plays by share of tracks, most played first")
            ),
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
        cut = (
            gettext("hours, the {shown} most heard of {total}", shown=_GENRES, total=named)
            if named > _GENRES
            else gettext("hours")
        )
        draw(dressed(figure, gettext("Genres"), cut), key="genres")
    st.header(gettext("Tracks without plays"), anchor=False)
    heard = set(tracks.index[tracks["plays"] > 0])
    shown = more.asked_for("unheard", first=_UNHEARD)
    unheard = reading.never_heard(store, heard, limit=shown + 1)
    st.caption(gettext("Tracks of the library without a play in this period, oldest first."))
    in_words(unheard.head(shown), height=260)
    if len(unheard) > shown:
        more.offer("unheard", shown=shown, total=None, words=more.songs)


def _tables(since: datetime, until: datetime, periods: pd.DataFrame) -> None:
    """The figures as tables, for download."""
    store = visit.services().store
    chosen = st.selectbox(
        gettext("Table"), list(_KINDS), key="audience-table", format_func=lambda key: translated(_KINDS[key])
    )
    kind = given.one_of(chosen, _KINDS, default=next(iter(_KINDS)))
    if kind == "time":
        table = periods
    else:
        table = by_key(reading.totals(store, kind, since=since, until=until))
        table = table.sort_values("plays", ascending=False)
        if kind == "track":
            table = reading.with_names(store, table)
    in_words(table)
    as_files(table, name=f"segue-{kind}-{since:%Y%m%d}-{until:%Y%m%d}")
