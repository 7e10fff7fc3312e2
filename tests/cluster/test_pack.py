"""The pack: complete, importable without the project, named by its contents."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.errors import SegueError
from segue.settings import load_settings
from segue.spark.defaults import values_of
from segue.spark.environment import NEEDED, distributions
from segue.spark.pack import pack
from segue.spark.session import on_workers
from tests.cluster.processes import bare_environment

_IMPORT = (
    "import pyarrow, pandas, segue.index.backends; from segue.udfs import replan; "
    "print(replan.__file__, pyarrow.__file__)"
)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("packs")
    yield pack(folder)
    shutil.rmtree(folder)


def test_a_python_without_packages_imports_the_workers_code_from_the_pack(
    packed: Path, tmp_path: Path
) -> None:
    with tarfile.open(packed / "python.tar.gz") as archive:
        archive.extractall(tmp_path / "python", filter="data")
    spark = Path(sys.modules["pyspark"].__file__ or "").parent / "python" / "lib"
    path = [packed / "code.zip", tmp_path / "python", *spark.glob("*.zip")]
    done = subprocess.run(
        # Without its own site-packages, which may have packages that the pack lacks.
        [sys._base_executable, "-s", "-S", "-c", _IMPORT],  # type: ignore[attr-defined]
        env=bare_environment(PYTHONPATH=":".join(str(one) for one in path)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    code, library = done.stdout.split()
    assert code.startswith(str(packed)) and library.startswith(str(tmp_path))


def test_all_that_spark_is_told_of_is_there(packed: Path) -> None:
    values = values_of(packed / "spark.conf")
    for key in ("spark.submit.pyFiles", "spark.archives", "spark.jars"):
        for file in values[key].split(","):
            assert Path(file.partition("#")[0]).is_file(), key
    assert "spark.driver.extraClassPath" not in values
    assert "BareLocalFileSystem" not in values.values(), "for a checkpoint on the driver's own disk only"


def test_the_same_contents_are_the_same_pack_and_are_left_alone(packed: Path) -> None:
    before = (packed / "code.zip").stat().st_mtime_ns
    assert pack(packed.parent) == packed
    assert (packed / "code.zip").stat().st_mtime_ns == before
    assert [one.name for one in packed.parent.iterdir()] == [packed.name]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SegueError, match="cannot be written"):
        pack(tmp_path / "file" / "packs")


def test_the_pack_has_the_requirements_of_its_packages() -> None:
    assert {"dnspython", "pydantic-core", "python-dateutil"} <= set(distributions())
    assert set(NEEDED) <= set(distributions())
    with pytest.raises(SegueError, match="no-such-package is not installed"):
        distributions(("no-such-package",))


def test_on_a_cluster_workers_have_a_folder_of_their_own_for_bundles() -> None:
    settings = load_settings()
    assert on_workers(settings, master="local[2]") == settings
    assert on_workers(settings, master="spark://host:7077").index.folder == settings.index.worker_folder
