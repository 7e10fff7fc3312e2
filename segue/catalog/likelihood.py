"""How likely a text is in a language, by the letters that follow each other or, in East Asia, by its signs.

A text of a few bytes is read in several encodings, and the likeliest result counts
(:mod:`segue.catalog.text_encoding`). languages.json has, for each letter of a language, those that follow it,
the most frequent first ("_" is the beginning or the end of a word), and the frequent signs of Chinese,
Japanese and Korean.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

ASCII_LETTER = -3.0
"""Logarithms of probabilities, as all of these: of an ASCII letter outside of the language's words."""
UNUSUAL_PAIR, UNUSUAL_ASCII_PAIR = -7.5, -3.5
"""Of a letter of the language after one that it hardly follows; less can be concluded from ASCII letters."""
UNKNOWN_LETTER = -11.0
"""Of a letter that the language does not have."""
MIXED = -6.0
"""Of a letter of another script within a word."""
CAPITAL_WITHIN = -5.0
"""Of a capital after a small letter."""
CAPITALS = -2.0
"""Of a word in capitals."""
PUNCTUATION, OTHER_SIGN, WITHIN, CONTROL = -5.0, -11.0, -22.0, -14.0
"""Of a usual sign, of another one, of one between two letters, and of one that no text has."""
CHANGE = -2.0
"""Of a word in another of several languages than the other words."""
RARE = {"is": -3.0, "sq": -3.0, "et": -2.0, "ca": -1.0}
"""Of the languages of few files."""
_USUAL = frozenset("“”„‘’‚–—…«»‹›·•´`¡¿°№©®™€£§ªº½、。・「」『』（）！？，：；～〜―／＆《》【】〈〉")
_OPENING = frozenset("“”„‘’‚–—…«»‹›¡¿©・「『（～〜―／＆《【〈´`")
"""Signs that are usual before a word without a space, and within one."""
_WITHIN = frozenset("’´`·")
_RARE = {
    # The shares of the frequent signs, of the others of the usual blocks, and of all others.
    "zh": (0.92, -10.5, -15.0),
    "zh_Hant": (0.92, -10.5, -15.0),
    "ja": (0.94, -10.8, -15.0),
    "ko": (0.94, -10.3, -15.0),
}
_FLATTENED = 12
"""Added to the rank of a sign: titles have less of the most frequent ones than other texts."""


def likelihood(text: str, language: str) -> float:
    """The logarithm of the probability of a text in a language; that of ASCII words is the same in each."""
    if language in _signs():
        mixed = len(re.findall(r"[A-Za-z](?=[^\W\d_a-zA-Z])|[^\W\d_a-zA-Z](?=[A-Za-z])", text))
        return MIXED * mixed + sum(_of_sign(sign, language) for sign in text)
    return sum(_of_run(run, before, after, (language,)) for run, before, after in _runs(text))


def likelihood_in_any(text: str, languages: tuple[str, ...]) -> float:
    """As :func:`likelihood`, for languages with letters: the words may be in several of them."""
    runs = list(_runs(text))
    one = max(
        RARE.get(language, 0.0) + sum(_of_run(run, before, after, (language,)) for run, before, after in runs)
        for language in languages
    )
    if len(runs) < 2:
        return one
    words = sum(not run.isascii() for run, _, _ in runs)
    return max(
        one, CHANGE * words + sum(_of_run(run, before, after, languages) for run, before, after in runs)
    )


def is_usual(text: str, language: str) -> bool:
    """Whether all words beyond ASCII have pairs of letters only that are usual in a language, and no odd
    signs.
    """
    follows = _follows()[language]
    for run, before, after in _runs(text):
        if run.isascii():
            continue
        if not _is_letter(run[0]):
            if not all(_of_other(sign, before=before, after=after) >= PUNCTUATION for sign in run):
                return False
        elif _capitals_within(run) or not all(
            next_ in follows.get(first, ()) for first, next_ in pairwise(f" {_lower(run)} ")
        ):
            return False
    return True


def _runs(text: str) -> Iterator[tuple[str, bool, bool]]:
    """Runs of letters, and of other signs beyond ASCII, with whether letters are before and after it."""
    runs = re.findall(r"[\x00-@\[-`{-\x7f]+|[A-Za-z\x80-\U0010ffff]+", text)
    for run in runs:
        if run.isascii():
            if run[0].isalpha():
                yield run, False, False
            continue
        parts = [[run[0]]]
        for sign in run[1:]:
            if _is_letter(sign) == _is_letter(parts[-1][-1]):
                parts[-1].append(sign)
            else:
                parts.append([sign])
        for place, part in enumerate(parts):
            yield "".join(part), place > 0, place + 1 < len(parts)


