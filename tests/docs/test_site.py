"""The documentation site: it builds strictly, loads nothing from the network, and shows every page."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from segue.cli.main import app
from segue.documentation import site
from segue.documentation.cli import site_app
from segue.places import ROOT

CONFIG = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
FENCED = re.compile(r"^( *)(`{3,}).*?^ *\2$", re.DOTALL | re.MULTILINE)
LINKED = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=[\"']?(?!\w+:|//)([^\"'\s>]+)")
NAMED = re.compile(r"\bid=[\"']?([^\"'\s>]+)")
LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("site") / "built"
    site.build(output)
    return output


def test_the_site_builds_strictly_and_has_a_page_for_each_source(folder: Path) -> None:
    sources = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    assert [path for path in sources if not (folder / path.with_suffix(".html")).is_file()] == []


def test_pages_load_nothing_from_the_network(folder: Path) -> None:
    loaded = {
        (page.name, address)
        for page in folder.rglob("*.html")
        for address in LOADED.findall(page.read_text())
    }
    assert loaded == set()


def test_links_and_pictures_of_the_built_pages_lead_somewhere(folder: Path) -> None:
    pages = {page: page.read_text() for page in folder.rglob("*.html") if page.name != "404.html"}
    names = {page: set(NAMED.findall(text)) for page, text in pages.items()}
    lost, found = set(), 0
    for page, text in pages.items():
        for link in LINKED.findall(text):
            path, _, heading = unquote(link).partition("#")
            target = (page.parent / path).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            found += 1
            if not target.is_file() or (heading and heading not in names.get(target, set())):
                lost.add((page.relative_to(folder).as_posix(), link))
    assert found > len(pages), "the pages have no links"
    assert not lost


def test_the_search_index_has_the_pages(folder: Path) -> None:
    index = (folder / "search.json").read_text()
    assert [page.name for page in folder.rglob("*.html") if page.name not in index] == ["404.html"]


def test_steps_with_examples_stay_one_list(folder: Path) -> None:
    """An example in a step does not end the list, after which the next step would have the number 1 again."""
    differing = {}
    for page in (ROOT / "docs").rglob("*.md"):
        text = FENCED.sub("", page.read_text())
        html = (folder / page.relative_to(ROOT / "docs")).with_suffix(".html").read_text()
        lists = len(re.findall(r"^ *1\. ", text, re.MULTILINE)), html.count("<ol")
        swallowed = re.findall(r"^\d+\. \S+", html, re.MULTILINE)
        if page.name != "changelog.md" and (lists[0] != lists[1] or swallowed):
            differing[page.name] = (*lists, swallowed)
    assert differing == {}


def test_items_are_indented_as_the_site_wants_them() -> None:
    step = "1. One\n   more\n\n   ```sh\n   - no item\n   ```\n   - inner\n\n     text\n"
    wanted = "1. One\n    more\n\n    ```sh\n    - no item\n    ```\n    - inner\n\n        text\n"
    assert site.indented(step) == wanted
    assert (
        site.indented("1. One\n2. Two\n\n   text\n3. Three\n") == "1. One\n2. Two\n\n    text\n\n3. Three\n"
    )
    for unchanged in ("10. Ten\n\n    text\n", "Text\n\n    a = b\n", "```\n- a\n  b\n```\n"):
        assert site.indented(unchanged) == unchanged


def test_a_broken_link_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    (tmp_path / "docs" / "index.md").write_text("# Start\n\n[gone](gone.md), [none](other.md#none)\n")
    (tmp_path / "docs" / "other.md").write_text("# Other\n")
    with pytest.raises(site.BuildFailed, match="page does not exist") as caught:
        site.build(tmp_path / "built", project=tmp_path)
    assert "anchor does not exist" in str(caught.value)
    assert not (tmp_path / "built").exists()


def test_links_out_of_the_documentation_become_text(tmp_path: Path) -> None:
    docs = tmp_path / "project" / "docs"
    (docs / "how-to").mkdir(parents=True)
    (tmp_path / "project" / "zensical.toml").touch()
    (tmp_path / "project" / "README.md").write_text("# Segue\n")
    (docs / "index.md").write_text("# Start\n")
    (docs / "how-to" / "one.md").write_text(
        "[code](../../segue/places.py) [a](../../README.md#a) [b](../index.md) ![c](../pictures/c.png)\n"
    )
    site.stage(tmp_path / "project", tmp_path / "staged")
    assert (tmp_path / "staged" / "docs" / "how-to" / "one.md").read_text() == (
        "code [a](../index.md) [b](../index.md) ![c](../pictures/c.png)\n"
    )


def test_the_reason_for_which_an_example_is_not_run_is_shown(tmp_path: Path) -> None:
    (tmp_path / "project" / "docs").mkdir(parents=True)
    (tmp_path / "project" / "zensical.toml").touch()
    example = "   ```sh\n   ls\n   ```\n"
    (tmp_path / "project" / "docs" / "index.md").write_text(
        f"1. One\n\n   <!-- not run: it needs Java -->\n{example}\n   <!-- background: it runs -->\n{example}"
    )
    site.stage(tmp_path / "project", tmp_path / "staged")
    on_site = "    ```sh\n    ls\n    ```\n"
    assert (tmp_path / "staged" / "docs" / "index.md").read_text() == (
        f"1. One\n\n    *Not tested: it needs Java.*{{ .untested }}\n\n{on_site}\n{on_site}"
    )


def test_a_built_site_is_served(folder: Path) -> None:
    client = TestClient(site_app(folder))
    page = client.get("/decisions/0121-owners-registries-and-layers.html")
    assert page.status_code == 200
    assert "import-linter" in page.text
    assert client.get("/none.html").status_code == 404


def test_the_navigation_has_every_page_except_single_decisions() -> None:
    shown = set(pages_in(CONFIG["nav"]))
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in written if not re.match(r"decisions/\d", page)} == shown


def pages_in(nav: Any) -> list[str]:
    """The pages of a part of the navigation."""
    if isinstance(nav, str):
        return [nav]
    if isinstance(nav, dict):
        nav = nav.values()
    return [page for part in nav for page in pages_in(part)]


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = CliRunner().invoke(app, ["docs", "build", "--output", str(tmp_path)])
    assert done.exit_code == 1
    assert "name a new or an empty folder" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "mine"
