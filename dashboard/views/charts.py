"""How charts look on all pages: the theme's own colours, little else."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

QUIET = {"displayModeBar": False}
PALETTE = ("#0d9488", "#d97706", "#6366f1", "#db2777", "#65a30d", "#0284c7", "#9333ea", "#b45309")
"""Eight colours that differ on light and on dark ground."""
ACCENT = PALETTE[0]


def dressed(figure: go.Figure, title: str, subtitle: str = "", *, height: int = 300) -> go.Figure:
    """The figure with a title, a line that names the measure, and no more room than it needs."""
    figure.update_layout(
        title={"text": title, "subtitle": {"text": subtitle}},
        height=height,
        margin={"l": 10, "r": 10, "t": 64 if subtitle else 48, "b": 10},
        legend={"title": None, "orientation": "h", "y": -0.26},
        xaxis_title=None,
        yaxis_title=None,
        colorway=PALETTE,
        hoverlabel={"namelength": -1},
    )
    return figure


def draw(figure: go.Figure, *, key: str) -> None:
    """Show a figure as wide as its place."""
    st.plotly_chart(figure, config=QUIET, key=key)
