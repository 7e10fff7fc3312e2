"""Playlists in other formats than M3U: PLS, XSPF, JSPF, WPL, ZPL, ASX, B4S, tables, AIMP's, and those of
iTunes, Rhythmbox, rekordbox, Traktor, Spotify and Deezer.

Formats: https://en.wikipedia.org/wiki/PLS_(file_format), https://www.xspf.org/spec, https://www.xspf.org/jspf,
https://learn.microsoft.com/windows/win32/wmp/windows-media-metafile-elements-reference. Many programs write
XML with unescaped ampersands or other faults, so the tags are read one by one, and no entity is expanded but
the standard ones of HTML.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
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
_AIMP = "#-----CONTENT-----#"


def listed_in(text: str) -> Listed | None:
    """The songs of a playlist in a format other than M3U; None for a text of an unknown format."""
    begin = text.lstrip("\ufeff \t\r\n")[:400].lower()
    if begin.startswith("[playlist]"):
        return _of_pls(text)
    if begin.startswith("{"):
        return _of_json(text)
    if _AIMP in text:
        return _of_aimp(text)
    if not begin.startswith("<"):
        return listed_in_table(text)
    reader = next((reader for mark, reader in _XML.items() if mark in begin), _of_xml)
    return reader(text)


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


def _of_json(text: str) -> Listed | None:
    """JSPF, the first playlist of Spotify's account data, or a playlist of Deezer's API."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for read in (_of_jspf, _of_spotify, _of_deezer):
        try:
            return read(data)
        except (KeyError, TypeError, IndexError, AttributeError):
            continue
    return None


def _of_spotify(data: Any) -> Listed:
    playlist = data["playlists"][0]
    tracks = [track for item in playlist["items"] if isinstance(track := item.get("track"), dict)]
    entries = [
        entry_of("", named=_text(track.get("trackName")), artist=_text(track.get("artistName")))
        for track in tracks[: MOST_TRACKS + 1]
        if track.get("trackName")
    ]
    return Listed(name=_text(playlist.get("name")) or None, entries=tuple(entries))


def _of_deezer(data: Any) -> Listed:
    entries = [
        entry_of(
            "",
            named=_text(track["title"]),
            artist=_text(track["artist"]["name"]),
            seconds=seconds_of(_text(track.get("duration"))),
        )
        for track in data["tracks"]["data"][: MOST_TRACKS + 1]
    ]
    return Listed(name=_text(data.get("title")) or None, entries=tuple(entries))


def _of_jspf(data: Any) -> Listed:
    playlist = data["playlist"]
    tracks = [track for track in playlist["track"] if isinstance(track, dict)][: MOST_TRACKS + 1]
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


def _of_aimp(text: str) -> Listed:
    """AIMP's list: after a mark, a line for each song with its path, title, artist and more between bars."""
    head, _, body = text.partition(_AIMP)
    name = re.search(r"^#?Name[=:](.*)$", head, re.MULTILINE)
    rows = [line.split("|") for line in re.split(r"\r\n|\r|\n", body) if "|" in line]
    entries = [
        entry_of(row[0].strip(), named=row[1].strip(), artist="".join(row[2:3]).strip())
        for row in rows[: MOST_TRACKS + 1]
    ]
    return Listed(name=name[1].strip() or None if name else None, entries=tuple(entries))


def _of_rhythmbox(text: str) -> Listed:
    """The last playlist of Rhythmbox's file, which names files only."""
    name: str | None = None
    entries: list[Entry] = []
    for opens, tag, attributes, content in _elements(text):
        if opens and tag == "playlist":
            name, entries = attributes.get("name") or None, []
        elif opens and tag == "location" and content and len(entries) <= MOST_TRACKS:
            entries.append(entry_of(content))
    return Listed(name=name, entries=tuple(entries))


def _of_collection(text: str) -> Listed:
    """The last playlist of a collection of rekordbox or Traktor; without one, all songs.

    Both describe each song once. Their playlists name the song by its number or its place.
    """
    songs: dict[str, dict[str, str]] = {}
    song: dict[str, str] = {}
    name: str | None = None
    order: list[str] = []
    for opens, tag, values, _ in _elements(text):
        if not opens:
            continue
        if tag == "node" and values.get("type") in {"1", "PLAYLIST"}:
            name, order = values.get("name") or None, []
        elif tag == "primarykey" or (tag == "track" and "key" in values):
            order.append(values.get("key", ""))
        elif tag == "track":
            songs[values.get("trackid", "")] = songs[values.get("location", "")] = values
        elif tag == "entry":
            song = dict(values)
        elif tag == "location" and song:
            volume, folder, file = (values.get(part, "") for part in ("volume", "dir", "file"))
            song["location"] = folder.replace("/:", "/") + file
            songs[volume + folder + file] = song
        elif tag == "info":
            song["totaltime"] = values.get("playtime", "")
    listed = [songs[key] for key in order if key in songs] or list(
        {id(one): one for one in songs.values()}.values()
    )
    entries = [
        entry_of(
            one.get("location", ""),
            named=one.get("name") or one.get("title", ""),
            artist=one.get("artist", ""),
            seconds=seconds_of(one.get("totaltime", "")),
        )
        for one in listed[: MOST_TRACKS + 1]
    ]
    return Listed(name=name, entries=tuple(entries))


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
        artist = first("trackartist", "creator", "author", "artist", "albumartist")
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


_XML: Mapping[str, Callable[[str], Listed | None]] = {
    "<plist": _of_itunes,
    "<rhythmdb-playlists": _of_rhythmbox,
    "<dj_playlists": _of_collection,
    "<nml": _of_collection,
}
"""The readers of XML by the element at the beginning; other elements have a reader for all."""


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
