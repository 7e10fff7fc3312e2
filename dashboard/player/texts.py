"""The texts of the scripts in the browser, in the language of the page."""

from __future__ import annotations

import json
from functools import cache

from segue.dashboard.language.catalogues import LANGUAGES, SOURCE, locale, read

_ORDER = ("zero", "one", "two", "few", "many", "other")


@cache
def messages(language: str) -> dict[str, str | dict[str, str]]:
    """The translations by message; with a context, by context, U+0004 and message; plurals by their rule."""
    if language == SOURCE:
        return {}
    rules = [rule for rule in _ORDER if rule == "other" or rule in locale(language).plural_form.tags]
    found: dict[str, str | dict[str, str]] = {}
    for message in read(language):
        if not message.id or not message.string:
            continue
        key = message.id[0] if isinstance(message.id, tuple | list) else message.id
        key = f"{message.context}\x04{key}" if message.context else key
        forms = message.string
        found[key] = dict(zip(rules, forms, strict=True)) if isinstance(forms, tuple | list) else forms
    return found


def prefix(language: str, script: str) -> str:
    """The declarations before a script: its language, and the translations of the messages in it."""
    if language not in LANGUAGES:
        raise ValueError(f"there is no catalogue of {language!r}")
    used = {key: text for key, text in messages(language).items() if key.rpartition("\x04")[2] in script}
    words = json.dumps(used, ensure_ascii=False, separators=(",", ":"))
    return f"const LANGUAGE = {json.dumps(language)}, WORDS = {words};\n"
