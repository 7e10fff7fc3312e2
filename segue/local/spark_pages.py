"""The filter of Spark's web pages, which answers to known host names only (conf/KnownHosts.java).

Spark has no such filter. The compiler that it uses for its own generated code, Janino, compiles this one.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import zipfile
from pathlib import Path

from segue.errors import SegueError
from segue.local.jars import pyspark_jars
from segue.local.java import java_command
from segue.places import CONF, LOCAL

FILTER = "segue.KnownHosts"
"""The name of the class, for `spark.ui.filters`."""
SOURCE = CONF / "KnownHosts.java"
FOLDER = LOCAL / "spark-pages"
_COMPILER = "org.codehaus.commons.compiler.samples.CompilerDemo"
_LIBRARY = "jakarta.servlet-api-*.jar"


def filter_jar(folder: Path = FOLDER) -> Path:
    """The place of the jar of the present source."""
    return folder / f"known-hosts-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}.jar"


def ensure_filter(folder: Path = FOLDER) -> Path:
    """Compile the filter into a jar in `folder`, unless it is there; the folder has no other jar then.

    The same source gives the same jar on every machine.

    Raises
    ------
    SegueError
        It cannot be compiled, or the folder cannot be written.
    """
    jar = filter_jar(folder)
    if jar.is_file():
        return jar
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as temporary:
            part = Path(temporary) / jar.name
            _pack(_compiled(Path(temporary)), part)
            part.replace(jar)
        for former in set(folder.glob("known-hosts-*.jar")) - {jar}:
            former.unlink(missing_ok=True)
    except OSError as error:
        raise SegueError(f"{folder} cannot be written: {error.strerror or error}") from None
    return jar


def _compiled(folder: Path) -> Path:
    """The folder with the compiled class, below `folder`."""
    target, jars = folder / "classes", pyspark_jars()
    (library,) = jars.glob(_LIBRARY)
    command = [java_command(), "-cp", f"{jars}/*", _COMPILER, "-classpath", str(library), "-d", str(target)]
    done = subprocess.run([*command, str(SOURCE)], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if not (target / "segue" / "KnownHosts.class").is_file():
        raise SegueError(f"{SOURCE} cannot be compiled: {done.stderr.decode(errors='replace').strip()[:300]}")
    return target


def _pack(classes: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w") as archive:
        for file in sorted(classes.rglob("*.class")):
            name = zipfile.ZipInfo(str(file.relative_to(classes)))  # dated 1980
            archive.writestr(name, file.read_bytes())
