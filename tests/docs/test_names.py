"""The documentation names files, modules, commands, settings and headings that are there."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from segue.cli.commands import COMMANDS, GROUPS
from segue.cli.former import FORMER_COMMANDS
from segue.places import ROOT
from segue.renamed_settings import RENAMED
from segue.settings import Settings

DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "conf" / "default.toml")
)
CHANGELOG, UPGRADE_NOTES = "CHANGELOG.md", "docs/upgrade-notes.md"
OF_THE_PAST = {"docs/reference/settings.md", CHANGELOG, UPGRADE_NOTES}
"""They also name modules, files and settings that are gone."""
PATH = re.compile(
    r"(?<![\w./~+-])(?<!pass show )"
    r"(?:batch_jobs|benchmarks|conf|dashboard|deploy|docs|segue|streaming_jobs|tests|udfs|\.ci|\.github)"
    r"/[\w./-]*[\w/](?![\w<*{])"
)
DOTTED = re.compile(r"(?<![\w./])segue(?:\.\w+)+")
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\./run\.sh ([a-z]+)(?: ([a-z-]+))?")
SETTING = re.compile(r"`([a-z_]+(?:\.[a-z_]+)+)`")
VARIABLE = re.compile(r"\bSEGUE_([A-Z]+__[A-Z_]+)\b")
CODE = re.compile(r"`([A-Z]\w+(?:\.\w+)*)(?:\(.*?\))?`")
CREATED = re.compile(r"^cat > (\S+) <<", re.MULTILINE)
"""A file that a tutorial writes."""
NO_CODE = {"NAME", "CHANGELOG", "md"}
NO_COMMANDS = {"help"}
NO_MODULES = {"segue.document", "segue.env", "segue.toml", "segue.KnownHosts"}
NO_SETTINGS = {"index.ann", "embedding.whitened.n_components"}
"""A file, and a setting that a tutorial adds."""
OTHERS = {"spark", "kafka"}
"""Sections whose names Spark's and Kafka's own settings begin with."""


def settings() -> set[str]:
    """All sections and keys of the settings, joined by dots."""

    def names(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
        for key, field in section.model_fields.items():
            yield prefix + key
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                yield from names(field.annotation, f"{prefix}{key}.")

    return set(names(Settings))


def text_of(document: str) -> str:
    return (ROOT / document).read_text()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_are_there(document: str) -> None:
    created = CREATED.findall(text_of(document))
    named = set(PATH.findall(text_of(document))) - set(created)
    missing = sorted(path for path in named if not (ROOT / path).exists())
    assert document in OF_THE_PAST or not missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_modules_and_names_in_them_are_there(document: str) -> None:
    created = {path.removesuffix(".py").replace("/", ".") for path in CREATED.findall(text_of(document))}
    named = set(DOTTED.findall(text_of(document))) - NO_MODULES - created
    assert not [name for name in named if not importable(name)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_and_headings(document: str) -> None:
    assert not [target for target in LINK.findall(text_of(document)) if not leads(target, document)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_are_there(document: str) -> None:
    named = set(COMMAND.findall(text_of(document)))
    former = {one.former.split()[0] for one in FORMER_COMMANDS} if document == CHANGELOG else set()
    assert not [words for words in named if words[0] not in NO_COMMANDS | former and not is_command(*words)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_settings_are_there_by_their_names_of_today(document: str) -> None:
    text, known = text_of(document), settings()
    sections = {name for name in known if "." not in name} - {
        "spark",
        "kafka",
    }  # Spark and Kafka have their own
    named = {name for name in SETTING.findall(text) if name.split(".")[0] in sections}
    named |= {name.lower().replace("__", ".") for name in VARIABLE.findall(text)}
    if document in {*OF_THE_PAST, "docs/reference/settings.md"} or document.startswith("docs/decisions/"):
        named -= RENAMED.keys()
    assert not {
        name
        for name in named - known - NO_SETTINGS
        if not name.endswith((".py", ".js", ".npy", ".toml", ".log"))
    }


def test_code_names_settings_by_their_names_of_today() -> None:
    for path in ROOT.glob("[!.]*/**/*.py"):
        if path.name != "renamed_settings.py" and "tests" not in path.parts:
            assert not set(SETTING.findall(path.read_text())) & RENAMED.keys(), path


def test_the_layers_in_the_architecture_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["id"] == "layers")
    diagram = text_of("docs/explanation/architecture.md").partition("## Packages by layer")[2].split("```")[1]
    names = [re.split(r" {3,}", line.strip())[0] for line in diagram.splitlines() if "─" not in line]
    assert [name.replace("│", "|") for name in names if name] == [one for one in layers if one != "__main__"]


def test_the_reference_lists_every_command() -> None:
    text = text_of("docs/reference/commands.md")
    for command in COMMANDS:
        assert re.search(rf"^## {command.name}$", text, re.MULTILINE), command.name


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    text = text_of("README.md")
    assert len(text.splitlines()) <= 90
    first = text.partition("```sh\n")[2].partition("```")[0]
    assert [line.partition("#")[0].strip() for line in first.splitlines()] == [
        "./run.sh demo",
        "./run.sh test",
    ]


def test_the_upgrade_notes_have_every_setting_that_got_another_name() -> None:
    text = text_of(UPGRADE_NOTES)
    for former, now in RENAMED.items():
        names = (now,) if isinstance(now, str) else now
        assert f"| `{former}` | {' and '.join(f'`{name}`' for name in names)} |" in text


@pytest.mark.parametrize("document", ["docs/contributing/recipes.md", "docs/explanation/architecture.md"])
def test_classes_and_registries_are_there(document: str) -> None:
    code = "\n".join(path.read_text() for path in ROOT.glob("[!.]*/**/*.py") if "tests" not in path.parts)
    named = {part for name in CODE.findall(text_of(document)) for part in name.split(".")}
    assert not [name for name in named - NO_CODE if not re.search(rf"\b{name}\b", code)]


def importable(name: str) -> bool:
    """Whether a dotted name is a module, or a module and a name that is in it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            module = importlib.util.find_spec(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        if module is not None:
            code = Path(module.origin or "").read_text()
            return all(re.search(rf"\b{part}\b", code) for part in parts[end:])
    return False


def is_command(first: str, second: str) -> bool:
    names = {command.name for command in COMMANDS}
    return first in names or (f"{first} {second}" in names if second else first in GROUPS)


def leads(target: str, document: str) -> bool:
    if "://" in target:
        return True
    path, _, heading = target.partition("#")
    file = (ROOT / document).parent / path if path else ROOT / document
    return file.exists() and (not heading or heading in headings(file))


def headings(file: Path) -> set[str]:
    """The names by which a page's headings are linked to."""
    lines = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_the_index_of_decisions_has_each_with_its_status_and_date() -> None:
    index = text_of("docs/decisions/index.md")
    for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        number, _, title = path.read_text().partition("\n")[0].removeprefix("# ").partition(" ")
        found = re.search(r"^Status: (.+) · Date: (\d{4}-\d\d-\d\d)$", path.read_text(), re.MULTILINE)
        assert found and path.name.startswith(number), path.name
        assert f"| [{number}]({path.name}) | {title} | {found[1]} | {found[2]} |\n" in index


@pytest.mark.parametrize("page", ["troubleshoot", "alerts", "operate"])
def test_messages_are_quoted_as_segue_prints_them(page: str) -> None:
    code = printed()
    quoted = set(messages(text_of(f"docs/how-to/{page}.md")))
    assert quoted, "the page quotes no message"
    parts = {part.strip(" :,") for message in quoted for part in message.split("…")}
    assert not sorted(part for part in parts if len(part.split()) > 2 and not is_printed(part, code))


def is_printed(part: str, code: str) -> bool:
    """Whether at least half of a message is in the code, and three words of it; the rest may be values."""
    words = part.split()
    least = max(3, (len(words) + 1) // 2)
    runs = (" ".join(words[start : start + least]) for start in range(len(words) - least + 1))
    return any(run in code for run in runs)


def messages(text: str) -> Iterator[str]:
    """The messages that a page explains: in bold before a paragraph, or in a table of messages."""
    for bold in re.findall(r"^\*\*(`.+?`)\.\*\*", text, re.MULTILINE | re.DOTALL):
        yield from (" ".join(message.split()) for message in re.findall(r"`([^`]+)`", bold))
    for table in re.findall(r"^\| message \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE):
        for row in table.splitlines():
            yield from re.findall(r"`([^`]+)`", row.split("|")[1])


def printed() -> str:
    """The code, with the literals of a message joined and its values as in the documentation."""
    folders = (ROOT / "segue", ROOT / "dashboard", ROOT / "batch_jobs", ROOT / "streaming_jobs")
    code = "\n".join(path.read_text() for folder in folders for path in sorted(folder.rglob("*.py")))
    code = re.sub(r"\"\s*\n\s*f?\"", "", code + (ROOT / "run.sh").read_text())
    return re.sub(r"\{[^{}\n]*\}", "…", code)


def test_decisions_that_change_each_other_both_say_so() -> None:
    words = {"extends": "extended by", "revises": "revised by", "supersedes": "superseded by"}
    words["confirms"] = "confirmed by"
    said = {path.name[:4]: relations(path) for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")}
    for later, theirs in said.items():
        for word, by in words.items():
            assert not [other for other in theirs.get(word, ()) if later not in said[other].get(by, ())], (
                later
            )
            assert not [other for other in theirs.get(by, ()) if later not in said[other].get(word, ())], (
                later
            )
    assert said["0147"]["supersedes"] == ["0007"]


def relations(path: Path) -> dict[str, list[str]]:
    """The decisions that the status of a decision names, by the words before them, such as "revised by"."""
    found: dict[str, list[str]] = {}
    word = ""
    status = re.search(r"^Status: .+$", path.read_text(), re.MULTILINE)
    assert status, path.name
    for term, number in re.findall(r"((?:extend|revis|supersed|confirm)\w+(?: by)?)|\[(\d{4})\]", status[0]):
        word = term or word
        if number and word:
            found.setdefault(word, []).append(number)
    return found
