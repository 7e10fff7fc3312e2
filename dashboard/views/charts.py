"""The style of charts on all pages: the theme's colours, a title with the unit, axes of dates."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from segue.dashboard.language.formats import separators

QUIET = {"displayModeBar": False}
PALETTE = ("#0d9488", "#d97706", "#6366f1", "#db2777", "#65a30d", "#0284c7", "#9333ea", "#b45309")
"""Eight colours that differ on a light and on a dark background."""
ACCENT = PALETTE[0]
_FEWEST_STEPS = 8
_DATES = [
    {"dtickrange": [None, 86_399_999], "value": "%H:%M\n%Y-%m-%d"},
    {"dtickrange": [86_400_000, "M1"], "value": "%m-%d\n%Y"},
    {"dtickrange": ["M1", None], "value": "%Y-%m"},
]
"""Dates in figures, by the distance of two labels: Plotly has names of months in English only."""
_OF_DATA = ("x", "y", "text", "customdata", "name")
"""The parts of a trace that may have texts of its data."""


def dressed(figure: go.Figure, title: str, subtitle: str = "", *, height: int = 300) -> go.Figure:
    """Add a title, a subtitle that names the unit, and a legend below the axis; `height` in pixels."""
    figure.update_layout(
        title={
            "text": title,
            "subtitle": {"text": subtitle},
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 8},
        },
        height=height,
        margin={"l": 10, "r": 10, "t": 64 if subtitle else 48, "b": 10},
        # At the bottom of the figure, since dates on the axis can take two lines.
        legend={"title": None, "orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
        xaxis_title=None,
        yaxis_title=None,
        colorway=PALETTE,
        hoverlabel={"namelength": -1},
        separators=separators(),
    )
    return figure


def date_axis(figure: go.Figure, times: pd.Series, *, step: pd.Timedelta) -> go.Figure:
    """Give the x axis a range of eight steps or more: Plotly labels a single point in fractions of a second.

    Parameters
    ----------
    times
        The x values.
    step
        The usual distance between two x values.
    """
    if len(times):
        last = pd.Timestamp(times.max())
        first = min(pd.Timestamp(times.min()), last - (_FEWEST_STEPS - 1) * step)
        figure.update_xaxes(
            range=[first - step / 2, last + step / 2],
            nticks=6,
            tickformatstops=_DATES,
            hoverformat="%Y-%m-%d %H:%M",
        )
    return figure


def period_axis(figure: go.Figure, starts: pd.Series, *, step: pd.Timedelta) -> go.Figure:
    """:func:`date_axis` for sums by period: each bar is as wide as its period, less a gap."""
    figure.update_traces(width=0.85 * (step / pd.Timedelta(milliseconds=1)), selector={"type": "bar"})
    return date_axis(figure, starts, step=step)


def figures(name: str) -> DeltaGenerator:
    """A row for `st.metric`, which wraps on a phone; `name` is unique on the page."""
    return st.container(horizontal=True, gap="large", key=f"figures-{name}")


def draw(figure: go.Figure, *, key: str) -> None:
    """Show a figure over the full width of its container.

    It must not use WebGL, for which Plotly runs texts as code: the pages' policy does not allow it
    (:mod:`segue.dashboard.protection`). Names of artists and genres are shown as they are: Plotly would make
    links, pictures and line breaks of the HTML in them.
    """
    st.plotly_chart(escaped(figure), config=QUIET, key=key)


def escaped(figure: go.Figure) -> go.Figure:
    """The figure with the HTML in its data escaped; titles and hover texts, which are ours, keep theirs."""
    for trace in figure.data:
        trace.update({name: _escaped(trace[name]) for name in _OF_DATA if name in trace})
    for axes in (figure.for_each_xaxis, figure.for_each_yaxis):
        axes(lambda axis: axis.update(ticktext=_escaped(axis.ticktext)))
    return figure


def _escaped(value: Any) -> Any:
    """The value with the texts in it escaped; numbers and times stay."""
    if isinstance(value, str):
        return escape(value, quote=False)
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype.kind in "OUT"):
        return [_escaped(one) for one in value]
    return value
