"""`./run.sh library duplicates`: the songs that the library has under several names."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from segue.catalog.duplicates import Duplicates
from segue.catalog.stored_paths import readable
from segue.counted import counted
from segue.errors import one_line_errors
from segue.figures import JsonFile, can_write, console, write_figures
from segue.local.stack import connected
from segue.settings import load_settings
from segue.storage.store import open_store


def list_duplicates(
    limit: Annotated[int, typer.Option(min=1, help="How many songs to show.")] = 50,
    json_file: JsonFile = None,
) -> None:
    """List songs that are in several files: the same sound, under any name, tags, format and bit rate.

    Each file stays a track. From the next index on, Segue treats them as one song: none follows another in a
    list of recommendations, a radio or a daily mix. Nothing is removed.

    Example: ./run.sh library duplicates

    Example: ./run.sh library duplicates --limit 1000 --json -
    """
    with one_line_errors():
        can_write(json_file)
        duplicates = Duplicates(open_store(connected(load_settings(), kafka=False)))
        every = duplicates.groups()
        songs, files = len(every), sum(map(len, every))
        groups = duplicates.described(every[:limit])
        write_figures(json_file, {"songs": songs, "files": files, "duplicates": groups})
        table = Table("song", "track", "file", title=f"{counted(songs, 'song')} in {counted(files, 'file')}")
        for group in groups:
            for number, track in enumerate(group):
                title = f"{track['artist']} - {track['title']}" if not number else ""
                path = ascii(readable(track["path"] or ""))[1:-1]
                table.add_row(ascii(title)[1:-1], track["track_id"], path)
        console(json_file).print(table)
