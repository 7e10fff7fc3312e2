"""The definitions of all counts and terms of listening.

=============  =============================================================================================
start          a `play` event: the sound of a track began
play           a listening that has ended: a `complete`, `skip` or `leave`. It counts when it ends, since the
               listened time is known only then. A listening that never ends (a crash) is a start and no play
completion     a `complete`; or a `skip` or `leave` after at least `engagement.complete_share` of a known
               duration
skip           a `skip` that is not a completion
early skip     a skip before `engagement.early_skip`, and before half of the track if its duration is known
listening time `ms_played` of plays, each at most :data:`LONGEST_MS`
listener       of a track, artist, ... in a window: a person with a start or a play of it in the window.
               Impressions do not count
impression     a track was seen in a list for a second
like, dislike  each event of the type
session        a listener's starts, plays, likes and dislikes with no gap longer than `engagement.session_gap`
               between two actions. The `session_id` of an event is a browser's and may last for weeks
window         `engagement.window` of event time, from multiples of it since 1970
variant        the variant that recommended a track (`model` of the play); none for tracks that listeners
               chose
excess         an event at which the listener has played more in the window than its time allows:
               :func:`takes` of all events up to it is more than the time since the window began, plus
               :data:`ALLOWANCE_MS`. It counts for the listener, and not in statistics
unknown        a track that the catalogue does not have: its events count for the listener only, too
=============  =============================================================================================

An event counts once by its listener and `event_id`. Rejected records (segue.spark.plays) do not count.
The rules are expressions (:mod:`segue.engagement.rules`): numpy evaluates them for the stream
(:mod:`segue.engagement.facts`), and Spark runs their text for the batch job (:mod:`segue.spark.recount`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from segue.engagement.rules import EventField, Expression, Where, greatest, least, whole
from segue.plays.event_types import ACTIONS, COUNTED, ENDS, EVENT_TYPES, IMPRESSION, START
from segue.settings import EngagementSettings, milliseconds

LONGEST_MS = 6 * 3_600_000

_TYPE, _PLAYED, _DURATION = EventField("type"), EventField("ms_played"), EventField("duration_ms")
ACTED = _TYPE.is_in(*ACTIONS)
"""Whether the event is an action of the listener."""
_ENDED = _TYPE.is_in(*ENDS)
IN_WINDOW = EventField("in_window")
"""The time from the start of the window to the event, in milliseconds."""


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of the definitions. The defaults are those of conf/default.toml and of release 0.1."""

    early_skip_ms: int = 30_000
    complete_share: float = 0.9

    @classmethod
    def of(cls, engagement: EngagementSettings) -> Thresholds:
        """The thresholds of the settings."""
        return cls(milliseconds(engagement.early_skip), engagement.complete_share)


DEFAULT = Thresholds()

ALLOWANCE_MS = 120_000
"""For crossfades, clocks, and a second device."""
SHORTEST_MS = 1_000
"""The least time that the end of a play takes: nobody skips more often for long."""
ACTION_MS, SEEN_MS = 100, 50
"""The time that another action takes, such as a start or a like, and that of a track seen in a list."""
COMPLETION_MS = 30_000
"""The least time that a completion takes, whatever length of the track the event gives."""
BEFORE_MS = 30_000
"""The time before the window that the end of a play can take: else plays at its beginning took nothing."""


def takes(thresholds: Thresholds = DEFAULT) -> Expression:
    """The time that an event takes, in whole milliseconds: for a completion, at least its share.

    Everything that statistics count takes some.
    """
    full = greatest(thresholds.complete_share * _DURATION, COMPLETION_MS)
    heard = greatest(_PLAYED, Where(_completed(thresholds), full))
    ended = Where(_ENDED, greatest(least(heard, IN_WINDOW + BEFORE_MS), SHORTEST_MS))
    others = Where(_TYPE.is_in(*(kind for kind in ACTIONS if kind not in ENDS)), ACTION_MS)
    return whole(ended) + others + Where(_TYPE.is_in(IMPRESSION), SEEN_MS)


@dataclass(frozen=True)
class Count:
    """An additive count, stored for each track in a listener's window."""

    name: str
    rule: Expression
    """The value that an event adds: a boolean (0 or 1) or a number."""
    weight: str | None = None
    """The setting in `[signals]` that weights the count when a taste is estimated from counts."""


def counts_by(thresholds: Thresholds) -> dict[str, Count]:
    """The counts by name, with the rules for these thresholds."""
    if thresholds == DEFAULT:
        return COUNTS
    return {count.name: count for count in _counts(thresholds)}


def _completed(thresholds: Thresholds) -> Expression:
    played, duration = _PLAYED, _DURATION
    heard = played >= thresholds.complete_share * duration
    return _TYPE.is_in("complete") | (_ENDED & (duration > 0) & heard)


def _counts(thresholds: Thresholds) -> tuple[Count, ...]:
    played, duration = _PLAYED, _DURATION
    completed = _completed(thresholds)
    skipped = _TYPE.is_in("skip") & ~completed
    early = skipped & (played < thresholds.early_skip_ms) & ((duration <= 0) | (2 * played < duration))
    return (
        Count("starts", _TYPE.is_in(START)),
        # Each ended listening has a start, so this count has the weight of a start.
        Count("plays", _ENDED, weight="play"),
        Count("completions", completed, weight="complete"),
        Count("skips", skipped),
        Count("early_skips", early, weight="skip_early"),
        *(
            Count(
                event_type.counted_as,
                _TYPE.is_in(event_type.name),
                event_type.weight if isinstance(event_type.weight, str) else None,
            )
            for event_type in EVENT_TYPES
            if event_type.counted_as
        ),
        Count("listening_ms", Where(_ENDED, least(_PLAYED, LONGEST_MS))),
    )


COUNTS = {count.name: count for count in _counts(DEFAULT)}
"""The counts by name, with the rules for the default thresholds."""

DIMENSIONS = {
    "all": None,
    "track": "track_id",
    "artist": "artist",
    "genre": "genre",
    "source": "source",
    "variant": "variant",
    "rank": "rank",
}
"""The dimensions of the statistics -> the field of a row; a row without the field has the empty key."""


def fingerprint(window: timedelta, thresholds: Thresholds = DEFAULT) -> str:
    """A digest of the definitions, stored with each fact to recognise counts by other definitions.

    It changes with the counted event types, the counts, their rules and the thresholds.
    """
    bounds = f"{thresholds.complete_share} {thresholds.early_skip_ms} {LONGEST_MS}"
    text = f"1 {bounds} {COUNTED} {window.total_seconds():g}"
    rules = _rules(thresholds)
    if _digest(rules) != _FIRST_RULES:
        text += f" {rules}"
    return _digest(text)


_FIRST_RULES = "04524f9f"
"""The digest of the rules from before rules were part of the fingerprint. These rules add nothing to the
fingerprint, so that older facts stay valid."""


def _rules(thresholds: Thresholds) -> str:
    counted = {name: count.rule for name, count in counts_by(thresholds).items()}
    return "; ".join(f"{name}: {rule}" for name, rule in {"acted": ACTED, **counted}.items())


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
