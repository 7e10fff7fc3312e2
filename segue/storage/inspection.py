"""The state of the servers and the rights of the user, for `./run.sh doctor`. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import AuthorizationError, KafkaError

from segue.settings import KafkaSettings, MongoSettings
from segue.storage.kafka_client import reaching
from segue.storage.mongo import connect

_METADATA = "metadata.version"
_FIRST_LEVELS = (
    (7, "3.3"),
    (8, "3.4"),
    (9, "3.5"),
    (12, "3.6"),
    (15, "3.7"),
    (20, "3.8"),
    (21, "3.9"),
    (22, "4.0"),
    (26, "4.1"),
    (28, "4.2"),
    (30, "4.3"),
    (31, "4.4"),
)
"""The first version of the metadata of each release of Kafka (its class MetadataVersion)."""
_LAST_LEVEL = 33
"""The last version of the metadata of the last of them."""


@dataclass(frozen=True, kw_only=True)
class TopicState:
    """The state of one of Segue's topics on the brokers."""

    partitions: int
    replication: int
    timestamp_type: str | None
    """None, as the values that follow, if the user may not read the topic's configuration."""
    retention_ms: int | None
    retention_bytes: int | None = None
    """The size limit of a partition; negative without a limit."""
    cleanup_policy: str | None = None
    max_message_bytes: int | None = None
    min_insync_replicas: int | None = None
    unclean_election: bool | None = None
    operations: frozenset[str] = frozenset()
    """The operations that the user may perform, such as READ."""


@dataclass(frozen=True, kw_only=True)
class KafkaState:
    """The brokers, and those of Segue's topics that exist and that the user may see."""

    brokers: int
    version: str
    """The release, such as "4.1" or "4.4 or newer"; empty if the broker does not report it."""
    topics: dict[str, TopicState]
    refused_groups: frozenset[str] = frozenset()
    """The consumer groups, of those asked for, in which the user may not read."""

    def allowed(self, topic: str) -> frozenset[str]:
        """The operations that the user may perform on a topic."""
        state = self.topics.get(topic)
        return state.operations if state else frozenset()


@dataclass(frozen=True, kw_only=True)
class MongoState:
    """The state of a MongoDB server."""

    version: str
    replica_set: str | None
    clock: datetime | None
    """Its time; None if the server does not report it."""
    user: str | None = None
    """None where the connection has no user."""
    roles: frozenset[str] = frozenset()
    privileges: Sequence[Mapping[str, Any]] = ()

    def allows(self, database: str, collection: str, action: str) -> bool:
        """Whether the user may do something with a collection; "" is the database."""
        return any(
            action in privilege["actions"] and _covers(privilege["resource"], database, collection)
            for privilege in self.privileges
        )


def _covers(resource: Mapping[str, Any], database: str, collection: str) -> bool:
    """Whether a resource includes a collection; an empty name means all names."""
    if resource.get("anyResource"):
        return True
    return resource.get("db") in ("", database) and resource.get("collection") in ("", collection)


def inspect_kafka(settings: KafkaSettings, *, groups: Iterable[str] = ()) -> KafkaState:
    """Read the state of the brokers.

    Parameters
    ----------
    groups
        Names of consumer groups for which the user's right is looked at.

    Raises
    ------
    SegueError
        No broker answers, or a broker refuses the user or the certificate.
    """
    names = (settings.plays_topic, settings.rejected_topic)
    with reaching(settings) as options:
        admin = KafkaAdminClient(**options)
        try:
            brokers = admin.describe_cluster()["brokers"]
            there = [name for name in names if name in set(admin.list_topics())]
            described = admin.describe_topics(there) if there else []
            configs = _configs(admin, there)
            version = _version(admin)
            refused = frozenset(group for group in groups if _is_refused(admin, group))
        finally:
            admin.close()
    return KafkaState(
        brokers=len(brokers),
        version=version,
        topics={
            name: _topic(topic, configs.get(name, {})) for name, topic in zip(there, described, strict=False)
        },
        refused_groups=refused,
    )


def _is_refused(admin: Any, group: str) -> bool:
    """Whether the user may not read in a consumer group, whether it exists or not."""
    try:
        admin.describe_groups([group])
    except AuthorizationError:
        return True
    except KafkaError:  # nothing is known of it: no coordinator answers
        return False
    return False


def _version(admin: KafkaAdminClient) -> str:
    """The release of a broker, by the newest version of the metadata that it supports; empty before 3.3."""
    try:
        newest = int(admin.describe_features().get(_METADATA, {}).get("supported", (0, 0))[1])
    except KafkaError:
        return ""
    releases = [release for level, release in _FIRST_LEVELS if level <= newest]
    if not releases:
        return ""
    return f"{releases[-1]} or newer" if newest > _LAST_LEVEL else releases[-1]


def _configs(admin: Any, topics: list[str]) -> dict[str, dict[str, Any]]:
    if not topics:
        return {}
    wanted = [ConfigResource("TOPIC", name, configs=None) for name in topics]
    try:
        found: dict[str, dict[str, Any]] = admin.describe_configs(wanted, config_filter="all").get(
            "topic", {}
        )
    except KafkaError:
        return {}
    return found


def _topic(topic: dict[str, Any], config: dict[str, Any]) -> TopicState:
    partitions = topic["partitions"]
    unclean = _value(config, "unclean.leader.election.enable")
    return TopicState(
        partitions=len(partitions),
        replication=min((len(p.get("replica_nodes", p.get("replicas", ()))) for p in partitions), default=0),
        timestamp_type=_value(config, "message.timestamp.type"),
        retention_ms=_number(config, "retention.ms"),
        retention_bytes=_number(config, "retention.bytes"),
        cleanup_policy=_value(config, "cleanup.policy"),
        max_message_bytes=_number(config, "max.message.bytes"),
        min_insync_replicas=_number(config, "min.insync.replicas"),
        unclean_election=None if unclean is None else unclean == "true",
        operations=frozenset(topic.get("authorized_operations") or ()),
    )


def _value(config: dict[str, Any], key: str) -> str | None:
    entry = config.get(key)
    value = entry.get("value") if isinstance(entry, dict) else entry
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _number(config: dict[str, Any], key: str) -> int | None:
    value = _value(config, key)
    return None if value is None else int(value)


def inspect_mongo(settings: MongoSettings) -> MongoState:
    """Read the state of the server.

    Raises
    ------
    SegueError
        The server does not answer, or it refuses the user or the certificate.
    """
    database = connect(settings)
    try:
        hello = database.client.admin.command("hello")
        version = database.client.server_info()["version"]
        login = database.client.admin.command("connectionStatus", showPrivileges=True)["authInfo"]
    finally:
        database.client.close()
    clock = hello.get("localTime")
    users = login["authenticatedUsers"]
    return MongoState(
        version=version,
        replica_set=hello.get("setName"),
        clock=clock.replace(tzinfo=clock.tzinfo or UTC) if isinstance(clock, datetime) else None,
        user=users[0]["user"] if users else None,
        roles=frozenset(role["role"] for role in login["authenticatedUserRoles"]),
        privileges=login["authenticatedUserPrivileges"],
    )
