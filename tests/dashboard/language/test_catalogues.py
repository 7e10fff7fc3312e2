"""The catalogues: complete, and as the code has the texts; and no text outside of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.dashboard.language.catalogues import LANGUAGES, SOURCE, read
from segue.dashboard.player.texts import messages, prefix
from segue.documentation.texts import KEYWORDS, Change, changes, disagreeing, found

DASHBOARD = Path(__file__).parents[3] / "dashboard"
SCRIPTS = sorted((DASHBOARD / "player").glob("*/*.js"))
PAGES = sorted(
    [*(DASHBOARD / "views").glob("*.py"), *(DASHBOARD / "pictures").glob("*.py"), DASHBOARD / "pages.py"]
)
OTHERS = [language for language in LANGUAGES if language != SOURCE]
_PROSE = re.compile(r"[A-Z][a-z]+$|.*[A-Za-z]{2,} [a-z]{2,}|[A-Z][a-z]+ ")
"""A word with a capital, or several words."""
_CODE = re.compile(r"[<>{}=;]|\.\w+\(|^[\w.-]+/|^:material/|%[A-Za-z]|^var\(|rgba?\(")
_PLAIN = {"Segue", "CSV", "Parquet", "Spark UI", "by link", "Hm"}
"""Names that are the same in each language, and values of the code."""


@pytest.fixture(scope="module", name="changed")
def _changed() -> list[Change]:
    return changes()


def test_the_catalogues_are_up_to_date(changed: list[Change]) -> None:
    stale = {change.language: (change.new, change.gone) for change in changed if change.stale}
    assert not stale, "run: ./run.sh docs texts"


def test_each_text_is_translated(changed: list[Change]) -> None:
    assert {change.language: change.untranslated for change in changed} == {
        language: [] for language in OTHERS
    }


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_placeholders_of_their_messages(language: str) -> None:
    catalogue = read(language)
    assert len(catalogue) > 400
    assert [text for message in catalogue if message.id for text in disagreeing(message)] == []


def test_scripts_and_pages_say_nothing_that_the_catalogue_does_not_have() -> None:
    """Each literal that is passed to a function of the catalogue is found, wherever the call is."""
    known = {text for message in found() for text in _texts(message.id)}
    for path in SCRIPTS:
        calls = re.findall(
            r'\b(?:gettext|marked|ngettext|pgettext)\(\s*"((?:[^"\\]|\\.)*)"', path.read_text()
        )
        assert set(calls) <= known, path.name


def test_calls_in_scripts_have_literals() -> None:
    for path in SCRIPTS:
        if path.name != "words.js":
            calls = re.findall(r"\b(?:gettext|ngettext|pgettext)\((?!\s*\")[^)]*\)", path.read_text())
            assert not calls, path.name


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_has_no_text_outside_the_catalogue(path: Path) -> None:
    code = re.sub(r"^\s*//.*$|\s//\s.*$|/\*.*?\*/", "", path.read_text(), flags=re.M)
    code = re.sub(r'\b(?:(?:n|p)?gettext|marked)\(\s*"(?:[^"\\]|\\.)*"(?:,\s*"(?:[^"\\]|\\.)*")?', "", code)
    literals = re.findall(r'"((?:[^"\\\n]|\\.)*)"|`([^`]*)`', code)
    prose = [text for pair in literals for text in pair if _is_prose(re.sub(r"\$\{[^}]*\}", "", text))]
    assert prose == []


_NO_PROSE = {
    # Values of the browser's interfaces and of styles, and a title of Streamlit.
    "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Escape", "Enter", "Home", "End", "Tab", "Apple",
    "Backspace", "Delete", "Space", "Content-Type", "NotAllowedError", "AbortError", "BroadcastChannel",
    "Arrow", "PageUp", "Connection error", "PageDown", "Shift", "Control", "AbortSignal",
}  # fmt: skip


def _is_prose(text: str) -> bool:
    if text in _NO_PROSE or text in _PLAIN or _CODE.search(text) or text.startswith(("(", "#", "[", "M")):
        return False
    # Lists of CSS classes and selectors are in lower case, and end without a sign.
    if text == text.lower() and not re.search(r"[.…!?:,]$", text):
        return False
    return bool(_PROSE.match(text))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_shows_no_text_outside_the_catalogue(path: Path) -> None:
    shown = [
        text for text in _shown(ast.parse(path.read_text())) if _PROSE.match(text) and not _CODE.search(text)
    ]
    assert [text for text in shown if text not in _PLAIN] == []


_NOT_SHOWN = {
    "key",
    "icon",
    "mode",
    "orientation",
    "file_name",
    "mime",
    "hoverinfo",
    "freq",
    "format",
    "type",
}
_NOT_SHOWING = {
    *KEYWORDS,
    "get",
    "getLogger",
    "TypeVar",
    "Literal",
    "skeleton",
    "compile",
    "setdefault",
    "warning",
}
"""Functions whose arguments nobody sees; `log.warning` among them."""


def _shown(node: ast.AST) -> Iterator[str]:
    """The literals that a page may show: not docstrings, annotations, and arguments that nobody sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.Call) and _name(child.func) in _NOT_SHOWING:
            for keyword in child.keywords:
                yield from _shown(keyword)
            continue
        if isinstance(child, ast.keyword) and child.arg in _NOT_SHOWN:
            continue
        if isinstance(child, ast.AnnAssign):
            if child.value is not None:
                yield from _shown(ast.Expr(child.value)) if not isinstance(child.value, ast.Constant) else ()
            continue
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
        yield from _shown(child)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_a_script_gets_the_texts_that_occur_in_it() -> None:
    script = 'gettext("Play next"); ngettext("{count} song", "{count} songs", 2);'
    assert prefix("en", script) == 'const LANGUAGE = "en", WORDS = {};\n'
    german = prefix("de", script)
    assert '"Play next":"Als Nächstes abspielen"' in german
    assert '"{count} song":{"one":"{count} Song","other":"{count} Songs"}' in german
    assert "Warteschlange" not in german


def test_a_text_cannot_end_the_script() -> None:
    assert all("</script" not in str(text).lower() for text in messages("de").values())


def _texts(given: object) -> tuple[str, ...]:
    return tuple(str(text) for text in given) if isinstance(given, tuple | list) else (str(given),)