@lru_cache(maxsize=4096)
def _of_run(run: str, before: bool, after: bool, languages: tuple[str, ...]) -> float:
    if run.isascii():
        return ASCII_LETTER * len(run)
    if not _is_letter(run[0]):
        return sum(_of_other(sign, before=before, after=after) for sign in run)
    capitals = CAPITAL_WITHIN * _capitals_within(run)
    if len(run) > 1 and run.isupper():
        capitals += CAPITALS
    several = len(languages) > 1
    return capitals + max(
        _of_word(_lower(run), language) + (RARE.get(language, 0.0) if several else 0.0)
        for language in languages
    )


def _of_word(word: str, language: str) -> float:
    follows = _follows()[language]
    if _is_latin(language):
        return sum(_of_pair(first, next_, follows) for first, next_ in pairwise(f" {word} "))
    parts = re.findall(r"[a-z]+|[^a-z]+", word)
    return MIXED * (len(parts) - 1) + sum(
        ASCII_LETTER * len(part)
        if part.isascii()
        else sum(_of_pair(first, next_, follows) for first, next_ in pairwise(f" {part} "))
        for part in parts
    )


def _of_pair(first: str, next_: str, follows: Mapping[str, Mapping[str, float]]) -> float:
    found = follows.get(first, {}).get(next_)
    if found is not None:
        return max(found, UNUSUAL_ASCII_PAIR) if first.isascii() and next_.isascii() else found
    if first.isascii() and next_.isascii():
        return UNUSUAL_ASCII_PAIR
    return UNUSUAL_PAIR if next_ in follows else UNKNOWN_LETTER


def _of_other(sign: str, *, before: bool = False, after: bool = False) -> float:
    """Of a sign that is no letter; `before` and `after` are whether it is at a letter."""
    if sign in _USUAL and (sign in _WITHIN if before and after else not after or sign in _OPENING):
        return PUNCTUATION
    if before and after:
        return WITHIN
    return CONTROL if unicodedata.category(sign) in {"Cc", "Cn", "Co", "Cs"} else OTHER_SIGN


def _of_sign(sign: str, language: str) -> float:
    """Of a sign of a text in Chinese, Japanese or Korean."""
    if sign.isascii():
        return ASCII_LETTER if sign.isalpha() else 0.0
    if (found := _signs()[language].get(sign)) is not None:
        return found
    _, usual, other = _RARE[language]
    if not _is_letter(sign):
        return _of_other(sign)
    return usual if _is_of_blocks(sign, language) else other


def _is_of_blocks(sign: str, language: str) -> bool:
    """Whether a sign is of those that the first standards of a language have for its daily use."""
    if language == "ko":
        return "가" <= sign <= "힣" and _lead(sign, "euc_kr") is not None
    if language == "zh":
        return 0xB0 <= (_lead(sign, "gb2312") or 0) <= 0xD7
    if language == "ja":
        return "ぁ" <= sign <= "ヿ" or 0x88 <= (_lead(sign, "shift_jis") or 0) <= 0x98
    return 0xA4 <= (_lead(sign, "big5") or 0) <= 0xC6


@lru_cache(maxsize=4096)
def _lead(sign: str, encoding: str) -> int | None:
    """The first of the two bytes of a sign; None if it has no such pair."""
    try:
        data = sign.encode(encoding)
    except UnicodeEncodeError:
        return None
    return data[0] if len(data) == 2 else None


@lru_cache(maxsize=4096)
def _is_letter(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LM"


def _lower(word: str) -> str:
    return word.replace("İ", "i").lower()


def _capitals_within(word: str) -> int:
    """The number of capitals after small letters."""
    return sum(first.islower() and next_.isupper() for first, next_ in pairwise(word))


@cache
def _table() -> Mapping[str, Any]:
    table: dict[str, Any] = json.loads(Path(__file__).with_name("languages.json").read_text("utf-8"))
    return table


@cache
def _signs() -> Mapping[str, Mapping[str, float]]:
    """For each language of East Asia, the logarithm of the share of each frequent sign."""
    found = {}
    for language, signs in _table()["signs"].items():
        shares = [1 / (rank + _FLATTENED) for rank in range(len(signs))]
        most = _RARE[language][0] / sum(shares)
        found[language] = {sign: math.log(most * share) for sign, share in zip(signs, shares, strict=True)}
    return found


@cache
def _follows() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """For each other language and letter, the logarithm of the share of each letter that follows it."""
    found = {}
    for language, rows in _table()["letters"].items():
        found[language] = {row[0].replace("_", " "): _shares(row[1:]) for row in rows.split(" ")}
    return found


def _shares(letters: str) -> dict[str, float]:
    shares = [1 / (rank + 2) for rank in range(len(letters))]
    return {
        letter.replace("_", " "): math.log(0.95 * share / sum(shares))
        for letter, share in zip(letters, shares, strict=True)
    }


@cache
def _is_latin(language: str) -> bool:
    return "a" in _follows()[language]
