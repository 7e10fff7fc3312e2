"""The page on the permissions of each job in MongoDB and Kafka."""

from __future__ import annotations

from segue.deploy.access import job_access
from segue.documentation.reference import markdown as md
from segue.storage.access import KafkaAccess
from segue.storage.store import Job, Right

_RIGHTS = {
    Right.READ: ("read", "find"),
    Right.WRITE: ("write", "find, insert, update, remove"),
    Right.ERASE: ("erase", "find, remove: to remove the data of a listener who leaves"),
    Right.APPEND: ("append", "find, insert: entries of a log, which the job cannot change or remove"),
    Right.INDEX: ("index", "create indexes, and set the retention of documents"),
}
_JOBS = {
    Job.STREAM: "`stream run`",
    Job.DASHBOARD: "`dashboard serve`",
    Job.CATALOGUE: "`library …`, `embeddings train`, `index …`",
    Job.OPERATOR: "commands that an operator runs by hand",
}


def render() -> str:
    """The page."""
    access = job_access()
    names = sorted({name for rights in access.values() for name in rights.mongo.rights})
    return md.page(
        "Permissions",
        "`./run.sh access create DIR` creates a user for each job and grants only these rights. No "
        "job may drop "
        "a collection, create a user, or read another database.",
        md.table(("job", "runs"), ((md.code(job.value), about) for job, about in _JOBS.items())),
        "## MongoDB",
        md.table(("right", "actions"), _RIGHTS.values()),
        md.table(
            ("collection", *(md.code(job.value) for job in Job)),
            (
                (md.code(name), *(_words(access[job].mongo.rights.get(name, Right(0))) for job in Job))
                for name in names
            ),
        ),
        "May list the names of all collections: "
        + ", ".join(md.code(job.value) for job in Job if access[job].mongo.lists)
        + ". Every job may also read `models`.",
        "## Kafka",
        md.table(
            ("job", "plays", "rejected plays"),
            ((md.code(job.value), *_kafka(access[job].kafka)) for job in Job),
        ),
        "`keep` allows setting the retention of records.",
    )


def _words(rights: Right) -> str:
    return ", ".join(_RIGHTS[right][0] for right in rights)


def _kafka(access: KafkaAccess) -> tuple[str, ...]:
    return ", ".join(access.plays), ", ".join(access.rejected)
