"""The embedded Kafka: one broker in KRaft mode, from the jars of conf/ivy.xml."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
import uuid
from pathlib import Path
from string import Template

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from segue.errors import SegueError
from segue.local import process
from segue.local.class_archive import broker_archive, reading
from segue.local.embedded import EmbeddedServer
from segue.local.jars import ensure_jars, kafka_jars
from segue.local.java import java_command
from segue.places import CONF

PORT = 19092
CONTROLLER_PORT = 19093
START_SECONDS = 90.0
_MAIN = ("kafka.Kafka", "server.properties")
_OWN = "or use your own Kafka: SEGUE_KAFKA__BOOTSTRAP_SERVERS=host:9092"


class Broker(EmbeddedServer):
    """The embedded broker."""

    name = "kafka"
    log_name = "broker.log"

    def start(self) -> str:
        """Start the broker unless it is running, wait until it answers, and return its address.

        Raises
        ------
        SegueError
            The jars or a Java are missing, or the broker does not start.
        """
        ensure_jars()
        with process.starting("kafka"):
            if address := self.address():
                self._wait(address)
                return address
            command, address = self.command()
            process.spawn(
                command,
                name=self.name,
                address=address,
                log=self.log,
                record=self.record,
                folder=self.folder,
            )
            self._wait(address)
            return address

    def command(self) -> tuple[list[str], str]:
        """Prepare the folder; returns the command of the broker, to be run there, and its address."""
        port, controller_port = self._choose_ports()
        self._write_properties(port, controller_port)
        java = java_command()
        self._format(java)
        command = [*self._java(java), f"-Djava.io.tmpdir={self.empty_temporary()}", *_MAIN]
        return command, f"127.0.0.1:{port}"

    def empty_temporary(self) -> Path:
        """An empty folder for the libraries that Kafka unpacks and that a killed broker leaves."""
        folder = self.folder / "tmp"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _choose_ports(self) -> tuple[int, int]:
        """The ports of the last start if they are free, so that addresses stay the same."""
        ports = self.folder / "ports"
        text = ports.read_text().split() if ports.exists() else []
        kept = [int(port) for port in text if port.isdecimal()] or [PORT, CONTROLLER_PORT]
        port = process.free_port(PORT, kept=kept[0])
        controller_port = process.free_port(CONTROLLER_PORT, kept=kept[-1], avoid=[port])
        process.write_text(ports, f"{port} {controller_port}")
        return port, controller_port

    def _write_properties(self, port: int, controller_port: int) -> None:
        template = Template((CONF / "server.properties").read_text())
        text = template.substitute(port=port, controller_port=controller_port)
        process.write_text(self.folder / "server.properties", text)

    def _java(self, java: str) -> list[str]:
        return [
            java,
            "-Xms128m",
            "-Xmx512m",
            *self._class_archive(java),
            f"-Dlog4j2.configurationFile={(CONF / 'kafka-log4j2.properties').as_uri()}",
            *("-cp", str(kafka_jars() / "*")),
        ]

    def _class_archive(self, java: str) -> list[str]:
        return reading(broker_archive(Path(java).parent.parent))

    def _format(self, java: str) -> None:
        """Prepare the data folder, once."""
        data = self.folder / "data"
        if (data / "meta.properties").is_file() and (data / "bootstrap.checkpoint").is_file():
            return
        tool = [*self._java(java), "kafka.tools.StorageTool", "format", "--ignore-formatted"]
        done = subprocess.run(
            [*tool, "--config", "server.properties", "--cluster-id", self._cluster_id()],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise SegueError(
                f"the embedded Kafka cannot prepare {data}: {lines[-1] if lines else 'no reason given'}"
            )

    def _cluster_id(self) -> str:
        file = self.folder / "cluster-id"
        if not file.exists():
            # Kafka rejects an id that begins with a dash.
            encoded = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            process.write_text(file, encoded.replace("-", "A"))
        return file.read_text()

    def _wait(self, address: str) -> None:
        until = time.monotonic() + START_SECONDS
        port = int(address.rpartition(":")[2])
        while time.monotonic() < until:
            if process.running(process.read_record(self.record)) is None:
                why = process.last_line(self.log)
                raise SegueError(f"the embedded Kafka exited at start ({why}): see {self.log}, {_OWN}")
            if process.accepts(port) and _answers(address):
                return
            time.sleep(0.1)
        raise SegueError(f"the embedded Kafka does not answer after {START_SECONDS:.0f} s: see {self.log}")


def _answers(address: str) -> bool:
    """Whether the broker lists itself in the metadata, as it does once it has joined its cluster."""
    try:
        admin = KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=5000)
    except KafkaError:
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        admin.close()
