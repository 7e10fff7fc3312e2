"""Your listening: when, what, how much of it new, how the taste moved, and a card to keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components
from segue.dashboard.queries import listening, month
from segue.dashboard.queries.items import noted_items
from segue.dashboard.queries.listening import ListeningSpan
from segue.dashboard.queries.shared import month_key
from segue.dashboard.views import sharing
from segue.dashboard.views.charts import ACCENT, draw, dressed
from segue.embeddings.projection import PlanarProjection, fit_projection
from segue.engagement.listening import Listening
from segue.engagement.patterns import By, calendar, clock, streak, top
from segue.engagement.wandering import tastes
from segue.errors import SegueError
from segue.people.login_sessions import Listener

SPANS = {"7 days": 7, "30 days": 30, "90 days": 90, "A year": 365}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOST_POINTS = 3000
_GLOW = [[0, "rgba(13,148,136,.10)"], [0.02, "rgba(13,148,136,.28)"], [1, "rgba(13,148,136,1)"]]


def show() -> None:
    """The listener's own page."""
    listener = visit.listener()
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title("Your listening", anchor=False)
    if listener is None:
        st.info("Reload the page to begin.", icon=":material/refresh:")
        return
    first = Listening(visit.services().store).began(listener.user_id)
    if first is None:
        st.info("Play a few songs, and this page will show your habits.", icon=":material/insights:")
        return
    span = right.segmented_control("Time", list(SPANS), default="30 days", key="listening-span") or "30 days"
    now = datetime.now(UTC)
    activity = _read(listener, now - timedelta(days=SPANS[span]), now)
    _numbers(activity)
    if activity.plays:
        _when(activity, days=SPANS[span])
        _favourites(activity)
        _moved(activity, days=SPANS[span])
    _card(listener, first)


def zone() -> str:
    """The visitor's time zone, by the browser; UTC where it says none that is known here."""
    try:
        name = st.context.timezone or "UTC"
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "UTC"
    return name


def _read(listener: Listener, since: datetime, until: datetime) -> ListeningSpan:
    return listening.read(visit.services().store, listener.user_id, since=since, until=until, zone=zone())


def _numbers(activity: ListeningSpan) -> None:
    days = calendar(activity.rows)["day"]
    with st.container(horizontal=True, gap="large"):
        st.metric("Listened", _hours(activity.minutes), width="content")
        st.metric("Plays", f"{activity.plays:,}", width="content")
        st.metric("Sessions", f"{len(activity.sessions):,}", width="content")
        run = streak(days)
        in_a_row = f"{run} day{'' if run == 1 else 's'}"
        st.metric("Longest run", in_a_row, width="content", help="Days in a row with music.")
        new = f"{activity.new.share:.0%}"
        hint = (
            f"{activity.new.new_tracks} of {activity.new.tracks} tracks, {activity.new.new_artists} artists"
        )
        st.metric("New to you", new, width="content", help=f"{hint}, heard for the first time.")


def _hours(minutes: float) -> str:
    return f"{minutes / 60:,.1f} h" if minutes >= 60 else f"{minutes:.0f} min"


def _when(activity: ListeningSpan, *, days: int) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        draw(_calendar_figure(activity, days=days), key="calendar")
    with right:
        draw(_clock_figure(clock(activity.rows)), key="clock")


