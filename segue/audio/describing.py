"""The process that describes and measures files, one at a time, for a `segue.audio.describer.Describer`.

It reads a line of JSON for each :class:`Request`, and writes a line with the answer, in which bytes are
base64; a rejected file has `reason` and `detail`. Decoders are C code that reads untrusted files. In a
separate process, a hang or a crash costs one file only.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import sys
from pathlib import Path
from threading import Thread
from typing import Any, Literal, TypedDict

from segue.settings import AudioSettings

Row = dict[str, bytes | str | None]
"""A file's `vector` as float32 bytes and its `fingerprint`, or the `reason` and `detail` of its rejection."""
LevelRow = dict[str, bytes | str | float | None]
"""The fields of a file's :class:`segue.audio.levels.Level`, or `reason` and `detail`."""


Span = tuple[float, float | None]
"""Start and end in seconds from the beginning of a file; None for its end."""
WHOLE: Span = (0.0, None)


class Request(TypedDict):
    """A line of input."""

    path: str
    start: float
    """Seconds from the beginning of the file."""
    end: float | None
    """Seconds from the beginning of the file; None for its end."""
    task: Literal["describe", "measure", "fingerprint"]


def main() -> None:
    Thread(target=_end_with_owner, daemon=True).start()
    audio = AudioSettings.model_validate_json(sys.argv[1])
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    # libmpg123 writes warnings about damaged frames to the file descriptor, past Python's sys.stderr.
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    from threadpoolctl import threadpool_limits

    import segue.audio.descriptors  # noqa: F401  # the numeric libraries must be there to be limited

    # Spark runs a worker per core: a thread pool in each worker would compete for the same cores.
    threadpool_limits(audio.threads_per_worker)
    out.write("{}\n")
    out.flush()
    for line in sys.stdin:
        out.write(json.dumps(_answer(json.loads(line), audio), default=_text) + "\n")
        out.flush()


def _answer(request: Request, audio: AudioSettings) -> Row | LevelRow:
    path, span = request["path"], (request["start"], request["end"])
    if request["task"] == "measure":
        return measure_row(path, span)
    return describe_row(path, audio, span, only_fingerprint=request["task"] == "fingerprint")


def _text(value: Any) -> str:
    """Bytes for JSON."""
    return base64.b64encode(value).decode()


def describe_row(
    path: str, audio: AudioSettings, span: Span = WHOLE, *, only_fingerprint: bool = False
) -> Row:
    """The row of a file, or of a part of it, without its id; with `only_fingerprint`, without a vector."""
    from segue.audio.decode import decode
    from segue.audio.descriptors import describe
    from segue.audio.errors import AudioError
    from segue.audio.fingerprint import fingerprint

    try:
        waveform = decode(path, audio, start=span[0], end=span[1])
        vector = None if only_fingerprint else describe(waveform, audio).astype("<f4").tobytes()
        heard = fingerprint(waveform, rate=audio.sample_rate)
    except AudioError as error:
        return {"vector": None, "fingerprint": None, "reason": error.reason, "detail": error.detail}
    return {"vector": vector, "fingerprint": heard, "reason": None, "detail": None}


def measure_row(path: str, span: Span = WHOLE) -> LevelRow:
    """The loudness of a file, or of a part of it, without its id."""
    from segue.audio.errors import AudioError
    from segue.audio.loudness import measure

    try:
        level = measure(Path(path), start=span[0], end=span[1])
    except AudioError as error:
        return unmeasured(error.reason, error.detail)
    return {
        "integrated": level.integrated,
        "peak": level.peak,
        "blocks": level.blocks,
        "reason": None,
        "detail": None,
    }


def unmeasured(reason: str, detail: str) -> LevelRow:
    """The row of a file that cannot be measured."""
    return {"integrated": None, "peak": None, "blocks": None, "reason": reason, "detail": detail}


def _end_with_owner() -> None:
    """End this process and its ffmpeg, even in the middle of a file, when the owner has closed the pipe."""
    owner = select.poll()
    owner.register(sys.stdin.fileno(), 0)  # poll reports a closed pipe even with an empty mask
    owner.poll()
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
