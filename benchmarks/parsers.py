"""The processor time to read the files and bodies that visitors send, by format.

A parser holds Python's lock, so that all pages wait meanwhile. Each format is read as programs write it, and
some texts as somebody writes them who wants to keep the server busy. The baseline finds the lines of the same
text, which is the least that any reader does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from rich.console import Console
from starlette.exceptions import HTTPException

from segue.dashboard.api.requests import json_object
from segue.dashboard.opensubsonic.parameters import MOST_FIELDS, fields_of
from segue.playlists.entries import NotPlaylist
from segue.playlists.m3u import LARGEST, read_playlist

_MEGABYTE, _MOST_SONGS = 1_000_000, 9_900
Reader = Callable[[bytes], object]


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """Processor seconds for a megabyte, by format, and the most of all texts of ill will."""
    size, runs = (_MEGABYTE, 1) if quick else (LARGEST, 3)
    figures: dict[str, float | bool] = {"megabytes": size / _MEGABYTE}
    with console.status("Reading"):
        usual: dict[str, tuple[Reader, bytes]]
        usual = {name: (read_playlist, data) for name, data in _playlists().items()}
        usual |= {"json": (_json, _body(_MEGABYTE // 40)), "form": (fields_of, _fields())}
        for name, (read, data) in usual.items():
            figures[f"{name}_s_per_mb"] = _seconds_per_megabyte(read, data, runs)
            figures[f"{name}_ratio"] = figures[f"{name}_s_per_mb"] / _seconds_per_megabyte(_lines, data, runs)
        hostile = {name: _seconds_per_megabyte(read_playlist, data, runs) for name, data in _hostile(size)}
    worst = max(hostile, key=lambda name: hostile[name])
    console.print(f"the slowest text of ill will: {worst}")
    figures["worst_s_per_mb"] = hostile[worst]
    return figures


def _playlists() -> Mapping[str, bytes]:
    """A playlist with nearly the most songs in each format."""
    places = range(1, _MOST_SONGS)
    songs = [{"title": f"Title {n}", "creator": "An artist", "location": [f"{n}.mp3"]} for n in places]
    m3u = "".join(f"#EXTINF:213,An artist - Title {n}\nMusic/An artist/{n}.mp3\n" for n in places)
    pls = "".join(f"File{n}=Music/{n}.mp3\nTitle{n}=An artist - Title {n}\nLength{n}=213\n" for n in places)
    xspf = "".join(
        f"<track><title>Title {n}</title><creator>An artist</creator><duration>213000</duration>"
        f"<location>file:///music/{n}.mp3</location></track>\n"
        for n in places
    )
    itunes = "".join(
        f"<key>{n}</key><dict><key>Track ID</key><integer>{n}</integer>"
        f"<key>Name</key><string>Title {n}</string><key>Artist</key><string>An artist</string></dict>\n"
        for n in places
    )
    return {
        "m3u": f"#EXTM3U\n{m3u}".encode(),
        "pls": f"[playlist]\n{pls}".encode(),
        "xspf": f'<?xml version="1.0"?><playlist><trackList>{xspf}</trackList></playlist>'.encode(),
        "itunes": f'<?xml version="1.0"?><plist><dict><key>Tracks</key><dict>{itunes}</dict>'.encode(),
        "jspf": json.dumps({"playlist": {"track": songs}}).encode(),
        "csv": b"Title,Artist\n" + "".join(f"Title {n},An artist\n" for n in places).encode(),
    }


def _hostile(size: int) -> list[tuple[str, bytes]]:
    """Texts of about a size that take the readers of playlists longest."""
    pieces = {
        "empty lines": b"a\n",
        "comments": b"#\n",
        "comments after a length": b"#EXTINF:1,\n#\n",
        "escapes": b"%ff1.mp3\n",
        "folders": b"/a",
        "lines of PLS": b"x\n",
        "tags": b"<a>",
        "tags of songs": b"<track>",
        "titles": b"<title>a",
        "keys": b"<key>a",
        "attributes": b"<track a=''/>",
        "entities": b"&amp;",
        "marks": "\u0315\u0300".encode(),
        "old encoding": b"\xe4\n",
    }
    heads = {"lines of PLS": b"[playlist]\n", "keys": b"<plist>", "entities": b"<x><track><title>"}
    xml = {"tags", "tags of songs", "titles", "attributes"}
    return [
        (name, heads.get(name, b"<x>" if name in xml else b"") + piece * (size // len(piece)))
        for name, piece in pieces.items()
    ]


def _body(songs: int) -> bytes:
    return json.dumps({"tracks": [f"{place:016x}" for place in range(songs)]}).encode()


def _fields() -> bytes:
    return b"&".join(b"songId=%d" % place for place in range(MOST_FIELDS))


def _json(data: bytes) -> object:
    return json_object(data, shape="an object")


def _lines(data: bytes) -> object:
    return data.decode().split("\n")


def _seconds_per_megabyte(read: Reader, data: bytes, runs: int) -> float:
    """The least processor time of several runs."""
    least = float("inf")
    for _ in range(runs):
        began = time.process_time()
        with suppress(NotPlaylist, HTTPException):
            read(data)
        least = min(least, time.process_time() - began)
    return least / (len(data) / _MEGABYTE)
