"""The charts of the page Your listening."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from segue.dashboard.language.formats import day, weekday
from segue.dashboard.language.words import gettext
from segue.dashboard.queries.beliefs import Belief
from segue.dashboard.queries.listening import ListeningSpan
from segue.dashboard.views.charts import ACCENT, dressed
from segue.engagement.patterns import By, calendar, top

_GREY, _HALF_A_DOT = "rgba(128,128,128,.28)", np.array([0.0022, 0.0048])
"""The tracks of the library on the map, and half of their width and height as shares of the map's."""
_GLOW = [[0, "rgba(13,148,136,.10)"], [0.02, "rgba(13,148,136,.28)"], [1, "rgba(13,148,136,1)"]]


def calendar_figure(activity: ListeningSpan, *, days: int, first: datetime, zone: str) -> go.Figure:
    """Minutes by day: up to 31 days as a page of a calendar, Monday on the left; more with a column per week.

    Days before the listener's `first` play are left out.
    """
    last, began = (
        pd.Timestamp(moment).tz_convert(zone).normalize().tz_localize(None)
        for moment in (activity.until, first)
    )
    days = max(1, min(days, (last - began).days + 1))
    every = pd.date_range(last - pd.Timedelta(days=days - 1), last, freq="D")
    by_day = calendar(activity.rows).set_index("day")["minutes"]
    minutes = by_day.reindex(every.date, fill_value=0.0).to_numpy()
    monday = every[0] - pd.Timedelta(days=every[0].weekday())
    week = ((every - monday).days // 7).to_numpy()
    grid = np.full((7, week[-1] + 1), np.nan)
    names, numbers = np.full(grid.shape, "", dtype=object), np.full(grid.shape, "", dtype=object)
    grid[every.weekday, week] = minutes
    names[every.weekday, week] = [day(one, skeleton="MMMEd") for one in every]
    numbers[every.weekday, week] = [str(one.day) for one in every]
    starts = [monday + pd.Timedelta(weeks=int(n)) for n in range(grid.shape[1])]
    weeks = [day(start, skeleton="MMMd") for start in starts] if days < 300 else starts
    weekdays = [weekday(monday + pd.Timedelta(days=n), short=True) for n in range(7)]
    leaf = days <= 31
    if leaf:
        grid, names, numbers = grid.T, names.T, numbers.T
    figure = go.Figure(
        go.Heatmap(
            z=grid,
            x=weekdays if leaf else weeks,
            y=weeks if leaf else weekdays,
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
            hovertemplate=minutes_by("%{customdata}", "%{z:.0f}"),
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False, side="top" if leaf else "bottom", nticks=8)
    if not leaf:
        return dressed(figure, gettext("Calendar"), gettext("minutes per day"), height=290)
    figure.update_yaxes(ticks="")
    figure.update_xaxes(ticks="")
    dressed(figure, gettext("Calendar"), gettext("minutes per day"), height=124 + 38 * len(grid))
    return figure.update_layout(margin={"t": 104})


def clock_figure(minutes: pd.Series) -> go.Figure:
    """Minutes by the hour of the day; the series has the hours 0 to 23 as index."""
    figure = go.Figure(
        go.Barpolar(
            r=minutes.to_numpy(),
            theta=minutes.index.to_numpy() * 15 + 7.5,
            width=13,
            marker={"color": ACCENT},
            customdata=[f"{hour:02d}:00" for hour in minutes.index],
            hovertemplate=minutes_by("%{customdata}", "%{r:.0f}"),
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
    dressed(figure, gettext("Clock"), gettext("minutes by the hour of the day"), height=310)
    return figure.update_layout(margin={"l": 40, "r": 40, "t": 96, "b": 24})


def favourites_figure(activity: ListeningSpan, by: By, title: str) -> go.Figure:
    """The eight artists or genres with the most minutes."""
    best = top(activity.rows, by, limit=8)[::-1]
    names = [name if len(name) <= 28 else f"{name[:27]}…" for name in best["key"]]
    figure = go.Figure(
        go.Bar(
            x=best["minutes"],
            y=list(range(len(best))),
            orientation="h",
            marker={"color": ACCENT, "cornerradius": 4},
            customdata=np.stack([best["key"], best["plays"]], axis=-1) if len(best) else None,
            hovertemplate=gettext(
                "{name}: {minutes} min, plays: {plays}",
                name="%{customdata[0]}",
                minutes="%{x:.0f}",
                plays="%{customdata[1]}",
            )
            + "<extra></extra>",
        )
    )
    figure.update_yaxes(tickvals=list(range(len(best))), ticktext=names, showgrid=False)
    return dressed(figure, title, gettext("minutes"), height=90 + 30 * max(len(best), 3))


def taste_figure(beliefs: Sequence[Belief], title: str) -> go.Figure:
    """The shares of artists or genres in the taste, now beside the long term."""
    best = [belief for belief in beliefs if belief.now + belief.long_term][:8][::-1]
    names = [belief.name if len(belief.name) <= 28 else f"{belief.name[:27]}…" for belief in best]
    figure = go.Figure()
    for label, colour, shares in (
        (gettext("long-term"), "#a8a29e", [belief.long_term for belief in best]),
        (gettext("now"), ACCENT, [belief.now for belief in best]),
    ):
        figure.add_bar(
            name=label,
            x=shares,
            y=list(range(len(best))),
            orientation="h",
            marker={"color": colour, "cornerradius": 3},
            customdata=names,
            hovertemplate=f"%{{customdata}}: %{{x:.0%}} ({label})<extra></extra>",
        )
    figure.update_yaxes(tickvals=list(range(len(best))), ticktext=names, showgrid=False, automargin=True)
    figure.update_xaxes(tickformat=".0%", nticks=5)
    dressed(figure, title, gettext("share of the music that you like"), height=150 + 44 * len(best))
    return figure.update_layout(
        barmode="group",
        bargap=0.25,
        showlegend=True,
        legend={"orientation": "h", "y": -0.12, "x": 0, "traceorder": "reversed"},
    )


def path_figure(cloud: np.ndarray, places: np.ndarray, path: pd.DataFrame, subtitle: str) -> go.Figure:
    """The path of the taste over the map.

    `places` are the (n, 2) coordinates of the n tastes in `path`, `cloud` (m, 2) those of library tracks;
    `subtitle` names the length of a period.
    """
    days = [day(start, skeleton="yMMMd") for start in path["start"]]
    figure = go.Figure(
        [
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
    low, high = _bounds(np.concatenate([cloud, places]))
    for axis, bounds in ((figure.update_xaxes, (low[0], high[0])), (figure.update_yaxes, (low[1], high[1]))):
        axis(visible=False, range=bounds)
    dots = _dots(cloud, half=(high - low) * _HALF_A_DOT)
    figure.add_shape(type="path", path=dots, fillcolor=_GREY, line={"width": 0}, layer="below")
    return dressed(figure, gettext("How your taste moved"), subtitle, height=420)


def _bounds(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest coordinates of (n, 2) points, with room for the largest marker."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.maximum(0.06 * (high - low), 1e-6)
    return low - room, high + room


def _dots(points: np.ndarray, *, half: np.ndarray) -> str:
    """The path of small squares around (n, 2) points: one element, since 2,000 elements stop a browser."""
    corners = np.concatenate([points - half, points + half], axis=1)
    return "".join(
        f"M{left:.6g},{low:.6g}H{right:.6g}V{high:.6g}H{left:.6g}Z" for left, low, right, high in corners
    )


def minutes_by(when: str, minutes: str) -> str:
    """The text under the pointer: a day or an hour with its minutes, as Plotly's variables."""
    return gettext("{when}: {minutes} min", when=when, minutes=minutes) + "<extra></extra>"
