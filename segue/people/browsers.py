"""The name of a browser and its system, by which people recognise their devices.

Only names of a list are taken from the header, which visitors can write as they like. The order matters:
most browsers also name those that they are compatible with.
"""

from __future__ import annotations

_BROWSERS = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def browser_of(user_agent: str | None) -> str:
    """Browser and system, such as "Firefox, Windows"; empty if the header names none that is known."""
    text = user_agent or ""
    found = [next((name for mark, name in known if mark in text), "") for known in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, found))
