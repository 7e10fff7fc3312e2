"""Three brokers in KRaft mode: every record on three of them, acknowledged by two at least."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from segue.local.class_archive import broker_archive, reading
from segue.local.jars import kafka_jars
from segue.local.java import java_command
from segue.local.process import free_port
from segue.places import ROOT
from tests.cluster.processes import SHORT_LIVED, WARM_UP, Server
from tests.waiting import until

NODES = (1, 2, 3)
_CLUSTER_ID = "c2VndWUtdGVzdC1jbHVzdA"
_PROPERTIES = """
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=data
auto.create.topics.enable=false
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
message.max.bytes=3145728
replica.fetch.max.bytes=4194304
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
group.initial.rebalance.delay.ms=0
"""
"""Times and limits that are not here are Kafka's own, so that a recovery takes as long as anywhere."""


class Brokers:
    """Three brokers, each also a controller."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[int, Server] = {}
        ports: list[int] = []
        for _ in range(2 * len(NODES)):
            ports.append(free_port(29092, avoid=ports))
        self._ports = dict(zip(NODES, ports[: len(NODES)], strict=True))
        self._controllers = dict(zip(NODES, ports[len(NODES) :], strict=True))

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self._ports.values())

    def start(self) -> str:
        with ThreadPoolExecutor() as pool:
            self._servers = dict(zip(NODES, pool.map(self._start, NODES), strict=True))
        until(lambda: len(self._alive()) == len(NODES), "three brokers know each other", seconds=WARM_UP)
        return self.bootstrap

    def _start(self, node: int) -> Server:
        folder = self._folder / f"broker-{node}"
        folder.mkdir(parents=True)
        voters = ",".join(f"{one}@127.0.0.1:{port}" for one, port in self._controllers.items())
        text = _PROPERTIES.format(
            node=node, voters=voters, port=self._ports[node], controller=self._controllers[node]
        )
        (folder / "server.properties").write_text(text)
        log = (ROOT / "conf" / "kafka-log4j2.properties").as_uri()
        command = java_command()
        java = [
            command,
            "-Xmx256m",
            SHORT_LIVED,
            *reading(broker_archive(Path(command).parent.parent)),
            f"-Dlog4j2.configurationFile={log}",
            "-cp",
            str(kafka_jars() / "*"),
        ]
        tool = [*java, "kafka.tools.StorageTool", "format", "--config", "server.properties"]
        subprocess.run([*tool, "--cluster-id", _CLUSTER_ID], cwd=folder, capture_output=True, check=True)
        return Server([*java, "kafka.Kafka", "server.properties"], folder=folder)

    def _alive(self) -> list[int]:
        """The nodes that the brokers hold to be there."""
        for node, server in self._servers.items():
            assert server.runs(), f"broker {node}: {server.why()}"
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=5000)
        except KafkaError:
            time.sleep(0.2)
            return []
        try:
            return [broker["broker_id"] for broker in admin.describe_cluster()["brokers"]]
        except KafkaError:
            return []
        finally:
            admin.close()

    def leader(self, topic: str) -> int:
        """The node that leads most partitions of a topic."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            [described] = admin.describe_topics([topic])
        finally:
            admin.close()
        leaders = Counter(int(one["leader_id"]) for one in described["partitions"])
        return leaders.most_common(1)[0][0]

    def kill(self, node: int) -> None:
        self._servers[node].kill()

    def stop(self) -> None:
        for server in self._servers.values():
            server.kill()
