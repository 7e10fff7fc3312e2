"""Texts in the language of the reader.

Messages are in English, with values in braces. Whole numbers among the values are written as the language
does; other values are text. ``./run.sh docs texts`` collects the messages, so they must be literals.
"""

from __future__ import annotations

from segue.dashboard.language.catalogues import translations
from segue.dashboard.language.formats import number
from segue.dashboard.language.spoken import language
from segue.phrases import Phrase


def gettext(message: str, /, **values: object) -> str:
    """A message: ``gettext("More by {name}", name=artist)``."""
    return _filled(translations(language()).gettext(message), values)


def ngettext(one: str, several: str, count: int, /, **values: object) -> str:
    """A message about a number of things, which its braces call `count`.

    ``ngettext("{count} song", "{count} songs", len(songs))``
    """
    return _filled(translations(language()).ngettext(one, several, count), {"count": count, **values})


def pgettext(context: str, message: str, /, **values: object) -> str:
    """A message whose translation depends on the context: ``pgettext("button", "Play")``."""
    return _filled(translations(language()).pgettext(context, message), values)


def translated(text: object) -> str:
    """The translation of a text that other code has marked (:mod:`segue.phrases`), or of such an error."""
    known = text.args[0] if isinstance(text, Exception) and text.args else text
    if isinstance(known, Phrase):
        return gettext(known.message, **known.values)
    return translations(language()).gettext(str(known)) if str(known) else ""


def _filled(message: str, values: dict[str, object]) -> str:
    shown = {
        name: number(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in values.items()
    }
    return message.format(**shown) if shown else message
