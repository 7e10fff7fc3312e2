"""A backup of all that cannot be computed again, and putting it back without those who have left since.

Saved is every collection but those that their owners call computed: accounts, playlists, opinions, tastes,
listening, links and follows.

Delivery: the file is read to its end before anything is written; documents are written whole, by their _id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from segue.collections import collection, collections, personal
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
        The file is there already or cannot be written, or MongoDB cannot show all of it as of one moment.
    """
    kept = [owner for owner in collections(store) if not owner.policy.computed]
    return archive.save(store, file, collections=kept)


def restore(store: Store, file: Path, *, replace: bool = False) -> dict[str, int]:
    """Put a backup's documents into the database; returns how many of each collection were written.

    Listeners who are known to have left, by the database or by the backup, stay out, and so do their ids in
    others' documents. Documents of other ids stay as they are.

    Parameters
    ----------
    replace
        Whether documents may be put over those of the same id.

    Raises
    ------
    SegueError
        The file is not a whole backup, or the database holds such documents already: nothing has been
        written. Or a document contradicts one that is there.
    """
    archive.check(file)
    if not replace:
        _refuse_taken(store, {name for name, _ in archive.batches(file)} - {Forgotten.name})
    written: Counter[str] = Counter()
    # First the forgotten, so that none of them comes back with the rest.
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
            "or by --replace put the archive's over those of the same id"
        )


def _without_those_who_left(store: Store, name: str, documents: Sequence[Document]) -> list[Document]:
    own = personal(name)
    if own is None:
        return list(documents)
    named = [named_in(document, own) for document in documents]
    listed = set().union(*(listed_in(document, own) for document in documents))
    gone = Forgotten(store).among(listed.union(*named))
    return [
        unlisted(document, own, gone)
        for document, users in zip(documents, named, strict=True)
        if not users & gone
    ]
