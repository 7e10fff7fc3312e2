"""Checks that the user of the settings has the rights of its job in MongoDB and Kafka."""

from __future__ import annotations

from collections.abc import Mapping

from segue.deploy.access import job_access
from segue.doctor.check import Check, ok, problem
from segue.settings import KafkaSettings
from segue.storage.inspection import KafkaState, MongoState
from segue.storage.kafka_users import operations
from segue.storage.mongo_users import privileges, role_name
from segue.storage.store import Job

_FIX = (
    "run ./run.sh access create DIR with an administrator's settings, as after each upgrade; "
    "DIR has the jobs' settings files"
)
_SHOWN = 5
"""Number of missing rights that a line names."""


def job_of(database: str, state: MongoState) -> Job | None:
    """The job whose role a user of MongoDB has."""
    return next((job for job in Job if role_name(database, job) in state.roles), None)


def mongo_permissions(database: str, state: MongoState) -> list[Check]:
    """Compare the user's privileges with those of its job; nothing where MongoDB asks for no user."""
    if state.user is None:
        return []
    missing = {
        job: [
            f"{action} in {privilege['resource']['collection'] or database}"
            for privilege in privileges(database, access.mongo)
            for action in privilege["actions"]
            if not state.allows(database, privilege["resource"]["collection"], action)
        ]
        for job, access in job_access().items()
    }
    return [_judged("MongoDB permissions", state.user, missing, job=job_of(database, state))]


def group_name(kafka: KafkaSettings, ending: str) -> str:
    """The name of a consumer group of a job."""
    return f"{kafka.plays_topic}.{ending}"


def groups_of_jobs(kafka: KafkaSettings) -> list[str]:
    """The consumer groups in which some job reads; none where Kafka asks for no user."""
    endings = {ending for access in job_access().values() for ending in access.kafka.groups}
    return [group_name(kafka, ending) for ending in sorted(endings)] if kafka.sasl else []


def kafka_permissions(kafka: KafkaSettings, state: KafkaState, *, job: Job | None = None) -> list[Check]:
    """Compare the user's operations on the topics that exist with those of a job; nothing without a user.

    `job` is the one that MongoDB's role names.
    """
    if not kafka.sasl:
        return []
    missing = {}
    for each, access in job_access().items():
        if access.kafka:
            wanted = {
                kafka.plays_topic: operations(access.kafka.plays),
                kafka.rejected_topic: operations(access.kafka.rejected),
            }
            missing[each] = [
                f"{name} {topic}"
                for topic, names in wanted.items()
                if topic in state.topics or job
                for name in sorted(names - state.allowed(topic))
            ]
            refused = {group_name(kafka, ending) for ending in access.kafka.groups} & state.refused_groups
            missing[each] += [f"READ in the group {name}" for name in sorted(refused)]
    if job is not None and job not in missing:
        return []  # a job without access to Kafka
    return [_judged("Kafka permissions", kafka.username, missing, job=job)]


def _judged(name: str, user: str, missing: Mapping[Job, list[str]], *, job: Job | None) -> Check:
    """The check for a job; where it is unknown, for the job of which the fewest rights are missing."""
    complete = [each for each in missing if not missing[each]]
    if complete and job in (None, *complete):
        return ok(name, f"user {user!r} has the rights of the job {', '.join(complete)}")
    nearest = job or min(missing, key=lambda each: len(missing[each]))
    rights = missing[nearest]
    more = f" and {len(rights) - _SHOWN} more" if len(rights) > _SHOWN else ""
    return problem(
        name,
        f"user {user!r} lacks rights of the job {nearest}: {', '.join(rights[:_SHOWN])}{more}",
        _FIX,
    )
