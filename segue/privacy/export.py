"""A listener's stored data as a ZIP: a JSON file for each collection, and the plays in Kafka."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from segue.catalog.tracks import Tracks
from segue.imports.listens import listens
from segue.privacy.holdings import held, plain
from segue.storage.store import Store

_READ_ME = """Your data in Segue, as of {at}.

{files}

Times are UTC. Each file has the name of its collection: "listening" has your listening in each quarter of an
hour, "tastes" the taste that Segue has computed from it, "recommendations" your planned tracks, "opinions"
the tracks that you like or dislike, "sessions" the browsers in which you are logged in, "share_links" the
links that you share, and "follows" the people whom you follow or who follow you.

plays.jsonl has your plays as your player sent them, one a line, as far back as Segue keeps plays, with the
names of the songs that the library knows. imported_plays.jsonl has the plays that you have imported, and
those that reached Segue late or from other programs, as ListenBrainz writes listens. Another Segue can import
both.

Statistics over all listeners do not name you and are not included.
"""


_MORE = """
Not all parts of the topic were read: older plays may lie in others. Ask for "./run.sh listener export", which
reads them all.
"""


def _with_names(store: Store, plays: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    ids = [play.get("track_id") for play in plays]
    # Other producers may have sent anything; ids of tracks are ASCII.
    known = Tracks(store).even_gone([own for own in ids if isinstance(own, str) and own.isascii()])
    for play in plays:
        track = known.get(str(play.get("track_id")))
        names = {"title": track.title, "artist": track.artist, "album": track.album} if track else {}
        yield names | play


def archive(store: Store, user_id: str, *, plays: Iterable[dict[str, Any]], whole: bool = True) -> bytes:
    """The ZIP. `plays` are the listener's records in Kafka; if they are not `whole`, the archive says so."""
    out = io.BytesIO()
    files = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, documents in held(store, user_id):
            text = json.dumps(plain(documents), indent=1, ensure_ascii=False)
            packed.writestr(f"{name}.json", text)
            files.append(f"{name}.json: {len(documents)}")
        lines = [json.dumps(plain(play), ensure_ascii=False) for play in _with_names(store, list(plays))]
        # JSON from other producers may escape half of a surrogate pair, which UTF-8 cannot encode.
        packed.writestr(
            "plays.jsonl", "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
        )
        files.append(f"plays.jsonl: {len(lines)}")
        own = [json.dumps(plain(listen), ensure_ascii=False) for listen in listens(store, user_id)]
        if own:
            packed.writestr("imported_plays.jsonl", "".join(f"{line}\n" for line in own))
            files.append(f"imported_plays.jsonl: {len(own)}")
        read_me = _READ_ME.format(at=f"{datetime.now(UTC):%Y-%m-%d %H:%M}", files="\n".join(files))
        packed.writestr("README.txt", read_me if whole else read_me + _MORE)
    return out.getvalue()
