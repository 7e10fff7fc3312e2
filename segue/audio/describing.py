"""The process that describes files, one at a time, for a :class:`segue.audio.describer.Describer`.

It reads a line of JSON for each path and writes a line with `vector` (base64), or with `reason` and
`detail`. Decoders are C code that reads untrusted files. In a separate process, a hang or a crash costs one
file only.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import sys
from threading import Thread

from segue.settings import AudioSettings

Row = dict[str, bytes | str | None]
"""A file's `vector` as float32 bytes, or the `reason` and `detail` of its rejection."""


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
        row = describe_row(json.loads(line), audio)
        vector = row["vector"]
        text = base64.b64encode(vector).decode() if isinstance(vector, bytes) else None
        out.write(json.dumps({**row, "vector": text}) + "\n")
        out.flush()


def describe_row(path: str, audio: AudioSettings) -> Row:
    """The row of a file without its id."""
    from segue.audio.decode import decode
    from segue.audio.descriptors import describe
    from segue.audio.errors import AudioError

    try:
        vector = describe(decode(path, audio), audio).astype("<f4").tobytes()
    except AudioError as error:
        return {"vector": None, "reason": error.reason, "detail": error.detail}
    return {"vector": vector, "reason": None, "detail": None}


def _end_with_owner() -> None:
    """End this process and its ffmpeg, even in the middle of a file, when the owner has closed the pipe."""
    owner = select.poll()
    owner.register(sys.stdin.fileno(), 0)  # poll reports a closed pipe even with an empty mask
    owner.poll()
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
