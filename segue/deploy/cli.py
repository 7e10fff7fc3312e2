"""`./run.sh access create`: the jobs' users in MongoDB and Kafka, with their permissions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.deploy.access import Access, job_access
from segue.errors import SegueError, one_line_errors
from segue.settings import Settings, load_settings
from segue.storage import kafka_topics, kafka_users, mongo_users
from segue.storage.access import read_login
from segue.storage.kafka import ensure_topics
from segue.storage.store import Job, open_store


def access(
    folder: Annotated[
        Path, typer.Argument(help="A folder with a settings file for each job, such as stream.toml.")
    ],
    initiate: Annotated[
        str,
        typer.Option(help="First make these MongoDB servers a replica set, as in host:27017,host2:27017."),
    ] = "",
) -> None:
    """Create the topics, and a user for each job with the permissions that the job needs.

    The settings name an administrator, who may create users. Each settings file in the folder has the user
    and password of one job, in [mongo] and [kafka]. A job without a file is left out. Run the command again
    after an upgrade or a change: it corrects users and permissions that differ.

    Example: SEGUE_CONF=/etc/segue/admin.toml ./run.sh access create /etc/segue

    Example: ./run.sh --config admin.toml access create --initiate db1:27017,db2:27017,db3:27017 /etc/segue
    """
    with one_line_errors():
        settings = load_settings()
        if not (settings.mongo.username and settings.kafka.sasl):
            raise SegueError(
                "the settings name no administrator: set [mongo] username, "
                "[kafka] security_protocol and username"
            )
        jobs = {job: access for job, access in job_access().items() if _file(folder, job).is_file()}
        if not jobs:
            raise SegueError(f"{folder} has no settings file named after a job: {', '.join(Job)}")
        if initiate and mongo_users.initiate(settings.mongo, initiate.split(",")):
            typer.echo(f"replica set of {initiate}")
        grant(settings, jobs, logins=folder)
        typer.echo(f"users with their access: {', '.join(jobs)}")


def grant(settings: Settings, jobs: dict[Job, Access], *, logins: Path) -> None:
    """Create the topics, then each job's users."""
    ensure_topics(settings.kafka, settings.retention)
    kafka_topics.keep_topics_in_line(settings.kafka, settings.retention)
    store = open_store(settings)
    for job, access in jobs.items():
        file = _file(logins, job)
        mongo_users.grant(store, job, access.mongo, read_login(file, "mongo"))
        if access.kafka:
            kafka_users.grant(settings.kafka, access.kafka, read_login(file, "kafka"))


def _file(logins: Path, job: Job) -> Path:
    return logins / f"{job}.toml"
