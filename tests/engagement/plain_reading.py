"""The counting rules read plainly, event by event: the oracle of numpy's and Spark's."""

from __future__ import annotations

from segue.engagement.definitions import DEFAULT, LONGEST_MS


def counts_of(kind: str, ms_played: int, duration_ms: int) -> dict[str, int]:
    """The addition of one event to each count, by the table in segue.engagement.definitions."""
    ended = kind in ("complete", "skip", "leave")
    to_the_end = kind == "complete" or (
        ended and duration_ms > 0 and ms_played >= DEFAULT.complete_share * duration_ms
    )
    skipped = kind == "skip" and not to_the_end
    early = (
        skipped and ms_played < DEFAULT.early_skip_ms and (duration_ms <= 0 or 2 * ms_played < duration_ms)
    )
    true = {
        "starts": kind == "play",
        "plays": ended,
        "completions": to_the_end,
        "skips": skipped,
        "early_skips": early,
        "likes": kind == "like",
        "dislikes": kind == "dislike",
        "impressions": kind == "impression",
    }
    return {name: int(holds) for name, holds in true.items()} | {
        "listening_ms": min(ms_played, LONGEST_MS) if ended else 0
    }
