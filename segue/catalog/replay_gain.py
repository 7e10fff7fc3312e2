"""Loudness corrections that other programs have measured and stored in the tags.

ReplayGain 2.0 (https://wiki.hydrogenaud.io/index.php?title=ReplayGain_2.0_specification) corrects to -18
LUFS. R128 tags of Opus (RFC 7845, section 5.2) correct to -23 LUFS in 1/256 dB, so 5 dB are added.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from segue.catalog.tag_values import Values
from segue.catalog.track import ReplayGain

R128_OFFSET = 5.0
_REFERENCES = {"db": (89.0, 70.0, 110.0), "lufs": (-18.0, -40.0, -5.0)}
"""The loudness that ReplayGain 2 corrects to, and the range of believable others, by the unit of a tag that
states another: early scanners corrected to 83 dB, some correct to -23 LUFS."""
LARGEST_GAIN = 64.0
"""Decibels; a larger value is a fault."""
LARGEST_PEAK = 100.0


def replay_gain_of(values: Values, path: Path) -> ReplayGain:
    """The corrections in a file's tags."""

    offset = _offset(_one(values, "reference_loudness"))

    def gain(kind: str) -> float | None:
        if (stated := _decibels(_one(values, f"{kind}_gain"))) is not None:
            return _limited(stated + offset)
        r128 = _one(values, f"r128_{kind}_gain").strip()
        if not re.fullmatch(r"[+-]?\d{1,6}", r128):
            return None
        return _limited(int(r128) / 256 + R128_OFFSET)

    base = _output_gain(path)
    if not any(name.endswith(("_gain", "_peak")) for name in values):
        return ReplayGain(base_gain=base)
    return ReplayGain(
        track_gain=gain("track"),
        track_peak=_peak(_one(values, "track_peak")),
        album_gain=gain("album"),
        album_peak=_peak(_one(values, "album_peak")),
        base_gain=base,
    )


def _one(values: Values, name: str) -> str:
    return next(iter(values.get(name, ())), "")


def _decibels(text: str) -> float | None:
    """A gain such as "-6.50 dB", "-6,5", "+1.2dB" or "-6.5 LU", with any minus sign; None for none."""
    plain = text.strip().strip("\0").replace("\u2212", "-").replace(",", ".")
    match = re.fullmatch(r"([+-]?\s*\d{1,3}(?:\.\d{0,8})?)\s*(?:dB|LU)?", plain, re.IGNORECASE)
    return _limited(float(match[1].replace(" ", ""))) if match else None


def _offset(stated: str) -> float:
    """The gain from the reference that a file's tags state to that of ReplayGain 2; 0 without one."""
    match = re.fullmatch(r"\s*(-?\d{1,3}(?:[.,]\d{1,8})?)\s*(dB|LUFS)?\s*\0*", stated, re.IGNORECASE)
    if match is None:
        return 0.0
    usual, low, high = _REFERENCES[(match[2] or "dB").lower()]
    reference = float(match[1].replace(",", "."))
    return usual - reference if low <= reference <= high else 0.0


def _limited(gain: float) -> float | None:
    return gain if abs(gain) <= LARGEST_GAIN else None


def _peak(text: str) -> float | None:
    try:
        peak = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return peak if math.isfinite(peak) and 0 < peak <= LARGEST_PEAK else None


def _output_gain(path: Path) -> float | None:
    if path.suffix.lower() not in {".opus", ".ogg", ".oga"}:
        return None
    with path.open("rb") as file:
        head = file.read(128)
    at = head.find(b"OpusHead")
    gain = int.from_bytes(head[at + 16 : at + 18], "little", signed=True) / 256 if at >= 0 else 0.0
    return gain or None
