"""`./run.sh stream pack`: everything that a cluster's workers lack, in one folder for spark-submit.

====================  ====================================================================================
code.zip              the project's Python packages, for the driver and the workers
python.tar.gz         the libraries that workers import; they unpack it to ./python
jars/                 the Kafka source, and the filter of Spark's web pages
conf/                 the default settings, and the driver's log
stream.py             the script for spark-submit
spark.conf            for spark-submit --properties-file: the paths of all parts, and Spark's own settings
====================  ====================================================================================

A pack is named by its contents and never changed: executors that start later still fetch from it, so that a
running job keeps its code.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import segue
from segue.errors import SegueError, one_line_errors
from segue.local.jars import ensure_jars, spark_jars
from segue.local.spark_pages import ensure_filter, filter_jar
from segue.places import CONF, LOCAL
from segue.ranking.learned_order import SHIPPED_FILE
from segue.settings import Settings, load_settings
from segue.spark.defaults import cluster_defaults
from segue.spark.environment import distributions, write_archive

PACKS = LOCAL / "packs"
CONF_FILES = (
    "default.toml",
    "log4j2.properties",
    "log4j2-json.properties",
    "spark-defaults.conf",
    "spark-cluster.conf",
)
_LEFT_OUT = ("benchmarks", "cli", "conf", "dashboard", "demo", "__pycache__")
"""Folders below `segue` that a streaming job does not need."""
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""The version of Python that the workers need: compiled packages fit one minor version only."""
_MAIN = '''\
"""The streaming job for spark-submit, from code.zip, with the settings beside this file."""

import os
from pathlib import Path

os.environ.setdefault("SEGUE_ROOT", str(Path(__file__).resolve().parent))

from segue.streaming_jobs.cli import main

main()
'''


def pack(folder: Path = PACKS) -> Path:
    """Make the pack of the present code and packages, unless it exists, and return its folder.

    It appears complete or not at all.

    Raises
    ------
    SegueError
        A jar cannot be fetched, a package is missing, or the folder cannot be written.
    """
    ensure_jars()
    ensure_filter()
    target = folder.resolve() / _version()
    if target.is_dir():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pack-", dir=folder) as temporary:
            part = Path(temporary) / "pack"
            _fill(part, target=target)
            part.replace(target)
    except OSError as error:
        if not target.is_dir():  # another process may have been first
            raise SegueError(f"{folder} cannot be written: {error.strerror or error}") from None
    return target


def _fill(part: Path, *, target: Path) -> None:
    (part / "conf").mkdir(parents=True)
    with zipfile.ZipFile(part / "code.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in _code().items():
            archive.write(file, name)
    write_archive(part / "python.tar.gz")
    (part / "jars").mkdir()
    for jar in _jars():
        shutil.copy(jar, part / "jars")
    for name in CONF_FILES:
        shutil.copy(CONF / name, part / "conf")
    (part / "stream.py").write_text(_MAIN)
    lines = [
        f"{key} {value}\n" for key, value in properties(target, jars=[jar.name for jar in _jars()]).items()
    ]
    (part / "spark.conf").write_text("".join(lines))


def properties(pack: Path, *, jars: list[str]) -> dict[str, str]:
    """Spark's properties: the common settings, those for a cluster, and the paths of the parts of `pack`."""
    values = cluster_defaults()
    log = f"-Dlog4j2.configurationFile={pack}/conf/log4j2.properties"
    del values["spark.driver.extraClassPath"]  # the jars go to driver and executors alike
    return values | {
        "spark.driver.extraJavaOptions": f"{log} -XX:+UseG1GC",
        "spark.submit.pyFiles": f"{pack}/code.zip",
        "spark.archives": f"{pack}/python.tar.gz#python",
        "spark.jars": ",".join(f"{pack}/jars/{name}" for name in jars),
        "spark.pyspark.python": PYTHON,
        "spark.pyspark.driver.python": sys.executable,
        # Executors unpack the packages here; the path is relative to their working folder.
        "spark.executorEnv.PYTHONPATH": "./python",
    }


def _jars() -> list[Path]:
    return sorted([*spark_jars().glob("*.jar"), filter_jar()], key=lambda jar: jar.name)


def _code() -> dict[str, Path]:
    """The modules of the package `segue` and the shipped order, by their names in the archive."""
    return dict(sorted(_modules(Path(segue.__file__).parent, name="segue")))


def _modules(folder: Path, *, name: str) -> Iterator[tuple[str, Path]]:
    # Path.rglob would leave out packages that are symbolic links in a checkout.
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name not in _LEFT_OUT:
            yield from _modules(entry, name=f"{name}/{entry.name}")
        elif entry.suffix == ".py" or entry.name == SHIPPED_FILE:
            yield f"{name}/{entry.name}", entry


def _version() -> str:
    """A hash of everything in a pack."""
    parts = [name.encode() + b"\0" + file.read_bytes() for name, file in _code().items()]
    parts += [(CONF / name).read_bytes() for name in CONF_FILES]
    parts += [f"{name}=={distribution.version}".encode() for name, distribution in distributions().items()]
    parts += [jar.name.encode() for jar in _jars()]
    parts += [PYTHON.encode(), sys.executable.encode(), _MAIN.encode()]
    return hashlib.sha256(b"\0\0".join(parts)).hexdigest()[:16]


def pack_command(
    output: Annotated[
        Path, typer.Option(help="The folder of the packs. Each pack gets a folder in it.")
    ] = PACKS,
) -> None:
    """Pack the streaming job, with the packages that its workers need, for spark-submit to a cluster.

    The command prints the spark-submit line that runs the pack. If the settings leave a server to Segue, the
    line sets SEGUE_HOME, where the packed job finds the embedded servers. If you use a settings file of your
    own, the line sets SEGUE_CONF.

    Example: ./run.sh stream pack

    Example: ./run.sh stream pack --output /srv/segue
    """
    with one_line_errors():
        made = pack(output)
        typer.echo(f"packed: {made}")
        typer.echo(submit_line(made, load_settings()))


def submit_line(made: Path, settings: Settings) -> str:
    """The command that runs a pack, with the variables that it needs: a packed job has its own home folder.

    SEGUE_HOME is where the job looks for the embedded servers; SEGUE_CONF names the user's settings file.
    """
    variables = {}
    if not (settings.kafka.bootstrap_servers and settings.mongo.uri):
        variables["SEGUE_HOME"] = str(LOCAL)
    if own := os.environ.get("SEGUE_CONF"):
        variables["SEGUE_CONF"] = str(Path(own).absolute())
    master = settings.spark.master if settings.spark.master.startswith("spark://") else "spark://HOST:7077"
    return " ".join(
        [
            *(f"{name}={shlex.quote(value)}" for name, value in variables.items()),
            "spark-submit",
            f"--master {master} --deploy-mode client",
            f"--properties-file {shlex.quote(f'{made}/spark.conf')} {shlex.quote(f'{made}/stream.py')}",
        ]
    )
