"""The script that Streamlit runs for each visitor: which pages there are."""

from __future__ import annotations

import streamlit as st

from dashboard.views import live, operations

st.set_page_config(page_title="Segue", page_icon=":material/graphic_eq:", layout="wide")
st.navigation(
    [
        st.Page(live.show, title="Live", icon=":material/graphic_eq:", url_path="live", default=True),
        st.Page(operations.show, title="Operations", icon=":material/monitor_heart:", url_path="operations"),
    ],
    position="top",
).run()
