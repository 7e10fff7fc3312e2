"""The page Your listening: figures, favourites, the path of the taste, and the card of a month."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

import numpy as np
import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import number, percent
from segue.dashboard.language.words import gettext, ngettext, translated
from segue.dashboard.pictures.month import draw as draw_month
from segue.dashboard.player import components
from segue.dashboard.queries import beliefs, listening, month
from segue.dashboard.queries.items import noted_items
from segue.dashboard.queries.listening import ListeningSpan
from segue.dashboard.queries.shared import month_key
from segue.dashboard.text import reload_page
from segue.dashboard.views import more, sharing
from segue.dashboard.views.charts import draw, figures
from segue.dashboard.views.listening_figures import (
    calendar_figure,
    clock_figure,
    favourites_figure,
    path_figure,
    taste_figure,
)
from segue.embeddings.projection import PlanarProjection, fit_projection
from segue.engagement.patterns import calendar, clock, streak, top
from segue.engagement.wandering import tastes
from segue.errors import SegueError
from segue.people.login_sessions import Listener
from segue.phrases import marked

SPANS = {
    marked("7 days"): 7,
    marked("30 days"): 30,
    marked("90 days"): 90,
    marked("A year"): 365,
    marked("All time"): 36_500,
}
_TRACKS = 10
_MOST_POINTS = 2000


def show() -> None:
    """Figures and charts of the listener's plays."""
    listener = visit.listener()
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title(gettext("Your listening"), anchor=False)
    if listener is None:
        st.info(reload_page(), icon=":material/refresh:")
        return
    services = visit.services()
    first = listening.began(services.store, listener.user_id, services.settings.engagement)
    if first is None:
        st.info(gettext("Play a few songs to see your listening habits here."), icon=":material/insights:")
        return
    chosen = right.segmented_control(
        gettext("Time"), list(SPANS), default="30 days", key="listening-span", format_func=translated
    )
    span = given.one_of(chosen, SPANS, default="30 days")
    now = datetime.now(UTC)
    activity = _read(listener, now - timedelta(days=SPANS[span]), now)
    _numbers(activity)
    if activity.plays:
        _when(activity, days=SPANS[span], first=first)
        _favourites(activity)
        _moved(activity, days=SPANS[span])
    _tastes(listener)
    _card(listener, first)


def _tastes(listener: Listener) -> None:
    """The present taste and the long-term one, side by side."""
    services = visit.services()
    own = beliefs.read(services.catalogue, services.settings, listener.user_id, zone=zone())
    if not any(own.of_kind.values()):
        return
    st.header(gettext("Your taste, now and in the long term"), anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        draw(taste_figure(own.of_kind["artist"], gettext("Artists")), key="taste-artists")
    with right:
        draw(taste_figure(own.of_kind["genre"], gettext("Genres")), key="taste-genres")
    st.caption(gettext("The page “You” shows Segue's beliefs about you, and lets you correct them."))


def zone() -> str:
    """The time zone that the browser names; UTC if it names none or an unknown one."""
    try:
        name = st.context.timezone or "UTC"
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "UTC"
    return name


def _read(listener: Listener, since: datetime, until: datetime) -> ListeningSpan:
    services = visit.services()
    return listening.read(
        services.store,
        listener.user_id,
        since=since,
        until=until,
        zone=zone(),
        engagement=services.settings.engagement,
    )


def _numbers(activity: ListeningSpan) -> None:
    days = calendar(activity.rows)["day"]
    with figures("listening"):
        st.metric(gettext("Listened"), _hours(activity.minutes), width="content")
        st.metric(gettext("Plays"), number(activity.plays), width="content")
        st.metric(gettext("Sessions"), number(len(activity.sessions)), width="content")
        longest = streak(days)
        in_a_row = ngettext("{count} day", "{count} days", longest)
        st.metric(
            gettext("Longest streak"),
            in_a_row,
            width="content",
            help=gettext("Consecutive days with a play."),
        )
        new = percent(activity.new.share)
        hint = gettext(
            "New to you: {new_tracks} of {tracks} tracks, and artists: {artists}.",
            new_tracks=activity.new.new_tracks,
            tracks=activity.new.tracks,
            artists=activity.new.new_artists,
        )
        st.metric(gettext("New to you"), new, width="content", help=hint)


def _hours(minutes: float) -> str:
    if minutes >= 60:
        return gettext("{hours} h", hours=number(minutes / 60, digits=1))
    return gettext("{minutes} min", minutes=round(minutes))


def _when(activity: ListeningSpan, *, days: int, first: datetime) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        draw(calendar_figure(activity, days=days, first=first, zone=zone()), key="calendar")
    with right:
        draw(clock_figure(clock(activity.rows)), key="clock")


def _favourites(activity: ListeningSpan) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        draw(favourites_figure(activity, "artist", gettext("Artists")), key="top-artists")
    with right:
        draw(favourites_figure(activity, "genre", gettext("Genres")), key="top-genres")
    every = top(activity.rows, "track_id", limit=len(activity.rows))
    best = every.head(more.asked_for("top-tracks", first=_TRACKS))
    noted = [
        (key, ngettext("{count} play", "{count} plays", plays))
        for key, plays in zip(best["key"], best["plays"], strict=True)
    ]
    items = noted_items(visit.services().store, noted, source="playlist")
    if items:
        st.header(gettext("Tracks"), anchor=False)
        components.tracks(items, key="top-tracks", layout="list")
        more.offer("top-tracks", shown=len(best), total=len(every), words=more.songs)


@st.cache_resource(max_entries=2, show_spinner=False)
def _map(version: str) -> tuple[PlanarProjection, np.ndarray]:
    """The projection of an index version, and (n, 2) coordinates of a sample of its tracks."""
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
    every, word = (
        ("D", gettext("one point per day, larger for more listening; grey: the library"))
        if days <= 14
        else ("W", gettext("one point per week, larger for more listening; grey: the library"))
        if days <= 120
        else ("M", gettext("one point per month, larger for more listening; grey: the library"))
    )
    path = tastes(activity.rows, vectors, every=every, signals=visit.services().settings.signals)
    if len(path) < 2:
        return
    projection, cloud = _map(bundle.version)
    places = projection.coordinates(np.stack(path["vector"].to_list()))
    draw(path_figure(cloud, places, path, word), key="taste-map")


def _card(listener: Listener, first: datetime) -> None:
    months = listening.months(first, datetime.now(UTC), zone=zone())
    st.header(gettext("Your month"), anchor=False)
    named = {month.title(since, zone=zone()): (since, until) for since, until in months}
    chosen = st.selectbox(gettext("Month"), list(named), key="month", label_visibility="collapsed", width=260)
    since, until = named[given.one_of(chosen, named, default=next(iter(named)))]
    services = visit.services()
    contents = month.contents(
        services.store,
        listener,
        since=since,
        until=until,
        zone=zone(),
        engagement=services.settings.engagement,
    )
    if contents is None:
        st.info(gettext("There are no plays in this month."), icon=":material/calendar_month:")
        return
    picture = draw_month(contents)
    left, right = st.columns([2, 3], gap="large")
    source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    # st.image has no alternative text.
    left.html(f'<img src="{source}" alt="{escape(contents.described, quote=True)}" style="max-width: 100%">')
    with right:
        st.write(gettext("A picture of your month, to save or to share."))
        name = f"segue-{since + timedelta(days=2):%Y-%m}.png"
        st.download_button(
            gettext("Save the picture"), picture, file_name=name, mime="image/png", key="save-month"
        )
        sharing.offer(listener, "month", month_key(since, zone()), title=chosen)
