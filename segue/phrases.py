"""Texts for people, marked for the catalogue of interface texts.

Code below the dashboard does not know the language of its reader. It marks its texts in English; the pages
translate them (:func:`segue.dashboard.language.words.translated`). ``./run.sh docs texts`` finds the marks.
"""

from __future__ import annotations


class Phrase(str):
    """A text in English that remembers the message and the values from which it was made."""

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, values: dict[str, object]) -> Phrase:
        made = super().__new__(cls, message.format(**values))
        made.message, made.values = message, values
        return made


def marked(message: str) -> str:
    """Mark a text, which is returned unchanged."""
    return message


def phrase(message: str, **values: object) -> Phrase:
    """Mark a text with values in braces, such as ``phrase("At most {most} characters", most=100)``."""
    return Phrase(message, values)
