"""The player's parts in the browser, as Streamlit components."""
