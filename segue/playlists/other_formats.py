"""Playlists in other formats than M3U: PLS, XSPF, JSPF, WPL, ZPL, ASX, B4S, tables, and XML of iTunes.

Formats: https://en.wikipedia.org/wiki/PLS_(file_format), https://www.xspf.org/spec, https://www.xspf.org/jspf,
https://learn.microsoft.com/windows/win32/wmp/windows-media-metafile-elements-reference. Many programs write
XML with unescaped ampersands or other faults, so the tags are read one by one, and no entity is expanded but
the standard ones of HTML.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from segue.normal_forms import whole
from segue.playlists.entries import Entry, Listed, entry_of
from segue.playlists.playlists import MOST_TRACKS
from segue.playlists.tables import listed_in_table, seconds_of

_TAG = re.compile(r"<(/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*(/?)>")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_PLS_LINE = re.compile(r"\s*(file|title|length)(\d{1,6})\s*=(.*)", re.IGNORECASE)
_SONG_TAGS = frozenset({"track", "media", "entry"})
"""An element for each song: of XSPF, of WPL and ZPL, and of ASX and B4S."""
_LONGEST_VALUE = 2000


def listed_in(text: str) -> Listed | None:
    """The songs of a playlist in a format other than M3U; None for a text of an unknown format."""
    begin = text.lstrip("\ufeff \t\r\n")[:400].lower()
    if begin.startswith("[playlist]"):
        return _of_pls(text)
    if begin.startswith("{"):
        return _of_jspf(text)
    if not begin.startswith("<"):
        return listed_in_table(text)
    return _of_itunes(text) if "<plist" in begin else _of_xml(text)


def _of_pls(text: str) -> Listed:
    found: dict[int, dict[str, str]] = {}
    name = None
    for line in re.split(r"\r\n|\r|\n", text):
        if len(found) > MOST_TRACKS:
            break
        if match := _PLS_LINE.fullmatch(line):
            found.setdefault(int(match[2]), {})[match[1].lower()] = match[3].strip()
        elif line.lower().startswith("x-gnome-title="):
            name = line.partition("=")[2].strip() or None
    entries = [
        entry_of(
            song.get("file", ""), named=song.get("title", ""), seconds=seconds_of(song.get("length", ""))
        )
        for _, song in sorted(found.items())
        if song.get("file") or song.get("title")
    ]
    return Listed(name=name, entries=tuple(entries))


def _of_jspf(text: str) -> Listed | None:
    try:
        playlist = json.loads(text)["playlist"]
        tracks = [track for track in playlist["track"] if isinstance(track, dict)][: MOST_TRACKS + 1]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    entries = [
        entry_of(
            _text(_first(track.get("location"))),
            named=_text(track.get("title")),
            artist=_text(track.get("creator")),
            seconds=seconds_of(_text(track.get("duration")), unit=1000),
        )
        for track in tracks
        if track.get("title") or track.get("location")
    ]
    return Listed(name=_text(playlist.get("title")) or None, entries=tuple(entries))


def _of_xml(text: str) -> Listed:
    name: str | None = None
    entries: list[Entry] = []
    song: dict[str, str] | None = None
    for opens, tag, attributes, content in _elements(text):
        if not opens:
            if tag in _SONG_TAGS and song is not None:
                entries += _song(song)
                song = None
                if len(entries) > MOST_TRACKS:
                    break
        elif tag in _SONG_TAGS:
            entries += _song(song) if song is not None else []
            song = dict(attributes)
        elif song is not None:
            # ASX has the values of some elements in attributes.
            value = content or attributes.get("href") or attributes.get("value") or ""
            song.setdefault(tag, value)
        elif tag == "title" and name is None:
            name = content or None
    entries += _song(song) if song is not None else []
    return Listed(name=name, entries=tuple(entries))


def _song(values: Mapping[str, str]) -> Iterator[Entry]:
    """The song of the attributes and inner elements of an element, if it names one."""

    def first(*names: str) -> str:
        return next((values[name] for name in names if values.get(name)), "")

    location = first("location", "src", "ref", "playstring", "identifier")
    location = re.sub(r"^file:(?!/)", "", location, flags=re.IGNORECASE)
    named = first("tracktitle", "title", "name")
    if location or named:
        seconds = seconds_of(first("duration", "length"), unit=1000)
        artist = first("trackartist", "creator", "author", "albumartist")
        yield entry_of(location, named=named, artist=artist, seconds=seconds)


def _of_itunes(text: str) -> Listed | None:
    """The last playlist of an XML file of iTunes: pairs of <key> and a value, in <dict> elements."""
    tracks: dict[str, dict[str, str]] = {}
    order: list[str] = []
    values: dict[str, str] = {}
    name, key = None, ""
    for opens, tag, _, content in _elements(text):
        if opens and tag == "key":
            key = content
            if key == "Playlist Items":
                name, order = values.get("Name"), []
        elif opens and tag in {"string", "integer", "date"}:
            values[key] = content
        elif tag == "dict":
            if not opens and "Track ID" in values:
                if "Name" in values or "Location" in values:
                    tracks[values["Track ID"]] = values
                else:
                    order.append(values["Track ID"])
            values = {}
    songs = [tracks[own] for own in order if own in tracks] if order else list(tracks.values())
    entries = [
        entry_of(
            song.get("Location", ""),
            named=song.get("Name", ""),
            artist=song.get("Artist", ""),
            seconds=seconds_of(song.get("Total Time", ""), unit=1000),
        )
        for song in songs
    ]
    return Listed(name=name, entries=tuple(entries))


def _elements(text: str) -> Iterator[tuple[bool, str, dict[str, str], str]]:
    """The tags of a text: whether it opens an element, its name in lower case, attributes, and its text."""
    text = _without(_without(text, "<!--", "-->"), "<![CDATA[", "]]>", keep=True)
    tags = list(_TAG.finditer(text))
    for number, match in enumerate(tags):
        name = match[2].rpartition(":")[2].lower()
        if match[1]:
            yield False, name, {}, ""
            continue
        values = {
            one[1].rpartition(":")[2].lower(): _plain(one[2] if one[2] is not None else one[3])
            for one in _ATTRIBUTE.finditer(match[3])
        }
        end = tags[number + 1].start() if number + 1 < len(tags) else len(text)
        yield True, name, values, "" if match[4] else _plain(text[match.end() : end])
        if match[4]:
            yield False, name, {}, ""


def _without(text: str, begin: str, end: str, *, keep: bool = False) -> str:
    """A text without the sections between two marks; with `keep`, their contents stay, as text.

    A regular expression would look for the missing end of each of many sections.
    """
    parts = []
    place = 0
    while (at := text.find(begin, place)) >= 0 and (to := text.find(end, at)) >= 0:
        parts += [text[place:at], html.escape(text[at + len(begin) : to]) if keep else ""]
        place = to + len(end)
    return "".join(parts) + text[place:]


def _plain(text: str) -> str:
    return " ".join(html.unescape(text[:_LONGEST_VALUE]).split())


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _text(value: Any) -> str:
    """A value of JSON as text; empty for a list or a mapping."""
    text = str(value) if isinstance(value, str | int | float) else ""
    return whole(" ".join(text.split())[:_LONGEST_VALUE])
