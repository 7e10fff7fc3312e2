"""Genres: several in one text, and one spelling for each."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mutagen.id3 import TCON

from segue.catalog.letters import artist_key

MOST_GENRES = 20
WHOLE = frozenset(artist_key(name) for name in ("Singer/Songwriter", "N/A", "24/7"))
"""Names that have a separator in them."""
OTHER_NAMES = (
    "Ambient", "Americana", "Art Rock", "Bluegrass", "Bossa Nova", "Breakbeat", "Chamber Music", "Chillout",
    "Darkwave", "Deep House", "Doom Metal", "Dream Pop", "Drone", "Drum & Bass", "Dub", "Dubstep", "EDM",
    "Electro", "Emo", "Experimental", "Field Recordings", "Folk Rock", "Free Jazz", "Garage Rock", "Glitch",
    "Grime", "Hip-Hop", "IDM", "Indie Folk", "Indie Pop", "Indie Rock", "J-Pop", "J-Rock", "K-Pop", "Lo-Fi",
    "Math Rock", "MPB", "Neo-Soul", "Noise", "Nu Metal", "Post-Hardcore", "Post-Metal", "Post-Punk",
    "Post-Rock", "Power Pop", "Psych-Folk", "Psych-Rock", "R&B", "Shoegaze", "Singer/Songwriter",
    "Spoken Word", "Stoner Rock", "Synth-Pop", "Trip-Hop", "UK Garage", "World",
)  # fmt: skip
SPELLINGS = {
    **{artist_key(name): name for name in [*TCON.GENRES, *OTHER_NAMES]},
    **{artist_key(name): "R&B" for name in ("Rhythm & Blues", "RnB", "R'n'B", "R & B")},
    **{artist_key(name): "Drum & Bass" for name in ("DnB", "D&B", "Drum n Bass", "Drum'n'Bass")},
    **{artist_key(name): "Rock & Roll" for name in ("Rock n Roll", "Rock 'n' Roll", "Rock'n'Roll")},
}
"""The usual spelling of common genres, by their key."""
NONE = frozenset(
    artist_key(name)
    for name in (
        "Unknown",
        "<unknown>",
        "Unknown genre",
        "No genre",
        "None",
        "Genre",
        "Not available",
        "Other",
    )
)
"""What programs write for an unknown genre: "Other" is ID3's number 12."""
_NUMBERS = re.compile(r"(?:\(\d{1,3}\))+|\d{1,3}")
"""Genres by ID3's numbers, which some programs also write into other tags."""
_SHORTEST_LOUD = 7
"""Letters of a word in capitals that is no abbreviation."""
_SEPARATORS = re.compile(r"[;,|\0\\/；、•]")


def genres_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The genres that texts name, each once, at most :data:`MOST_GENRES`.

    Separators are semicolons, commas, bars, slashes and NUL: "Rock / Pop" → ("Rock", "Pop"). A common genre
    gets its usual spelling: "hip hop" → "Hip-Hop". Another one without capitals gets them.
    """
    by_key: dict[str, str] = {}
    for given in texts:
        text = ";".join(TCON(text=[given]).genres) if _NUMBERS.fullmatch(given.strip()) else given
        for part in [text] if artist_key(text) in WHOLE else _SEPARATORS.split(text):
            name = re.sub(r"^\s*(?:&|and)\s+", "", part).strip()
            if (key := artist_key(name)) and key not in NONE:
                by_key.setdefault(key, SPELLINGS.get(key) or _capitalised(name))
    return tuple(dict.fromkeys(by_key.values()))[:MOST_GENRES]


def _capitalised(name: str) -> str:
    """A name without capitals with some, and one in capitals only without most: "KRAUTROCK" → "Krautrock"."""
    if name.isupper() and all(len(word) >= _SHORTEST_LOUD for word in name.split()):
        name = name.lower()
    return re.sub(r"(?<![\w'’])\w", lambda match: match[0].upper(), name) if name.islower() else name
