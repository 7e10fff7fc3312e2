"""The page on MongoDB's collections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, is_typeddict

from segue.collections import BUCKETS, OWNERS
from segue.documentation.reference import markdown as md
from segue.documentation.reference.records import columns
from segue.settings.values import duration_text
from segue.storage.store import Collection, Index, Policy


def render() -> str:
    """The page."""
    return md.page(
        "Collections",
        "Collections of the database that `mongo.database` names. Each has one owner, a class that has its "
        "queries, "
        "indexes and policy. Backups leave out collections that can be computed again. "
        "[Permissions](permissions.md) lists the rights of each job.",
        md.table(("collection", "owner", "in backups", "personal"), map(_row, OWNERS)),
        *(part for owner in OWNERS for part in _collection(owner)),
        "## GridFS buckets",
        md.table(
            ("bucket", "contents", "in backups"),
            (
                (md.code(name), _BUCKETS.get(name, ""), "no" if policy.computed else "yes")
                for name, policy in BUCKETS.items()
            ),
        ),
    )


_BUCKETS = {
    "bundles": "files of [index bundles](index-bundle.md)",
    "trained": "arrays of models learned from plays",
}


def _row(owner: type[Collection[Any]]) -> tuple[str, ...]:
    anchor = f"[`{owner.name}`](#{owner.name})"
    module = owner.__module__.replace(".", "/")
    backup = "no" if owner.policy.computed else "yes"
    return anchor, f"`{owner.__name__}` in `{module}.py`", backup, _personal(owner.policy)


def _personal(policy: Policy) -> str:
    if policy.personal is None:
        return "no"
    fields = [*policy.personal.owner, *policy.personal.members]
    return f"by {', '.join(md.code(name) for name in fields)}" if fields else "by its key"


def _collection(owner: type[Collection[Any]]) -> Iterator[str]:
    yield f"## `{owner.name}`"
    yield (owner.__doc__ or "").strip().splitlines()[0]
    records = records_of(owner)
    for record in records:
        if len(records) > 1:
            yield f"{md.code(record.__name__)}: {(record.__doc__ or '').strip().splitlines()[0]}"
        yield md.table(
            ("field", "type", "meaning"),
            ((md.code(column.name), column.type, column.meaning) for column in columns(record)),
        )
    if owner.indexes:
        yield "Indexes: " + "; ".join(map(_index, owner.indexes)) + "."
    if owner.policy.personal and owner.policy.personal.secret:
        yield "Not exported: " + ", ".join(map(md.code, owner.policy.personal.secret)) + "."


def records_of(owner: type[Collection[Any]]) -> tuple[type, ...]:
    """The TypedDicts of a collection's documents."""
    if owner.shapes:
        return tuple(owner.shapes)
    record = owner.record()
    return (record,) if is_typeddict(record) else ()


def _index(index: Index) -> str:
    keys = ", ".join(f"`{name}`" + (" descending" if way < 0 else "") for name, way in index.keys)
    unique = " (unique)" if index.unique else ""
    return f"{keys}{unique}{_removal(index)}"


def _removal(index: Index) -> str:
    """When MongoDB removes the documents, by the time in the index's key."""
    if index.keep is None:
        return ""
    return (
        f" (documents are removed {duration_text(index.keep)} later)"
        if index.keep
        else " (documents are removed then)"
    )
