"""The catalogues of interface texts, kept up with the texts in the code.

A catalogue has a message for each text that Python or JavaScript passes to a function of
:data:`KEYWORDS`. Messages are sorted, without their places in the code, so that branches merge.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from segue.dashboard.language.catalogues import FOLDER, LANGUAGES, SOURCE, read

ROOT = Path(__file__).parents[2]
KEYWORDS = {
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "marked": None,
    "phrase": None,
}
"""The functions of :mod:`segue.phrases`, :mod:`segue.dashboard.language.words` and `player/js/words.js`."""
_FOLDERS = ("dashboard", "segue")
_HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plurals}\\n"

"""


Found = tuple[int, str, Any, list[str]]
"""The line, the function, its texts (None for another argument), and comments, as Babel wants them."""


def from_python(file: IO[bytes], keywords: Iterable[str], *_: object, **__: object) -> Iterator[Found]:
    """The calls in a Python file. Unlike Babel's reader, it finds those within calls and f-strings."""
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in keywords:
            texts = [_literal(argument) for argument in node.args]
            if texts and texts[0] is not None:
                yield node.lineno, node.func.id, texts[0] if len(texts) == 1 else tuple(texts), []


def _literal(argument: ast.expr) -> str | None:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    return None


_SOURCES: list[tuple[str, Any]] = [("**.py", from_python), ("**.js", "javascript")]


def found() -> Catalog:
    """The messages of the code, without translations."""
    messages = Catalog()
    for folder in _FOLDERS:
        # Symbolic links are not followed: segue/dashboard is dashboard.
        for _, _, message, _, context in extract_from_dir(
            ROOT / folder, method_map=_SOURCES, keywords=KEYWORDS, directory_filter=_is_own
        ):
            messages.add(message, context=context)
    return messages


def _is_own(folder: str | Path) -> bool:
    path = Path(folder)
    return not path.is_symlink() and not path.name.startswith((".", "_"))


@dataclass(frozen=True)
class Change:
    """A catalogue as it must be."""

    language: str
    text: str
    untranslated: list[str]
    new: list[str]
    """Messages that the file does not have."""
    gone: list[str]
    """Messages that the code no longer has; their translations are removed."""

    @property
    def path(self) -> Path:
        """The catalogue's file."""
        return FOLDER / f"{self.language}.po"

    @property
    def stale(self) -> bool:
        """Whether the file differs."""
        return self.path.read_text(encoding="utf-8") != self.text

    def write(self) -> None:
        """Replace the file."""
        self.path.write_text(self.text, encoding="utf-8")


def changes() -> list[Change]:
    """The catalogues of all languages but the source's, brought up to date in memory."""
    template = found()
    return [_change(language, template) for language in LANGUAGES if language != SOURCE]


def _change(language: str, template: Catalog) -> Change:
    kept = read(language)
    before = {_key(message) for message in kept if message.id}
    now = {_key(message) for message in template if message.id}
    merged = Catalog(locale=language)
    for message in template:
        if message.id:
            known = kept.get(_id(message), context=message.context)
            same = known is not None and isinstance(known.id, str) == isinstance(message.id, str)
            merged.add(message.id, known.string if known and same else None, context=message.context)
    body = io.BytesIO()
    write_po(body, merged, width=100, omit_header=True, sort_output=True, no_location=True)
    header = _HEADER.format(language=language, plurals=merged.plural_forms)
    return Change(
        language,
        header + body.getvalue().decode().strip() + "\n",
        untranslated=[_key(message) for message in merged if message.id and not is_complete(message)],
        new=sorted(now - before),
        gone=sorted(before - now),
    )


def is_complete(message: Message) -> bool:
    """Whether each form of a message is translated."""
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return bool(forms) and all(forms)


def disagreeing(message: Message) -> Iterator[str]:
    """The forms of a translation whose placeholders are not those of the message.

    The form for one thing may do without the count.
    """
    ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
    forms = message.string if isinstance(message.string, tuple | list) else (message.string or "",)
    wanted = [placeholders(text) for text in ids]
    for text in forms:
        given = placeholders(text)
        if given not in wanted and given | {"count"} not in wanted:
            yield text


def placeholders(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _id(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else message.id


def _key(message: Message) -> str:
    return f"{message.context}: {_id(message)}" if message.context else _id(message)
