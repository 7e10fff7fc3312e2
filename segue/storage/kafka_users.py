"""The jobs' users in Kafka: a SCRAM password for each, and ACLs for its rights.

Delivery: passwords and ACLs are written again, and obsolete ACLs of a job are removed; repeating it changes
nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import SecurityDisabledError

from segue.errors import SegueError
from segue.settings import KafkaSettings
from segue.storage.access import KafkaAccess, KafkaRight, Login
from segue.storage.kafka_client import reaching

_OPERATIONS = {
    "read": (ACLOperation.READ, ACLOperation.DESCRIBE),
    "write": (ACLOperation.WRITE, ACLOperation.DESCRIBE),
    "keep": (ACLOperation.DESCRIBE, ACLOperation.DESCRIBE_CONFIGS, ACLOperation.ALTER_CONFIGS),
}
_KNOWN_SECONDS = 10.0


def operations(rights: Iterable[KafkaRight]) -> frozenset[str]:
    """The names of the operations on a topic that rights need."""
    return frozenset(operation.name for right in rights for operation in _OPERATIONS[right])


def grant(settings: KafkaSettings, access: KafkaAccess, login: Login) -> None:
    """Set a job's password and ACLs, and remove all its other ACLs.

    Raises
    ------
    SegueError
        This user may not create users, or the brokers have no authoriser and so no ACLs.
    """
    credential = UserScramCredentialUpsertion(
        login.username, ScramMechanism.SCRAM_SHA_512, login.password.get_secret_value()
    )
    with reaching(settings) as options:
        admin = KafkaAdminClient(**options)
        try:
            if why := admin.alter_user_scram_credentials([credential])[login.username]:
                raise SegueError(
                    f"Kafka does not allow this user to create users ({why}): use an administrator"
                )
            _put(admin, login.username, set(_acls(settings, access, login.username)))
            _await(admin, login.username)
        except SecurityDisabledError:
            raise SegueError("Kafka has no ACLs: set authorizer.class.name on the brokers") from None
        finally:
            admin.close()


def _await(admin: KafkaAdminClient, user: str) -> None:
    """Wait until a broker knows the user: brokers receive it shortly after the controllers."""
    until = time.monotonic() + _KNOWN_SECONDS
    while time.monotonic() < until:
        if admin.describe_user_scram_credentials([user])[user]["credential_infos"]:
            return
        time.sleep(0.05)


def _put(admin: KafkaAdminClient, user: str, wanted: set[ACL]) -> None:
    everything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    of_user = ACLFilter(f"User:{user}", None, ACLOperation.ANY, ACLPermissionType.ANY, everything)
    there = set(admin.describe_acls(of_user)[0])
    results = admin.create_acls(list(wanted - there)) if wanted - there else {"failed": []}
    if results["failed"]:
        raise SegueError(f"Kafka refuses the ACLs ({results['failed'][0].__name__}): use an administrator")
    if there - wanted:
        admin.delete_acls(list(there - wanted))


def _acls(settings: KafkaSettings, access: KafkaAccess, user: str) -> Iterable[ACL]:
    topics = {settings.plays_topic: access.plays, settings.rejected_topic: access.rejected}
    for topic, kinds in topics.items():
        for kind in kinds:
            for operation in _OPERATIONS[kind]:
                yield _acl(user, operation, ResourceType.TOPIC, topic)
    for ending in access.groups:
        group = f"{settings.plays_topic}.{ending}"
        yield _acl(user, ACLOperation.READ, ResourceType.GROUP, group)


def _acl(user: str, operation: ACLOperation, kind: ResourceType, name: str) -> ACL:
    return ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
