"""Playlists as files: extended M3U, XSPF and JSPF. All of them name files without folders.

Formats: https://www.xspf.org/spec, https://www.xspf.org/jspf, and :mod:`segue.playlists.m3u`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.etree import ElementTree

from segue.playlists.entries import Entry
from segue.playlists.m3u import write_m3u

_NAMESPACE = "http://xspf.org/ns/0/"
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_xspf(name: str, entries: Iterable[Entry]) -> str:
    """A playlist as XSPF."""
    root = ElementTree.Element("playlist", {"version": "1", "xmlns": _NAMESPACE})
    _element(root, "title", name)
    tracks = ElementTree.SubElement(root, "trackList")
    for entry in entries:
        track = ElementTree.SubElement(tracks, "track")
        for tag, value in _facts(entry).items():
            _element(track, tag, str(value))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def write_jspf(name: str, entries: Iterable[Entry]) -> str:
    """A playlist as JSPF."""
    tracks = [
        {key: [value] if key == "location" else value for key, value in _facts(entry).items()}
        for entry in entries
    ]
    return json.dumps({"playlist": {"title": name, "track": tracks}}, ensure_ascii=False, indent=2) + "\n"


def _facts(entry: Entry) -> dict[str, str | int]:
    """The elements of a track that both formats share."""
    facts: dict[str, str | int] = {"location": quote(entry.location), "title": entry.title}
    if entry.artist:
        facts["creator"] = entry.artist
    if entry.seconds:
        facts["duration"] = round(1000 * entry.seconds)
    return facts


def _element(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = _NOT_IN_XML.sub("", text)


@dataclass(frozen=True)
class Format:
    """A format of files."""

    name: str
    media_type: str
    write: Callable[[str, Sequence[Entry]], str]
    """Makes the text of a file from the playlist's name and its songs."""


FORMATS = {
    "m3u8": Format("M3U8", "audio/x-mpegurl", write_m3u),
    "xspf": Format("XSPF", "application/xspf+xml", write_xspf),
    "jspf": Format("JSPF", "application/json", write_jspf),
}
"""The formats by the suffix of their files."""
