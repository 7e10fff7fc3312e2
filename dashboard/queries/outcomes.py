"""How a play ended, in words, and whether that is good or bad."""

from __future__ import annotations

OUTCOMES = {
    "complete": ("heard to the end", "good"),
    "like": ("liked", "good"),
    "play": ("playing", ""),
    "skip": ("skipped", "bad"),
    "dislike": ("disliked", "bad"),
    "leave": ("left", ""),
}
"""By event type: the words, and the tone that they are shown in ("" for neither)."""
