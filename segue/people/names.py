"""Names of accounts: which ones are possible, and which ones people would take for another.

A name has the letters of one script, or of scripts that are written together, as the highly restrictive
level of Unicode's security mechanisms (UTS 39) allows. So no name mixes Cyrillic letters into Latin ones. A
name that is all Cyrillic or Greek can still look like a Latin one, and so can one with rare Latin letters,
such as the dotless i: `skeleton` finds these.
"""

from __future__ import annotations

import re
import unicodedata

from segue.people.accounts import folded_name, name_key

_SHAPE = re.compile(r"x[x .'_-]{0,30}x")
"""A name in which each letter, digit and mark has become an x."""
_INVISIBLE = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that are not shown (Unicode's Default_Ignorable_Code_Point)."""
_ANY_SCRIPT = frozenset({"COMMON", "INHERITED", "UNKNOWN"})
_TOGETHER = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
)


def has_shape(name: str) -> bool:
    """Whether a folded name consists of 2 to 32 letters, digits and signs, with no invisible ones."""
    letters = "".join("x" if unicodedata.category(sign)[0] in "LMN" else sign for sign in name)
    if _INVISIBLE.search(name):
        return False
    return bool(_SHAPE.fullmatch(letters)) and unicodedata.category(name[0])[0] != "M"


def mixes_scripts(name: str) -> bool:
    """Whether a name has letters of scripts that are not written together."""
    from confusable_homoglyphs import categories

    scripts = set(categories.unique_aliases(name)) - _ANY_SCRIPT
    return len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)


def skeleton(name: str) -> str:
    """The key of the Latin name that a name looks like; of a name in usual Latin letters, its own key."""
    return name_key("".join(map(_latin, folded_name(name))))


def _latin(sign: str) -> str:
    from confusable_homoglyphs import categories, confusables

    if sign.isascii() or not sign.isalpha():
        return sign
    found = confusables.is_confusable(sign, greedy=True, preferred_aliases=[]) or []
    alike = [str(glyph["c"]) for one in found for glyph in one["homoglyphs"]]
    latin = [one for one in alike if len(one) == 1 and one.isalpha() and categories.alias(one) == "LATIN"]
    if categories.alias(sign) == "LATIN":  # most rare letters look like other rare ones, too
        latin = [one for one in latin if one.isascii()]
    return next(iter(latin), sign)
