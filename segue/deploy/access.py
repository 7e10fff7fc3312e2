"""The rights of each job in MongoDB and Kafka; it has no others.

`./run.sh access create` creates the users with these rights; a job's user and password are in its settings
file. MongoDB's part follows from the collections' policies (:mod:`segue.collections`), Kafka's is here. No
job may drop a collection, make a user, or see another database.
"""

from __future__ import annotations

from dataclasses import dataclass

from segue.collections import POLICIES
from segue.storage.access import KafkaAccess, MongoAccess
from segue.storage.store import Job

_SEARCHES_ALL = frozenset({Job.DASHBOARD, Job.OPERATOR})
"""Jobs that look for a listener in all collections that are there, or save them all."""
_KAFKA = {
    Job.STREAM: KafkaAccess(plays=("read",), rejected=("read", "write"), transactions=True),
    # A listener's own data are read from the plays.
    Job.DASHBOARD: KafkaAccess(plays=("read", "write")),
    Job.OPERATOR: KafkaAccess(plays=("read", "write", "keep"), rejected=("read", "keep")),
}


@dataclass(frozen=True)
class Access:
    """Of one job."""

    mongo: MongoAccess
    kafka: KafkaAccess


def job_access() -> dict[Job, Access]:
    """Each job's access."""
    return {job: Access(_mongo(job), _KAFKA.get(job, KafkaAccess())) for job in Job}


def _mongo(job: Job) -> MongoAccess:
    rights = {name: policy.access[job] for name, policy in POLICIES.items() if job in policy.access}
    return MongoAccess(rights, lists=job in _SEARCHES_ALL)
