"""Describes and measures files in a separate process.

The process is killed and replaced when a file takes too long.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from functools import partial
from typing import Any

from segue.audio.allowance import Allowance
from segue.audio.describing import WHOLE, LevelRow, Request, Row, Span, unmeasured
from segue.processor_time import processor_time
from segue.settings import AudioSettings

LOADING = 300.0
"""Seconds that the process may take to load its libraries."""
_PIECE = 1 << 16


class Describer:
    """Keeps one describing process, which starts with the first file."""

    def __init__(self, audio: AudioSettings) -> None:
        self._audio = audio
        self._process: subprocess.Popen[bytes] | None = None

    def describe(self, path: str, span: Span = WHOLE) -> Row:
        """The row of a file, or of a part of it: with `vector`, or with `reason` and `detail`.

        The reason is "too-slow" if the file exceeds `decode_timeout` (:class:`Allowance`), and
        "decoder-crashed" if the process has ended.
        """
        answer = self._ask({"path": path, "start": span[0], "end": span[1], "task": "describe"})
        return {**answer, **_bytes(answer, "vector"), **_bytes(answer, "fingerprint")}

    def fingerprint(self, path: str, span: Span = WHOLE) -> bytes | None:
        """The fingerprint of a file, or of a part of it (`segue.audio.fingerprint`); None if it has none."""
        return self.fingerprint_or_reason(path, span)[0]

    def fingerprint_or_reason(self, path: str, span: Span = WHOLE) -> tuple[bytes | None, str]:
        """As :meth:`fingerprint`, with the reason of :meth:`describe` for a file that cannot be decoded."""
        answer = self._ask({"path": path, "start": span[0], "end": span[1], "task": "fingerprint"})
        return _bytes(answer, "fingerprint")["fingerprint"], answer["reason"] or ""

    def measure(self, path: str, span: Span = WHOLE) -> LevelRow:
        """The loudness of a file, or of a part of it, with the reasons of :meth:`describe`."""
        answer = self._ask({"path": path, "start": span[0], "end": span[1], "task": "measure"})
        if answer["reason"]:
            return unmeasured(answer["reason"], answer["detail"])
        return {**answer, **_bytes(answer, "blocks")}

    def _ask(self, request: Request) -> dict[str, Any]:
        try:
            process = self._running()
            assert process.stdin is not None
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            used = partial(processor_time, process.pid)
            limit = self._audio.decode_timeout.total_seconds()
            return self._answer(process, Allowance(limit, used=used))
        except TimeoutError as error:
            self.close()
            return {"reason": "too-slow", "detail": str(error)}
        except (EOFError, BrokenPipeError):
            status = self.close()
            return {"reason": "decoder-crashed", "detail": f"its decoder ended with {status}"}

    def close(self) -> int | None:
        """End the process and its children; returns its exit status, or None if no process runs."""
        process, self._process = self._process, None
        if process is None:
            return None
        ended = process.poll()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        return status if ended is None else ended

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "segue.audio.describing", self._audio.model_dump_json()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                start_new_session=True,  # so that its ffmpeg ends with it
            )
            used = partial(processor_time, self._process.pid)
            self._answer(self._process, Allowance(LOADING, used=used))
        return self._process

    @staticmethod
    def _answer(process: subprocess.Popen[bytes], allowance: Allowance) -> dict[str, Any]:
        """The next line that the process writes.

        Raises
        ------
        TimeoutError
            The allowance is exceeded; the message names the limit.
        EOFError
            The process has ended.
        """
        assert process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([process.stdout], [], [], allowance.interval)[0]:
                if why := allowance.exceeded():
                    raise TimeoutError(why)
                continue
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                raise EOFError
            line += piece
        answer: dict[str, Any] = json.loads(line)
        return answer


def _bytes(answer: dict[str, Any], name: str) -> dict[str, bytes | None]:
    value = answer.get(name)
    return {name: None if value is None else base64.b64decode(value)}
