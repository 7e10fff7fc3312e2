"""Archives of classes for Java (class data sharing).

A JVM that starts with an archive maps its classes into memory; otherwise it reads them from jars and verifies
them. Spark's driver and the embedded broker start with an archive if this machine has one that was made with
the same Java and the same jars. `./run.sh test` and `./run.sh setup dev` make them (tests/class_archives).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from segue.local.jars import kafka_jars, pyspark_jars, spark_jars
from segue.local.spark_pages import FOLDER as FOLDER_OF_PAGES
from segue.places import LOCAL

FOLDER = LOCAL / "class-archives"
_QUIET = "-Xlog:cds*=off"
"""No warnings: a JVM that rejects an archive loads its classes from the jars."""


def driver_archive(home: Path, *, folder: Path = FOLDER) -> Path | None:
    """The place of the archive of a local Spark driver, for the Java in `home`.

    None for a Java that cannot use archives: one without an archive of its own classes, such as a trimmed
    runtime.
    """
    jars = [*spark_jars().glob("*.jar"), *FOLDER_OF_PAGES.glob("*.jar"), *pyspark_jars().glob("*.jar")]
    return _archive("spark", home=home, jars=jars, folder=folder)


def broker_archive(home: Path, *, folder: Path = FOLDER) -> Path | None:
    """The place of the archive of the embedded broker, otherwise as :func:`driver_archive`."""
    return _archive("kafka", home=home, jars=kafka_jars().glob("*.jar"), folder=folder)


def _archive(name: str, *, home: Path, jars: Iterable[Path], folder: Path) -> Path | None:
    server = home / "lib" / "server"
    if not (server / "classes.jsa").is_file():
        return None
    # The JVM rejects an archive if one of these has changed.
    parts = "\n".join(_properties(file) for file in [server / "libjvm.so", *sorted(jars)])
    return folder / f"{name}-{hashlib.sha256(parts.encode()).hexdigest()[:16]}.jsa"


def _properties(file: Path) -> str:
    found = file.stat()
    return f"{file} {found.st_size} {found.st_mtime_ns}"


def reading(archive: Path | None) -> list[str]:
    """The JVM options that use an archive; none if it does not exist."""
    if archive is None or not archive.is_file():
        return []
    return [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto", _QUIET]


def writing(archive: Path) -> list[str]:
    """The JVM options that make an archive of all loaded classes when the JVM exits."""
    return [f"-XX:ArchiveClassesAtExit={archive}", _QUIET]
