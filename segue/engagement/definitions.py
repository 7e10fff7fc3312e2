"""What is counted, and what each word means: the one place where it is written.

=============  =============================================================================================
start          a `play` event: the sound of a track began
play           a listening that has ended: a `complete`, `skip` or `leave`. It counts when it ends, since
               only then is it known how much was heard; what never ends (a crash) is a start and no play
completion     a `complete`; or a `skip` or `leave` after at least :data:`COMPLETE_SHARE` of a known duration
skip           a `skip` that is no completion
early skip     a skip before :data:`EARLY_MS`, and before half of the track where its duration is known
listening time `ms_played` of plays, each at most :data:`LONGEST_MS`
listener       of a track, artist, ... in a window: who has a start or a play of it there. Impressions alone
               make nobody a listener
impression     a track was seen in a list for a second
like, dislike  the event of that type, each time it is given
session        a listener's starts, plays, likes and dislikes with no gap longer than `engagement.session_gap`
               between one and the next. The `session_id` of an event is a browser's and may last for weeks
window         `engagement.window` of event time, from multiples of it since 1970
variant        the `model` of the recommendation that a play came from; none for what was chosen by hand
=============  =============================================================================================

An event counts once by its listener and `event_id`. What is rejected (segue.spark.parsing) counts nowhere.
The same rules over columns are in :mod:`segue.engagement.facts` (numpy, for the stream) and in
:mod:`segue.spark.recount` (SQL, for the batch job); a test holds all three equal on a topic.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

ENDS = ("complete", "skip", "leave")
ACTIONS = ("play", *ENDS, "like", "dislike")
"""Event types by which a listener does something, as opposed to seeing something."""
COUNTED = (*ACTIONS, "impression")
"""Event types that are counted; pause and seek are not."""

COMPLETE_SHARE = 0.9
EARLY_MS = 30_000
LONGEST_MS = 6 * 3_600_000

COUNTS = (
    "starts",
    "plays",
    "completions",
    "skips",
    "early_skips",
    "likes",
    "dislikes",
    "impressions",
    "listening_ms",
)
"""What is counted of each track in a listener's window; all of them can be added up."""

DIMENSIONS = {
    "all": None,
    "track": "track_id",
    "artist": "artist",
    "genre": "genre",
    "source": "source",
    "variant": "variant",
    "rank": "rank",
}
"""By what the statistics are kept -> the field of a row; a row without one is under the empty key."""


@dataclass(frozen=True)
class Event:
    """What the definitions look at."""

    type: str
    ms_played: int
    duration_ms: int


def counts_of(event: Event) -> dict[str, int]:
    """What one event adds to each of :data:`COUNTS`; the plain reading of the table above."""
    kind, heard, duration = event.type, event.ms_played, event.duration_ms
    ended = kind in ENDS
    to_the_end = kind == "complete" or (ended and duration > 0 and heard >= COMPLETE_SHARE * duration)
    skipped = kind == "skip" and not to_the_end
    early = skipped and heard < EARLY_MS and (duration <= 0 or 2 * heard < duration)
    found = {
        "starts": kind == "play",
        "plays": ended,
        "completions": to_the_end,
        "skips": skipped,
        "early_skips": early,
        "likes": kind == "like",
        "dislikes": kind == "dislike",
        "impressions": kind == "impression",
    }
    return {name: int(true) for name, true in found.items()} | {
        "listening_ms": min(heard, LONGEST_MS) if ended else 0
    }


def fingerprint(window: timedelta) -> str:
    """Tells numbers that were counted by other definitions; kept with each fact."""
    text = f"1 {COMPLETE_SHARE} {EARLY_MS} {LONGEST_MS} {COUNTED} {window.total_seconds():g}"
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
