"""Why a file cannot be described: small named errors with one base, each with a `reason` for counting."""

from __future__ import annotations

from segue.errors import SegueError


class AudioError(SegueError):
    """A file or waveform that no descriptors can be had from.

    Attributes
    ----------
    reason
        One word or two joined by a dash, the same for all files with this fault.
    detail
        What is known of this file.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.reason, self.detail)


class Undecodable(AudioError):
    """It cannot be opened or holds no audio: "missing", "unreadable", "empty", "not-audio", "too-slow",
    "decoder-crashed"; when it is compressed also "broken-tags", "wrong-extension", "not-encoded",
    "other-length", "name-taken", "changed".
    """


class Truncated(AudioError):
    """The file says that it is longer than it is."""

    def __init__(self, *, seconds: float) -> None:
        super().__init__("truncated", f"says that it lasts {seconds:.1f} s, and ends long before")


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
    """An error that comes back from another process, without going through its own keywords again."""
    error = kind.__new__(kind)
    AudioError.__init__(error, reason, detail)
    return error
