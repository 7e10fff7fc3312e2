"""The jars of conf/ivy.xml, fetched once with the Ivy in pyspark."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from segue.errors import SegueError
from segue.local.java import java_command
from segue.local.process import locked
from segue.places import CONF, LOCAL

IVY_FILE = CONF / "ivy.xml"
SUMS_FILE = CONF / "jars.sha256"
JARS = LOCAL / "jars"


def spark_jars(folder: Path = JARS) -> Path:
    """The folder of the jars that Spark needs beyond those in pyspark."""
    return folder / "spark"


def kafka_jars(folder: Path = JARS) -> Path:
    """The folder of the embedded broker's jars."""
    return folder / "kafka"


def jars_ready(folder: Path = JARS) -> bool:
    """Whether `folder` has the jars of the current conf/ivy.xml."""
    stamp = folder / "stamp"
    return stamp.is_file() and stamp.read_text() == _wanted()


def ensure_jars(folder: Path = JARS) -> None:
    """Fetch the jars of conf/ivy.xml into `folder`, if they are missing.

    The folder appears complete or not at all. After an interruption, call it again: Ivy does not download the
    jars in its cache twice.

    Raises
    ------
    SegueError
        The jars could not be fetched, or do not match conf/jars.sha256.
    """
    if jars_ready(folder):
        return
    with locked(folder.with_name(f"{folder.name}.lock")):
        if jars_ready(folder):
            return
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        _retrieve(part, cache=folder.with_name("ivy"))
        _drop_bundled(spark_jars(part))
        _compare(part)
        (part / "stamp").write_text(_wanted())
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)


def _wanted() -> str:
    return hashlib.sha256(IVY_FILE.read_bytes() + _ivy_jar().name.encode()).hexdigest()


def _retrieve(target: Path, *, cache: Path) -> None:
    log = target.with_name("ivy.log")
    pattern = f"{target}/[conf]/[artifact]-[revision].[ext]"
    command = [java_command(), "-jar", str(_ivy_jar()), "-ivy", str(IVY_FILE), "-cache", str(cache)]
    with log.open("w") as output:
        done = subprocess.run(
            [*command, "-retrieve", pattern],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode or not kafka_jars(target).is_dir() or not spark_jars(target).is_dir():
        raise SegueError(
            f"the jars could not be fetched from Maven Central: {_reason(log)}; "
            f"check the network, then try again (full log: {log})"
        )


def _reason(log: Path) -> str:
    """The first error in Ivy's log."""
    for line in log.read_text(errors="replace").splitlines():
        if match := re.search(r"(unresolved dependency|download failed|\w+Exception).*", line):
            return match[0].strip(" :")[:160]
    return "Ivy gave no reason"


def _drop_bundled(folder: Path) -> None:
    """Remove jars that pyspark has too: two versions of a library on a class path conflict."""
    bundled = {_artifact(jar) for jar in pyspark_jars().glob("*.jar")}
    for jar in folder.glob("*.jar"):
        if _artifact(jar) in bundled:
            jar.unlink()


def _compare(folder: Path) -> None:
    """Check each jar's pinned checksum: Ivy compares only with the repository's own checksums."""
    pinned = {name: sum_ for sum_, name in map(str.split, SUMS_FILE.read_text().splitlines())}
    got = {
        str(jar.relative_to(folder)): hashlib.sha256(jar.read_bytes()).hexdigest()
        for jar in folder.rglob("*.jar")
    }
    wrong = sorted(name for name in pinned | got if pinned.get(name) != got.get(name))
    if wrong:
        raise SegueError(
            f"the fetched jars do not match {SUMS_FILE.name}: {', '.join(wrong[:3])}; "
            "if conf/ivy.xml has changed, update the checksums (docs/contributing/recipes.md, A jar)"
        )


def _artifact(jar: Path) -> str:
    return re.sub(r"-\d[^-]*(-[^-]*)?\.jar$", "", jar.name)


def pyspark_jars() -> Path:
    """The folder of Spark's own jars.

    Raises
    ------
    SegueError
        pyspark is not installed.
    """
    # Importing pyspark takes a second and is not needed to find its folder.
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SegueError("pyspark is not installed: start through ./run.sh, which sets it up")
    return Path(spec.origin).parent / "jars"


def _ivy_jar() -> Path:
    jars = sorted(pyspark_jars().glob("ivy-*.jar"))
    if not jars:
        raise SegueError("this pyspark has no Ivy jar: remove .local/venv, then run ./run.sh setup")
    return jars[-1]
