"""The rights of each job in MongoDB and Kafka.

`./run.sh access create` creates the users with these rights; a job's user and password are in its settings
file. The rights in MongoDB follow from the collections' policies (:mod:`segue.collections`), those in Kafka
are here. No job may drop a collection, create a user, or read another database.
"""

from __future__ import annotations

from dataclasses import dataclass

from segue.collections import POLICIES
from segue.scrobbling.reading import GROUP
from segue.storage.access import KafkaAccess, MongoAccess
from segue.storage.store import Job

_SEARCHES_ALL = frozenset({Job.DASHBOARD, Job.OPERATOR})
"""Jobs that search or save all existing collections."""
_KAFKA = {
    Job.STREAM: KafkaAccess(plays=("read",), rejected=("read", "write")),
    # The export of a listener's data reads the plays, and so does the sending of scrobbles.
    Job.DASHBOARD: KafkaAccess(plays=("read", "write"), groups=(GROUP,)),
    Job.OPERATOR: KafkaAccess(plays=("read", "write", "keep"), rejected=("read", "keep")),
}


@dataclass(frozen=True)
class Access:
    """The rights of a job."""

    mongo: MongoAccess
    kafka: KafkaAccess


def job_access() -> dict[Job, Access]:
    """The rights of each job."""
    return {job: Access(_mongo(job), _KAFKA.get(job, KafkaAccess())) for job in Job}


def _mongo(job: Job) -> MongoAccess:
    rights = {name: policy.access[job] for name, policy in POLICIES.items() if job in policy.access}
    return MongoAccess(rights, lists=job in _SEARCHES_ALL)
