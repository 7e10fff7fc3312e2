"""The player's engine without a browser: its types, its unit tests, and the script that Streamlit gets."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from deno import find_deno_bin  # type: ignore[import-untyped]

from segue.dashboard.api import messages
from segue.dashboard.player.components import BAR
from segue.dashboard.player.modules import HERE, bundled
from segue.places import ROOT

ENGINE = HERE / "engine"
TESTS = ROOT / "tests/dashboard/engine"


def deno(*arguments: str | Path, input: str | None = None) -> str:
    """Run Deno, which may read files and nothing else; its output."""
    quiet = {"NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"}
    command = [find_deno_bin(), *map(str, arguments)]
    done = subprocess.run(
        command, env={**os.environ, **quiet}, input=input, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_types_fit() -> None:
    deno(
        "check",
        "--no-remote",
        "--config",
        ENGINE / "deno.json",
        ENGINE / "globals.d.ts",
        *sorted(ENGINE.glob("*.js")),
    )


def test_a_message_of_another_shape_is_a_fault_of_the_types(tmp_path: Path) -> None:
    text = (ENGINE / "loudness.js").read_text().replace("gain.track_gain", "gain.gain_of_the_track")
    for name in ("deno.json", "messages.d.ts"):
        (tmp_path / name).write_text((ENGINE / name).read_text())
    (tmp_path / "loudness.js").write_text(text)
    with pytest.raises(AssertionError, match="gain_of_the_track"):
        deno("check", "--no-remote", "--config", tmp_path / "deno.json", tmp_path / "loudness.js")


def test_units() -> None:
    said = deno("test", "--no-remote", "--no-check", "--allow-read", *sorted(TESTS.glob("*_test.js")))
    assert " 0 failed" in said


def test_the_types_are_those_of_the_messages() -> None:
    """`./run.sh docs reference` writes them anew."""
    assert messages.FILE.read_text() == messages.types()


def test_a_script_has_each_module_once_and_after_those_that_it_needs() -> None:
    script = bundled("engine/engine.js", "js/dom.js")
    assert script.count("class Transport ") == 1
    assert script.index("class Transport ") < script.index("class Queue ") < script.index("class Engine ")
    assert "import {" not in script


@pytest.mark.parametrize("more", [(), ("saved", "offline")], ids=["bar", "page without a network"])
def test_a_script_is_one_scope(tmp_path: Path, more: tuple[str, ...]) -> None:
    """No two of its files declare the same name, and none is used that is not declared."""
    files = ("js/words.js", "engine/engine.js", *(f"js/{name}.js" for name in (*BAR, *more)))
    script = 'const LANGUAGE = "en", WORDS = {}, BAR_DATA = {};\n' + bundled(*files)
    (tmp_path / "bar.js").write_text(script)
    (tmp_path / "deno.json").write_text(
        '{"compilerOptions": {"checkJs": true, "strict": false, "lib": ["dom", "dom.iterable", "esnext"]}}'
    )
    undeclared = "TS2304|TS2451|TS2300|TS2552"
    done = subprocess.run(
        [find_deno_bin(), "check", "--no-remote", "--config", tmp_path / "deno.json", tmp_path / "bar.js"],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "bar.js" in done.stderr
    assert not re.findall(f".*(?:{undeclared}|syntax).*", done.stderr), done.stderr


def test_modules_that_need_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\n')
    with pytest.raises(ValueError, match=r"a\.js imports itself"):
        bundled(str(tmp_path / "a.js"))
