"""How blocks are read and run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import Block, _blocks, command_lines, steps
from tests.docs.shell import Shell, matches

TEXT = """\
<!-- not run: it needs Docker -->
```sh
docker compose up
```

1. A step:

    <!-- background: Ctrl-C ends it -->
    ```console
    $ ./run.sh demo \\
    >   --check
    started
    ...
    ```
"""


def test_blocks_have_their_language_place_and_comments() -> None:
    first, second = _blocks("page.md", TEXT)
    assert (first.language, first.text, first.place) == ("sh", "docker compose up", "page.md:2")
    assert first.comment("not run") == "it needs Docker"
    assert second.comment("not run") is None
    assert second.comment("background") == "Ctrl-C ends it"
    (step,) = steps(second)
    assert (step.command, step.expected) == ("./run.sh demo \\\n  --check", "started\n...")
    assert command_lines(second) == ["demo --check"]


@pytest.mark.parametrize(
    ("expected", "output", "equal"),
    [
        ("64 tracks (... s)", "64 tracks (1.2 s)\n", True),
        ("...\nready\n...", "a\nb\nready\nc\n", True),
        ("...\nready", "not yet\n", False),
        ("a library\n...\nlibrary: 64", "a library\n\nlibrary: 64\n", True),
        ("a ... a", "a", False),
        ("one ... three ... two", "one two three", False),
        ("process   state", "process state\n", True),
    ],
)
def test_output_is_compared_as_the_page_shows_it(expected: str, output: str, equal: bool) -> None:
    assert matches(expected, output) == equal


def test_a_shell_keeps_variables_and_background_jobs(tmp_path: Path) -> None:
    with Shell(tmp_path / "checkout") as shell:
        shell.run_block(Block("page", 1, "sh", "export PLACE=here\nsleep 1000 &"))
        shell.run_block(Block("page", 2, "console", "$ echo $PLACE; jobs\nhere\n[1]+ Running ..."))
        shell.run_block(Block("page", 3, "console", "$ ./run.sh --version\nsegue ..."))
        shell.run_block(Block("page", 4, "console", "$ sleep 0; echo ready\nready", (("background", ""),)))
        with pytest.raises(AssertionError, match="page:5"):
            shell.run_block(Block("page", 5, "console", "$ echo there\nhere"))
        with pytest.raises(AssertionError, match="status 3"):
            shell.run_block(Block("page", 6, "sh", "(exit 3)"))


def test_pages_in_one_shell_do_not_see_variables_of_each_other(tmp_path: Path) -> None:
    with Shell(tmp_path / "checkout") as shell:
        with shell.variables_of_their_own():
            shell.run_block(Block("page", 1, "sh", "export PLACE=here\ntouch file"))
            shell.run_block(Block("page", 2, "console", "$ echo $PLACE\nhere"))
        with shell.variables_of_their_own():
            shell.run_block(Block("other", 1, "console", "$ echo ${PLACE:-none}; ls file\nnone\nfile"))
