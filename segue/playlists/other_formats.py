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
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from segue.normal_forms import whole
from segue.playlists.entries import Entry, Listed, NotPlaylist, entry_of, lines_of, too_much
from segue.playlists.playlists import MOST_TRACKS
from segue.playlists.tables import listed_in_table, seconds_of

_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_PLS_LINE = re.compile(r"\s*(file|title|length)(\d{1,6})\s*=(.*)", re.IGNORECASE | re.DOTALL)
_SONG_TAGS = frozenset({"track", "media", "entry"})
"""An element for each song: of XSPF, of WPL and ZPL, and of ASX and B4S."""
_FILES = ("location", "src", "ref", "playstring", "identifier")
_TITLES = ("tracktitle", "title", "name")
_ARTISTS = ("trackartist", "creator", "author", "artist", "albumartist")
_LENGTHS = ("duration", "length")
"""The elements and attributes of a song that have a fact, the best first."""
_ITUNES_TAGS = ("key", "string", "integer", "date", "dict")
_LONGEST_VALUE = 2000
_AIMP = "#-----CONTENT-----#"
_FEW_TAGS, _LEAST_PER_TAG = 1000, 7
"""A longer text has at most one tag in so many characters: each is of several letters, and has a content."""
_CONTENT = re.compile(r"[^<]*(?:<(?![A-Za-z/])[^<]*)*")


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
    for line in (one[0] for one in lines_of(text)):
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
    rows = [line[0].split("|") for line in lines_of(body) if "|" in line[0]]
    entries = [
        entry_of(row[0].strip(), named=row[1].strip(), artist="".join(row[2:3]).strip())
        for row in rows[: MOST_TRACKS + 1]
    ]
    return Listed(name=name[1].strip() or None if name else None, entries=tuple(entries))


def _of_rhythmbox(text: str) -> Listed:
    """The last playlist of Rhythmbox's file, which names files only."""
    name: str | None = None
    entries: list[Entry] = []
    for opens, tag, attributes, content in _elements(text, _OF_RHYTHMBOX):
        if opens and tag == "playlist":
            name, entries = attributes.get("name") or None, []
        elif opens and tag == "location" and (place := _plain(content)) and len(entries) <= MOST_TRACKS:
            entries.append(entry_of(place))
    return Listed(name=name, entries=tuple(entries))


def _of_collection(text: str) -> Listed:
    """The last playlist of a collection of rekordbox or Traktor; without one, all songs.

    Both describe each song once. Their playlists name the song by its number or its place.
    """
    songs: dict[str, dict[str, str]] = {}
    song: dict[str, str] = {}
    name: str | None = None
    order: list[str] = []
    for opens, tag, values, _ in _elements(text, _OF_COLLECTION):
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
    for opens, tag, attributes, content in _elements(text, _OF_SONGS):
        if not opens:
            if tag in _SONG_TAGS and song:
                entries += _song(song)
                song = None
                if len(entries) > MOST_TRACKS:
                    break
        elif tag in _SONG_TAGS:
            entries += _song(song) if song else []
            song = attributes
        elif song is not None:
            if tag not in song:
                # ASX has the values of some elements in attributes.
                song[tag] = _plain(content) or attributes.get("href") or attributes.get("value") or ""
        elif tag == "title" and name is None:
            name = _plain(content) or None
    entries += _song(song) if song else []
    return Listed(name=name, entries=tuple(entries))


def _song(values: Mapping[str, str]) -> Iterator[Entry]:
    """The song of the attributes and inner elements of an element, if it names one."""

    def first(*names: str) -> str:
        return next((values[name] for name in names if values.get(name)), "")

    location = _without_scheme(first(*_FILES))
    named = first(*_TITLES)
    if location or named:
        seconds = seconds_of(first(*_LENGTHS), unit=1000)
        artist = first(*_ARTISTS)
        yield entry_of(location, named=named, artist=artist, seconds=seconds)


def _without_scheme(location: str) -> str:
    """A path without "file:", as Winamp writes it."""
    return location[5:] if location[:5].lower() == "file:" and location[5:6] != "/" else location


def _of_itunes(text: str) -> Listed | None:
    """The last playlist of an XML file of iTunes: pairs of <key> and a value, in <dict> elements."""
    tracks: dict[str, dict[str, str]] = {}
    order: list[str] = []
    values: dict[str, str] = {}
    name, key = None, ""
    for opens, tag, _, content in _elements(text, _OF_ITUNES):
        if opens and tag == "key":
            key = content.strip()
            if key == "Playlist Items":
                name, order = _plain(values.get("Name", "")) or None, []
        elif opens and tag in {"string", "integer", "date"}:
            values[key] = content
        elif tag == "dict":
            if not opens and "Track ID" in values:
                track_id = values["Track ID"].strip()
                if "Name" in values or "Location" in values:
                    tracks[track_id] = values
                else:
                    order.append(track_id)
            values = {}
    songs = [tracks[own] for own in order if own in tracks] if order else list(tracks.values())
    entries = [
        entry_of(
            _plain(song.get("Location", "")),
            named=_plain(song.get("Name", "")),
            artist=_plain(song.get("Artist", "")),
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


def _tags(names: Iterable[str]) -> re.Pattern[str]:
    """Finds the tags of elements with some names: "/" if it ends one, the name, attributes, and "/"."""
    attributes = r"(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*"
    return re.compile(rf"<(/?)(?:[\w.-]*:)?({'|'.join(names)})({attributes})\s*(/?)>", re.IGNORECASE)


_OF_SONGS = _tags([*_SONG_TAGS, *_FILES, *_TITLES, *_ARTISTS, *_LENGTHS])
_OF_ITUNES = _tags(_ITUNES_TAGS)
_OF_RHYTHMBOX = _tags(["playlist", "location"])
_OF_COLLECTION = _tags(["node", "primarykey", "track", "entry", "location", "info"])


def _elements(text: str, tags: re.Pattern[str]) -> Iterator[tuple[bool, str, dict[str, str], str]]:
    """The tags of a text: whether it opens an element, its name in lower case, attributes, and its content,
    as it is written.

    Raises
    ------
    NotPlaylist
        There are more tags than a text of this length can have with contents.
    """
    text = _without(_without(text, "<!--", "-->"), "<![CDATA[", "]]>", keep=True)
    left = _FEW_TAGS + len(text) // _LEAST_PER_TAG
    for match in tags.finditer(text):
        left -= 1
        if not left:
            raise NotPlaylist(too_much())
        ends, name, written, ends_at_once = match.groups()
        name = name.lower()
        if ends:
            yield False, name, {}, ""
            continue
        content = None if ends_at_once else _CONTENT.match(text, match.end())
        yield True, name, _attributes(written) if written else {}, content[0] if content else ""
        if ends_at_once:
            yield False, name, {}, ""


def _attributes(written: str) -> dict[str, str]:
    return {
        one[1].rpartition(":")[2].lower(): _plain(one[2] if one[2] is not None else one[3])
        for one in _ATTRIBUTE.finditer(written)
    }


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
    return " ".join(html.unescape(text[:_LONGEST_VALUE]).split()) if text else ""


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _text(value: Any) -> str:
    """A value of JSON as text; empty for a list or a mapping."""
    text = str(value) if isinstance(value, str | int | float) else ""
    return whole(" ".join(text.split())[:_LONGEST_VALUE])
