"""Whether a recording is sent as it is, or in another form at a lower bit rate."""

from __future__ import annotations

from collections.abc import Sequence

from segue.audio.transcoding.forms import FORMS, Form

RAW = "raw"
"""The name by which players ask for the file itself."""


def choose(
    *,
    wanted: str | None,
    kilobits: int | None,
    max_kilobits: int | None,
    suffix: str,
    usual: Sequence[str],
    usual_kilobits: int,
) -> tuple[Form, int] | None:
    """The form and the bit rate (thousand bits a second) in which to send a recording; None for the file.

    Parameters
    ----------
    wanted
        "raw", or the name of a form; None leaves the choice to the server.
    kilobits
        The average bit rate of the file, if it is known.
    max_kilobits
        The largest bit rate that the player wants; None or 0 for no limit.
    suffix
        The file's suffix.
    usual, usual_kilobits
        The forms to choose from, the first preferred, and the bit rate without a limit.

    Raises
    ------
    KeyError
        There is no such form.
    """
    if wanted == RAW:
        return None
    if wanted is not None and wanted not in usual:
        raise KeyError(wanted)
    if fits(kilobits, max_kilobits) and (wanted is None or suffix == _OWN_SUFFIXES[wanted]):
        return None
    form = FORMS[wanted or usual[0]]
    if form.is_lossless and max_kilobits:
        form = next((FORMS[name] for name in usual if not FORMS[name].is_lossless), form)
    return form, form.kilobits(min(usual_kilobits, max_kilobits or usual_kilobits))


def fits(kilobits: int | None, max_kilobits: int | None) -> bool:
    """Whether a file has the bit rate that a player wants, or the player wants any."""
    return not max_kilobits or (kilobits is not None and kilobits <= max_kilobits)


_OWN_SUFFIXES = {"opus": ".opus", "mp3": ".mp3", "aac": ".aac", "flac": ".flac"}
"""The suffix of files that are in a form already."""
