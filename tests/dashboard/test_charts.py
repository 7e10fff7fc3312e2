"""Charts with few points, and the format of durations."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.utils import PlotlyJSONEncoder

from segue.dashboard.queries.beliefs import Belief
from segue.dashboard.queries.listening import ListeningSpan
from segue.dashboard.views.audience_figures import rates_figure
from segue.dashboard.views.charts import date_axis, escaped, period_axis
from segue.dashboard.views.listening_figures import (
    calendar_figure,
    favourites_figure,
    path_figure,
    taste_figure,
)
from segue.dashboard.views.operations import milliseconds
from segue.engagement.patterns import Newness
from segue.places import ROOT

DAY = pd.Timedelta(days=1)
NOON = pd.Timestamp("2026-11-26 12:00", tz="UTC")


def test_a_single_bar_is_one_day_wide_on_an_axis_of_eight() -> None:
    days = pd.Series([NOON])
    figure = period_axis(go.Figure(go.Bar(x=days, y=[3])), days, step=DAY)
    assert figure.data[0].width == 0.85 * 86_400_000
    first, last = figure.layout.xaxis.range
    assert pd.Timestamp(last) - pd.Timestamp(first) == 8 * DAY
    assert pd.Timestamp(first) < NOON < pd.Timestamp(last)


def test_many_points_have_an_axis_of_their_range() -> None:
    days = pd.Series([NOON - 30 * DAY, NOON])
    first, last = date_axis(go.Figure(), days, step=DAY).layout.xaxis.range
    assert pd.Timestamp(last) - pd.Timestamp(first) == 31 * DAY


def test_a_chart_without_points_keeps_its_axis() -> None:
    assert date_axis(go.Figure(), pd.Series(dtype=object), step=DAY).layout.xaxis.range is None


@pytest.mark.parametrize(
    ("value", "text"), [(90, "90 ms"), (2804.4, "2,804 ms"), (9999.7, "10.0 s"), (22423, "22.4 s")]
)
def test_durations_are_in_seconds_from_ten_seconds_on(value: float, text: str) -> None:
    assert milliseconds(value) == text


@pytest.mark.parametrize(("began", "days", "shown"), [(3, 30, 4), (400, 30, 30), (0, 7, 1), (59, 90, 60)])
def test_the_calendar_begins_with_the_first_play(began: int, days: int, shown: int) -> None:
    until = datetime(2026, 11, 26, 12, tzinfo=UTC)
    rows = pd.DataFrame({"start": [pd.Timestamp(until)], "listening_ms": [60_000]})
    activity = ListeningSpan(until - timedelta(days=days), until, rows, [], Newness(0, 0, 0, 0))
    figure = calendar_figure(activity, days=days, first=until - timedelta(days=began), zone="UTC")
    assert int(pd.DataFrame(figure.data[0].z).notna().sum().sum()) == shown


LINK = '<a href="https://evil.example">Free tickets</a><br><b>&lt;'
PLAIN = '&lt;a href="https://evil.example"&gt;Free tickets&lt;/a&gt;&lt;br&gt;&lt;b&gt;&amp;lt;'


def test_names_in_a_chart_are_no_html() -> None:
    """Plotly makes links of the HTML in the texts of axes, bars and hover labels."""
    rows = pd.DataFrame(
        {"start": [NOON], "artist": [LINK], "genre": [LINK], "listening_ms": [60_000], "plays": [1]}
    )
    activity = ListeningSpan(NOON.to_pydatetime(), NOON.to_pydatetime(), rows, [], Newness(0, 0, 0, 0))
    belief = Belief(kind="artist", key="a", name=LINK[:20], now=0.5, long_term=0.5, strength=None)
    rates = pd.DataFrame({"key": [LINK], "plays": [9], "skip_rate": [0.5]})
    figures = [
        favourites_figure(activity, "artist", "Artists"),
        taste_figure([belief], "Artists"),
        rates_figure(rates, "Skip rate", "by source"),
        go.Figure(go.Bar(x=[1.0], y=[LINK], text=[LINK], name=LINK, orientation="h")),
        go.Figure(go.Bar(x=pd.Series([LINK]), y=[1.0], customdata=[[LINK, 3]])),
    ]
    for figure in figures:
        shown = json.dumps(escaped(figure).to_plotly_json(), cls=PlotlyJSONEncoder)
        assert "<a" not in shown, shown
        assert "<br>" not in shown, shown
    bar = figures[3].data[0]
    assert [*bar.y, *bar.text, bar.name] == [PLAIN] * 3
    assert figures[4].data[0].customdata[0][1] == 3


def test_titles_numbers_and_times_of_a_chart_stay() -> None:
    days = pd.Series([NOON, NOON + DAY])
    figure = go.Figure(go.Bar(x=days, y=[1, 2], hovertemplate="%{y}<extra></extra>"), {"title": "<b>A</b>"})
    before = figure.to_json()
    assert escaped(figure).to_json() == before


def test_no_figure_needs_webgl() -> None:
    """Plotly Express takes it for more than a thousand points, unless it is told otherwise."""
    calls = [
        (file.name, call.func.attr, call)
        for file in (ROOT / "dashboard" / "views").glob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    ]
    lines = [(file, call) for file, name, call in calls if name in ("line", "scatter", "line_polar")]
    assert len(lines) >= 4
    for file, call in lines:
        modes = [ast.unparse(word.value) for word in call.keywords if word.arg == "render_mode"]
        assert modes == ["'svg'"], f"{file}:{call.lineno}"
    assert not [file for file, name, _ in calls if name.lower().endswith("gl")]


def test_the_library_on_the_map_is_one_element_within_the_axes() -> None:
    rng = np.random.default_rng(0)
    cloud, places = rng.normal(size=(2000, 2)), rng.normal(scale=3, size=(3, 2))
    path = pd.DataFrame({"start": pd.date_range("2026-11-01", periods=3, freq="W"), "minutes": [10, 0, 30]})
    figure = path_figure(cloud, places, path, "one point per week")
    assert [len(trace.x) for trace in figure.data] == [3]
    [shape] = figure.layout.shapes
    corners = [one.split("H")[0].split(",") for one in shape.path.removeprefix("M").split("M")]
    drawn = np.array(corners, dtype=float)
    assert len(drawn) == 2000
    assert np.abs(drawn - cloud).max() < 0.2
    for axis, number in ((figure.layout.xaxis, 0), (figure.layout.yaxis, 1)):
        least, greatest = axis.range
        for points in (drawn, places):
            assert least < points[:, number].min()
            assert points[:, number].max() < greatest


def test_a_library_of_one_place_has_axes() -> None:
    one = np.zeros((2, 2))
    path = pd.DataFrame({"start": pd.date_range("2026-11-01", periods=2, freq="W"), "minutes": [0, 0]})
    figure = path_figure(one, one, path, "one point per week")
    assert figure.layout.xaxis.range[0] < 0 < figure.layout.xaxis.range[1]
