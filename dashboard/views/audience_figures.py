"""The charts of the page Audience."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from segue.dashboard.language.formats import percent
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.views.charts import ACCENT, PALETTE, dressed, period_axis


def listeners_figure(table: pd.DataFrame) -> go.Figure:
    """Active listeners by day; `table` as :func:`segue.engagement.audience.active` returns it."""
    figure = go.Figure(
        [
            go.Bar(x=table["day"], y=table["new"], name=gettext("first seen"), marker={"color": PALETTE[1]}),
            go.Scatter(
                x=table["day"],
                y=table["daily"],
                name=gettext("on the day"),
                line={"color": ACCENT, "width": 3},
            ),
            go.Scatter(
                x=table["day"],
                y=table["weekly"],
                name=gettext("within 7 days"),
                line={"color": PALETTE[2], "dash": "dot"},
            ),
        ]
    )
    period_axis(figure, table["day"], step=pd.Timedelta(days=1))
    return dressed(figure, gettext("Active listeners"), gettext("listeners with a play, by day"))


def funnel_figure(steps: pd.DataFrame) -> go.Figure:
    """The funnel of recommended tracks: seen, started, kept, finished, liked."""
    figure = go.Figure(
        go.Funnel(
            y=[translated(step) for step in steps["step"]],
            x=steps["count"],
            texttemplate="%{value:,}",
            textposition="auto",
            marker={"color": ACCENT},
            connector={"fillcolor": "rgba(13,148,136,.18)"},
        )
    )
    figure.update_yaxes(showgrid=False)
    return dressed(figure, gettext("From seen to liked"), gettext("recommended tracks"))


def rates_figure(table: pd.DataFrame, title: str, subtitle: str) -> go.Figure:
    """Skip rates of the ten keys with the most plays; `table` has `key`, `plays` and `skip_rate`."""
    table = table[table["plays"] > 0].sort_values("plays").tail(10)
    names = [key or gettext("none") for key in table["key"]]
    figure = go.Figure(
        go.Bar(
            x=table["skip_rate"],
            y=list(range(len(table))),
            orientation="h",
            marker={"color": ACCENT, "cornerradius": 4},
            text=[
                gettext("{share} of {plays}", share=percent(rate), plays=int(plays))
                for rate, plays in zip(table["skip_rate"], table["plays"], strict=True)
            ],
            textposition="auto",
            hoverinfo="skip",
        )
    )
    figure.update_yaxes(tickvals=list(range(len(table))), ticktext=names, showgrid=False)
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    return dressed(figure, title, subtitle, height=120 + 38 * max(len(table), 2))
