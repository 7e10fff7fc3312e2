"""Backs up all data that cannot be recomputed, and restores them without listeners who have left since.

The backup has every collection whose owner does not declare it computed: accounts, playlists, opinions,
tastes, listening, links and follows.

Delivery: the file is checked to its end before anything is written; documents are replaced as a whole, by
_id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from segue.collections import LOGS, collection, collections, personal
from segue.errors import SegueError
from segue.people.forgotten import Forgotten
from segue.storage import archive
from segue.storage.mongo import Document
from segue.storage.personal import listed_in, named_in, unlisted
from segue.storage.store import Store


def backup(store: Store, file: Path) -> dict[str, int]:
    """Write a backup; returns the number of documents by collection.

    Raises
    ------
    SegueError
        The file exists or cannot be written, or MongoDB cannot read all collections from one snapshot.
    """
    kept = [owner for owner in collections(store) if not owner.policy.computed]
    return archive.save(store, file, collections=kept)


def restore(store: Store, file: Path, *, replace: bool = False) -> dict[str, int]:
    """Write a backup's documents to the database; returns the number of documents by collection.

    Documents of listeners who have left, according to the database or the backup, are not restored, nor are
    their ids in other listeners' documents; entries of logs are. Existing documents with other ids stay
    unchanged.

    Parameters
    ----------
    replace
        Whether to replace existing documents with the same id.

    Raises
    ------
    SegueError
        The file is not a complete backup, or the collections are not empty: nothing has been written. Or a
        document conflicts with an existing one.
    """
    archive.check(file)
    if not replace:
        _refuse_taken(store, {name for name, _ in archive.batches(file)} - {Forgotten.name} - LOGS)
    written: Counter[str] = Counter()
    # Restore the hashes of listeners who have left first: the other collections are filtered by them.
    for name, documents in archive.batches(file):
        if name == Forgotten.name:
            known = set(Forgotten(store).hashes())
            new = [document for document in documents if document["_id"] not in known]
            collection(store, name).load(new)
            written[name] += len(new)
    for name, documents in archive.batches(file):
        if name != Forgotten.name:
            kept = _without_those_who_left(store, name, documents)
            collection(store, name).load(kept)
            written[name] += len(kept)
    return dict(written)


def _refuse_taken(store: Store, names: Iterable[str]) -> None:
    if taken := [name for name in sorted(names) if not collection(store, name).is_empty()]:
        raise SegueError(
            f"the database {store.name} has documents in {', '.join(taken)}: restore into an empty one, "
            "or replace documents that have the same id with --replace"
        )


def _without_those_who_left(store: Store, name: str, documents: Sequence[Document]) -> list[Document]:
    own = personal(name)
    if own is None or name in LOGS:
        return list(documents)
    named = [named_in(document, own) for document in documents]
    listed = set().union(*(listed_in(document, own) for document in documents))
    gone = Forgotten(store).among(listed.union(*named))
    return [
        unlisted(document, own, gone)
        for document, users in zip(documents, named, strict=True)
        if not users & gone
    ]
