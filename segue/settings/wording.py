"""The reasons of pydantic's errors in plain words."""

from __future__ import annotations

from pydantic_core import ErrorDetails

_REASONS = {
    "extra_forbidden": "there is no such setting",
    "finite_number": "it must be a finite number",
    "string_too_short": "it must not be empty",
}
_KINDS = {
    "model": "a section",
    "dict": "a table",
    "tuple": "a list or a table",
    "string": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
"""The first part of the names of errors about types, such as `int_parsing`."""
_BOUNDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
_OF_DURATIONS = {"gt": "short", "ge": "short", "lt": "long", "le": "long"}


def reason(error: ErrorDetails, *, kind: str = "") -> str:
    """The reason of an error, as the end of a line that has named the setting.

    Parameters
    ----------
    kind
        The type of the setting, if it is known (:attr:`segue.settings.reference.Key.type`).
    """
    name = error["type"]
    if name == "literal_error":
        return f"it must be {error['ctx']['expected'].replace(chr(39), '')}"
    for bound, words in _BOUNDS.items():
        if bound in error.get("ctx", {}):
            limit = error["ctx"][bound]
            # pydantic gives the limit of a duration as code.
            is_number = isinstance(limit, int | float)
            return f"it must be {words} {limit}" if is_number else f"it is too {_OF_DURATIONS[bound]}"
    if text := _REASONS.get(name):
        return text
    if name == "tuple_type" and kind in ("list", "table"):
        return f"it must be a {kind}"
    if (first := name.partition("_")[0]) in _KINDS and name != "value_error":
        return f"it must be {_KINDS[first]}"
    return error["msg"].removeprefix("Value error, ")