def _calendar_figure(activity: ListeningSpan, *, days: int) -> go.Figure:
    """A short span as a leaf of a calendar, Monday on the left; a long one with a column a week."""
    last = pd.Timestamp(activity.until).tz_convert(zone()).normalize().tz_localize(None)
    every = pd.date_range(last - pd.Timedelta(days=days - 1), last, freq="D")
    by_day = calendar(activity.rows).set_index("day")["minutes"]
    minutes = by_day.reindex(every.date, fill_value=0.0).to_numpy()
    monday = every[0] - pd.Timedelta(days=every[0].weekday())
    week = ((every - monday).days // 7).to_numpy()
    grid = np.full((7, week[-1] + 1), np.nan)
    names, numbers = np.full(grid.shape, "", dtype=object), np.full(grid.shape, "", dtype=object)
    grid[every.weekday, week] = minutes
    names[every.weekday, week] = [f"{day:%a} {day.day} {day:%b}" for day in every]
    numbers[every.weekday, week] = [str(day.day) for day in every]
    starts = [monday + pd.Timedelta(weeks=int(n)) for n in range(grid.shape[1])]
    weeks = [f"{start.day} {start:%b}" for start in starts] if days < 300 else starts
    leaf = days <= 31
    if leaf:
        grid, names, numbers = grid.T, names.T, numbers.T
    figure = go.Figure(
        go.Heatmap(
            z=grid,
            x=_WEEKDAYS if leaf else weeks,
            y=weeks if leaf else _WEEKDAYS,
            customdata=names,
            text=numbers,
            texttemplate="%{text}" if leaf else "",
            textfont={"color": "#ece9e4" if st.context.theme.type == "dark" else "#1c1b19"},
            colorscale=_GLOW,
            zmin=0,
            zmax=max(float(minutes.max()), 1.0),
            xgap=3,
            ygap=3,
            showscale=False,
            hovertemplate="%{customdata}: %{z:.0f} min<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False, side="top" if leaf else "bottom", nticks=8)
    dressed(figure, "Calendar", "minutes a day", height=310 if leaf else 290)
    return figure.update_layout(margin={"t": 104 if leaf else 64})


def _clock_figure(minutes: pd.Series) -> go.Figure:
    figure = go.Figure(
        go.Barpolar(
            r=minutes.to_numpy(),
            theta=minutes.index.to_numpy() * 15 + 7.5,
            width=13,
            marker={"color": ACCENT},
            customdata=[f"{hour:02d}:00" for hour in minutes.index],
            hovertemplate="%{customdata}: %{r:.0f} min<extra></extra>",
        )
    )
    figure.update_polars(
        angularaxis={
            "direction": "clockwise",
            "rotation": 90,
            "tickvals": list(range(0, 360, 45)),
            "ticktext": [f"{hour:02d}" for hour in range(0, 24, 3)],
            "showgrid": False,
        },
        radialaxis={"showticklabels": False, "ticks": "", "showline": False, "nticks": 4},
        bgcolor="rgba(0,0,0,0)",
        hole=0.25,
    )
    dressed(figure, "Clock", "minutes by the hour of the day", height=280)
    return figure.update_layout(margin={"l": 40, "r": 40, "t": 72, "b": 24})


def _favourites(activity: ListeningSpan) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        draw(_bars(activity, "artist", "Artists"), key="top-artists")
    with right:
        draw(_bars(activity, "genre", "Genres"), key="top-genres")
    best = top(activity.rows, "track_id", limit=10)
    noted = [
        (key, f"{plays} plays" if plays != 1 else "1 play")
        for key, plays in zip(best["key"], best["plays"], strict=True)
    ]
    items = noted_items(visit.services().store, noted, source="playlist")
    if items:
        st.subheader("Tracks", anchor=False)
        components.tracks(items, key="top-tracks", layout="list")


def _bars(activity: ListeningSpan, by: By, title: str) -> go.Figure:
    best = top(activity.rows, by, limit=8)[::-1]
    names = [name if len(name) <= 28 else f"{name[:27]}…" for name in best["key"]]
    figure = go.Figure(
        go.Bar(
            x=best["minutes"],
            y=list(range(len(best))),
            orientation="h",
            marker={"color": ACCENT, "cornerradius": 4},
            customdata=np.stack([best["key"], best["plays"]], axis=-1) if len(best) else None,
            hovertemplate="%{customdata[0]}: %{x:.0f} min, %{customdata[1]} plays<extra></extra>",
        )
    )
    figure.update_yaxes(tickvals=list(range(len(best))), ticktext=names, showgrid=False)
    return dressed(figure, title, "minutes", height=90 + 30 * max(len(best), 3))


@st.cache_resource(max_entries=2, show_spinner=False)
def _map(version: str) -> tuple[PlanarProjection, np.ndarray]:
    """The map of an index version, and where a sample of its tracks is."""
    bundle = visit.services().catalogue.bundle()
    rng = np.random.default_rng(0)
    count = len(bundle.vectors)
    rows = np.sort(rng.choice(count, min(count, _MOST_POINTS), replace=False))
    sample = np.asarray(bundle.vectors[rows])
    projection = fit_projection(sample)
    return projection, projection.coordinates(sample)


def _moved(activity: ListeningSpan, *, days: int) -> None:
    try:
        bundle = visit.services().catalogue.bundle()
    except SegueError:
        return  # no index, no map
    ids = sorted(set(activity.rows["track_id"]))
    vectors = listening.vectors_of(ids, rows=bundle.rows(ids), vectors=bundle.vectors)
    every, word = ("D", "day") if days <= 14 else ("W", "week") if days <= 120 else ("M", "month")
    path = tastes(activity.rows, vectors, every=every, signals=visit.services().settings.signals)
    if len(path) < 2:
        return
    projection, cloud = _map(bundle.version)
    places = projection.coordinates(np.stack(path["vector"].to_list()))
    draw(_path_figure(cloud, places, path, word), key="taste-map")


def _path_figure(cloud: np.ndarray, places: np.ndarray, path: pd.DataFrame, word: str) -> go.Figure:
    days = [f"{start.day} {start:%b %Y}" for start in path["start"]]
    figure = go.Figure(
        [
            go.Scattergl(
                x=cloud[:, 0],
                y=cloud[:, 1],
                mode="markers",
                marker={"size": 4, "color": "rgba(128,128,128,.28)"},
                hoverinfo="skip",
                showlegend=False,
            ),
            go.Scatter(
                x=places[:, 0],
                y=places[:, 1],
                mode="lines+markers",
                line={"color": ACCENT, "width": 2, "shape": "spline"},
                marker={
                    "size": 8 + 14 * np.sqrt(path["minutes"] / max(path["minutes"].max(), 1)),
                    "color": np.arange(len(path)),
                    "colorscale": [[0, "rgba(13,148,136,.35)"], [1, "rgba(13,148,136,1)"]],
                    "line": {"width": 0},
                },
                customdata=days,
                hovertemplate="%{customdata}<extra></extra>",
                showlegend=False,
            ),
        ]
    )
    up = 1 if places[-1, 1] >= places[0, 1] else -1
    for place, text, side in ((places[0], days[0], -up), (places[-1], f"<b>{days[-1]}</b>", up)):
        figure.add_annotation(x=place[0], y=place[1], text=text, showarrow=False, yshift=26 * side)
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(visible=False)
    subtitle = f"a point a {word}, larger the more you listened; grey: what the library has"
    return dressed(figure, "How your taste moved", subtitle, height=420)


def _card(listener: Listener, first: datetime) -> None:
    months = listening.months(first, datetime.now(UTC), zone=zone())
    st.subheader("Your month", anchor=False)
    named = {month.title(since, zone=zone()): (since, until) for since, until in months}
    chosen = st.selectbox("Month", list(named), key="month", label_visibility="collapsed", width=260)
    since, until = named[chosen]
    picture = month.card(visit.services().store, listener, since=since, until=until, zone=zone())
    if picture is None:
        st.info("Nothing was heard in that month.", icon=":material/calendar_month:")
        return
    left, right = st.columns([2, 3], gap="large")
    left.image(picture, width=420)
    with right:
        st.write("A picture of the month, to keep or to send.")
        name = f"segue-{since + timedelta(days=2):%Y-%m}.png"
        st.download_button("Save the picture", picture, file_name=name, mime="image/png", key="save-month")
        sharing.offer(listener, "month", month_key(since, zone()), title=chosen)
