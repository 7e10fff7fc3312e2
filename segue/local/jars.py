"""The jars of conf/ivy.xml, fetched once with the Ivy that pyspark brings along."""

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
    """The folder of the jars that make the embedded broker."""
    return folder / "kafka"


def jars_ready(folder: Path = JARS) -> bool:
    """Whether `folder` holds what conf/ivy.xml asks for now."""
    stamp = folder / "stamp"
    return stamp.is_file() and stamp.read_text() == _wanted()


def ensure_jars(folder: Path = JARS) -> None:
    """Fetch the jars of conf/ivy.xml into `folder`, unless they are there.

    The folder appears complete or not at all: an interrupted fetch is done again, and what Ivy has in its
    cache by then is not fetched twice.

    Raises
    ------
    SegueError
        The jars could not be fetched, or are not those of conf/jars.sha256.
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
            f"see to the network, then try again (the whole story: {log})"
        )


def _reason(log: Path) -> str:
    """The first line in Ivy's log that says what went wrong."""
    for line in log.read_text(errors="replace").splitlines():
        if match := re.search(r"(unresolved dependency|download failed|\w+Exception).*", line):
            return match[0].strip(" :")[:160]
    return "Ivy gave no reason"


def _drop_bundled(folder: Path) -> None:
    """Leave out what pyspark brings itself: two versions of a library on one class path do not mix."""
    bundled = {_artifact(jar) for jar in _ivy_jar().parent.glob("*.jar")}
    for jar in folder.glob("*.jar"):
        if _artifact(jar) in bundled:
            jar.unlink()


def _compare(folder: Path) -> None:
    """Each jar with its pinned checksum: Ivy compares with what the repository says of itself only."""
    pinned = {name: sum_ for sum_, name in map(str.split, SUMS_FILE.read_text().splitlines())}
    got = {
        str(jar.relative_to(folder)): hashlib.sha256(jar.read_bytes()).hexdigest()
        for jar in folder.rglob("*.jar")
    }
    wrong = sorted(name for name in pinned | got if pinned.get(name) != got.get(name))
    if wrong:
        raise SegueError(
            f"the jars that were fetched are not those of {SUMS_FILE.name}: {', '.join(wrong[:3])}; "
            f"if conf/ivy.xml was changed, change the sums too: CONTRIBUTING.md says how"
        )


def _artifact(jar: Path) -> str:
    return re.sub(r"-\d[^-]*(-[^-]*)?\.jar$", "", jar.name)


def _ivy_jar() -> Path:
    # Importing pyspark takes a second and is not needed to find its folder.
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SegueError("pyspark is not installed: start through ./run.sh, which sets it up")
    jars = sorted((Path(spec.origin).parent / "jars").glob("ivy-*.jar"))
    if not jars:
        raise SegueError("this pyspark has no Ivy jar: remove .local/venv, then run ./run.sh setup")
    return jars[-1]
