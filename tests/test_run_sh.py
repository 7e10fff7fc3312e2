"""The one entry point: the commands that it lists, and its messages on a machine that lacks something."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from segue.cli.commands import COMMANDS
from segue.places import ROOT


def _run(
    *arguments: str, root: Path = ROOT, path: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(root / "run.sh"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path or os.environ["PATH"], **environment},
        cwd="/",
        check=False,
        timeout=600,
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A copy on which nothing has been set up, and beside it a PATH with the plain tools and Python only."""
    root = tmp_path / "a copy"
    for name in (
        "run.sh",
        "requirements.txt",
        "requirements-embedded.txt",
        "conf/ivy.xml",
        "conf/installer.txt",
        "segue/__init__.py",
        "segue/cli/__init__.py",
        "segue/cli/commands.py",
        "segue/cli/former.py",
        "segue/cli/listing.py",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "cat", "cksum", "sed", "awk", "df", "uname", "mkdir", "flock", "rm"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    return root


def _python(bare: Path, text: str) -> None:
    script = bare.parent / "bin" / "python3"
    script.write_text(f"#!/bin/bash\n{text}\n")
    script.chmod(0o755)


@pytest.fixture
def ready(bare: Path) -> Path:
    """The same copy with packages, and a stand-in that notes where Java and the jars are made."""
    for name in ("segue/__init__.py", "segue/places.py"):
        shutil.copy(ROOT / name, bare / name)
    python = bare.parent / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f"""#!/bin/bash
        case $* in
          *'prepare()'*)
            folder=$({sys.executable} -P -c 'from segue.places import LOCAL; print(LOCAL)')
            mkdir -p "$folder/jars/spark" "$folder/spark-pages" "$folder/java/bin"
            install -m 755 /dev/null "$folder/java/bin/java"
            echo "$folder" >>{shlex.quote(str(bare.parent / "prepared"))}
            echo "$folder/java"
            ;;
          *'java_home()'*) ;;
          *'-m tests.class_archives'* | *'-m tests.compiled_code'*) echo 'no room' >&2; exit 1 ;;
          *'-m segue '*) echo "$JAVA_HOME" ;;
          *) exec {sys.executable} "$@" ;;
        esac
        """
    )
    python.chmod(0o755)
    (bare / ".local").mkdir()
    (bare / ".local/venv").symlink_to(bare.parent / "venv")
    return bare


def test_java_and_jars_are_where_segue_home_says(ready: Path, tmp_path: Path) -> None:
    """Made once in each folder, and the packages do not move."""
    homes = {"": ready / ".local", str(tmp_path / "a home"): tmp_path / "a home"}
    for _ in range(2):
        for home, folder in homes.items():
            done = _run("status", root=ready, SEGUE_HOME=home, JAVA_HOME="")
            assert done.returncode == 0, done.stderr
            assert done.stdout == f"{folder}/java\n"
            assert (folder / "java-home").is_file()
    assert (tmp_path / "prepared").read_text().splitlines() == [str(folder) for folder in homes.values()]


def test_without_archives_of_classes_and_compiled_code_the_setup_goes_on(ready: Path) -> None:
    (ready / "requirements-dev.txt").touch()
    done = _run("setup", "dev", root=ready, JAVA_HOME="")
    assert done.returncode == 0
    local = ready / ".local"
    assert set(done.stderr.splitlines()[-2:]) == {
        f"segue: the archives of Java's classes could not be made: see {local}/class-archives.log",
        f"segue: functions could not be compiled in advance: see {local}/compiled-code.log",
    }
    for name in ("class-archives", "compiled-code"):
        assert (local / f"{name}.log").read_text() == "no room\n"


def test_a_folder_for_data_that_cannot_be_made_is_named(ready: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _run("status", root=ready, SEGUE_HOME=f"{tmp_path}/file/home", JAVA_HOME="")
    assert done.returncode == 1
    assert done.stderr == (
        f"segue: Java and the jars belong in {tmp_path}/file/home, but this user may not write there: "
        "set another folder with SEGUE_HOME\n"
    )


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"]])
def test_help_lists_every_command_with_an_example(arguments: list[str]) -> None:
    done = _run(*arguments)
    assert done.returncode == 0
    names = [command.name for command in COMMANDS]
    assert re.findall(r"^  (\w+(?: [\w-]+)?) +\w", done.stdout, re.MULTILINE) == names
    for name in names:
        assert re.search(rf"^ +\./run\.sh {name}\b", done.stdout, re.MULTILINE)


def test_an_unknown_command_is_refused_in_one_line() -> None:
    done = _run("nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "segue: there is no command 'nonsense': ./run.sh help lists them\n"


def test_a_machine_without_python_is_told_so(bare: Path) -> None:
    done = _run("up", root=bare, path=str(bare.parent / "bin"))
    assert done.returncode == 1
    assert done.stderr.startswith("segue: no Python 3.11 to 3.14 found: install one: apt install python3")
    assert done.stderr.count("\n") == 1


def test_a_machine_without_the_venv_module_is_told_so(bare: Path) -> None:
    _python(bare, f'[[ "$*" != *ensurepip* ]] || exit 1; exec {sys.executable} "$@"')
    done = _run("up", root=bare, path=str(bare.parent / "bin"))
    assert done.returncode == 1
    assert "install its venv module: apt install python3-venv" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_machine_without_a_compiler_is_told_so(bare: Path) -> None:
    _python(bare, f'exec {sys.executable} "$@"')
    done = _run("up", root=bare, path=str(bare.parent / "bin"))
    assert done.returncode == 1
    assert (
        done.stderr == "segue: no C++ compiler found: install a C++ compiler: apt install g++ python3-dev\n"
    )


def test_a_machine_with_a_full_disk_is_told_so(bare: Path) -> None:
    _python(bare, f'exec {sys.executable} "$@"')
    tools = bare.parent / "bin"
    (tools / "g++").symlink_to("/bin/true")
    (tools / "df").unlink()
    (tools / "df").write_text("#!/bin/bash\necho header\necho /dev/x 100000000 99000000 1000000 99% /\n")
    (tools / "df").chmod(0o755)
    done = _run("up", root=bare, path=str(tools))
    assert done.returncode == 1
    assert "only 1 GB are free on the disk of" in done.stderr
    assert not (bare / ".local" / "venv").exists()


@pytest.fixture
def source(bare: Path) -> Path:
    """A copy of the code on which nothing has been set up, with Python and no compiler."""
    shutil.copytree(ROOT / "segue", bare / "segue", dirs_exist_ok=True, ignore_dangling_symlinks=True)
    # -S: as on a machine with none of the packages.
    _python(bare, f'exec {sys.executable} -S "$@"')
    return bare


def test_the_doctor_works_before_set_up_and_sets_nothing_up(source: Path) -> None:
    tools = str(source.parent / "bin")
    done = _run("doctor", root=source, path=tools, JAVA_HOME="")
    assert done.returncode == 1, done.stderr
    assert "problem  C++ compiler: none found" in done.stdout
    assert "-> run: apt install g++" in done.stdout
    assert "Segue is not set up yet" in done.stdout
    assert not (source / ".local").exists()
    json_only = _run("doctor", "--json", "-", root=source, path=tools, JAVA_HOME="")
    assert {"name", "state", "found", "fix"} == json.loads(json_only.stdout)[0].keys()
