"""Errors of audio files: one class per fault, each with a `reason` by which reports count."""

from __future__ import annotations

from segue.errors import SegueError

MAY_PASS = frozenset({"missing", "unreadable", "too-slow", "decoder-crashed"})
"""Reasons that may be faults of the machine, not of the file: every run tries these files again."""


class AudioError(SegueError):
    """No descriptors can be computed for a file or waveform.

    Attributes
    ----------
    reason
        A short name of the fault, such as "too-short", the same for all files that have it.
    detail
        The details for this file.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.reason, self.detail)


class Undecodable(AudioError):
    """The file cannot be opened or has no audio: "missing", "unreadable", "empty", "not-audio", "too-slow",
    "decoder-crashed"; from conversion also "not-encoded" and "too-large"; from compression also
    "broken-tags", "wrong-extension", "not-encoded", "other-length", "name-taken" and "changed".
    """


class Truncated(AudioError):
    """The file is shorter than the length that it states."""

    def __init__(self, *, seconds: float) -> None:
        super().__init__("truncated", f"its stated length is {seconds:.1f} s, but it ends long before")


class TooShort(AudioError):
    def __init__(self, *, seconds: float, least: float) -> None:
        super().__init__("too-short", f"{seconds:.2f} s; at least {least:g} s are needed")


class Silent(AudioError):
    def __init__(self, *, peak: float) -> None:
        super().__init__("silent", f"its loudest sample is {peak:.1e} of full scale")


class NotFinite(AudioError):
    def __init__(self, *, what: str) -> None:
        super().__init__("not-finite", f"not a number, or infinite: {what}")


def _restored(kind: type[AudioError], reason: str, detail: str) -> AudioError:
    """Unpickle an error from another process, without the keywords of its constructor."""
    error = kind.__new__(kind)
    AudioError.__init__(error, reason, detail)
    return error
