"""The process that describes files for a :class:`segue.udfs.describer.Describer`, one after the other.

A line of JSON comes in for each path, and one goes out: with `vector` (base64), or with `reason` and
`detail`. Decoders are C code on files from anywhere: in a process of their own they may hang or crash, and
cost one file.
"""

from __future__ import annotations

import base64
import json
import os
import sys

from segue.settings import Audio


def main() -> None:
    audio = Audio.model_validate_json(sys.argv[1])
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    # What libmpg123 writes about damaged frames goes past Python, and into nobody's console.
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    from threadpoolctl import threadpool_limits

    import segue.audio.descriptors  # noqa: F401  # the numeric libraries must be there to be limited

    # Spark runs a worker a core, and a pool of threads in each would make them wait for one another.
    threadpool_limits(audio.threads)
    out.write("{}\n")
    out.flush()
    for line in sys.stdin:
        found = describe_file(json.loads(line), audio)
        vector = found["vector"]
        told = {**found, "vector": base64.b64encode(vector).decode() if isinstance(vector, bytes) else None}
        out.write(json.dumps(told) + "\n")
        out.flush()


def describe_file(path: str, audio: Audio) -> dict[str, bytes | str | None]:
    """One file's row but for its id: with `vector`, or with `reason` and `detail`."""
    from segue.audio.decode import decode
    from segue.audio.descriptors import describe
    from segue.audio.errors import AudioError
    from segue.storage.mongo import pack

    try:
        waveform = decode(
            path,
            sample_rate=audio.sample_rate,
            max_seconds=audio.max_seconds,
            min_seconds=audio.min_seconds,
        )
        return {"vector": pack(describe(waveform, audio)), "reason": None, "detail": None}
    except AudioError as error:
        return {"vector": None, "reason": error.reason, "detail": error.detail}


if __name__ == "__main__":
    main()
