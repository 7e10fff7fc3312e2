"""Putting a backup back, without those who have left since it was made.

Delivery: the file is read to its end before anything is written; see segue.privacy.archive for the writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from pymongo.database import Database

from segue.errors import SegueError
from segue.privacy import archive, forgotten
from segue.privacy.holdings import FIELDS, MEMBERS
from segue.storage.mongo import Document

_LEFT = "forgotten"


def restore(database: Database[Document], file: Path, *, replace: bool = False) -> dict[str, int]:
    """Put an archive's documents into the database; returns how many of each collection were written.

    Whoever is known to have left, by the database or by the archive, stays out, and so does what others'
    documents say of them. Documents of other ids stay as they are.

    Parameters
    ----------
    replace
        Whether documents may be put over those of the same id.

    Raises
    ------
    SegueError
        The file is not a whole archive, or the database holds such documents already: nothing has been
        written. Or a document contradicts one that is there.
    """
    archive.check(file)
    if not replace:
        _refuse_taken(database, {name for name, _ in archive.batches(file)} - {_LEFT})
    written: Counter[str] = Counter()
    # First who has left, so that none of them comes back with the rest.
    for name, documents in archive.batches(file):
        if name == _LEFT:
            known = {one["_id"] for one in database[_LEFT].find({}, {"_id": 1})}
            new = [one for one in documents if one["_id"] not in known]
            archive.put(database, name, new)
            written[name] += len(new)
    for name, documents in archive.batches(file):
        if name != _LEFT:
            kept = _without_those_who_left(database, documents)
            archive.put(database, name, kept)
            written[name] += len(kept)
    return dict(written)


def _refuse_taken(database: Database[Document], names: Iterable[str]) -> None:
    taken = [name for name in sorted(names) if database[name].find_one({}, {"_id": 1}) is not None]
    if taken:
        raise SegueError(
            f"the database {database.name} has documents in {', '.join(taken)}: restore into an empty one, "
            "or by --replace put the archive's over those of the same id"
        )


def _without_those_who_left(database: Database[Document], documents: Sequence[Document]) -> list[Document]:
    named = {one["_id"]: _texts([one["_id"], *(one.get(field) for field in FIELDS)]) for one in documents}
    listed = _texts(user for one in documents for field in MEMBERS for user in one.get(field) or ())
    gone = forgotten.among(database, listed.union(*named.values()))
    return [_unlisted(one, gone) for one in documents if not named[one["_id"]] & gone]


def _unlisted(document: Document, gone: set[str]) -> Document:
    lists = {
        field: [user for user in document[field] if user not in gone]
        for field in MEMBERS
        if isinstance(document.get(field), list)
    }
    return document | lists


def _texts(values: Iterable[object]) -> set[str]:
    return {value for value in values if isinstance(value, str)}
