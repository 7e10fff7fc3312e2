"""A broker and a mongod that ask for TLS and a user, started as the embedded ones are."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pymongo import MongoClient

from segue.local import process
from segue.local.kafka import Broker
from segue.local.mongod import binary
from tests.security.certificates import Certificates
from tests.waiting import until

USER = "segue"
PLAIN_PASSWORD = 'a"b\\c;d=é hush-plain-7f3c9'
"""With everything that JAAS and properties files could trip over."""
SCRAM_PASSWORD = "hush-scram-81d0e"
MONGO_PASSWORD = "p@ss/w:rd hush-mongo-5a2b7"
SECRETS = ("hush-plain-7f3c9", "hush-scram-81d0e", "hush-mongo-5a2b7")
"""The part of each password that no quoting changes."""

_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=INNER://127.0.0.1:{inner},GUARDED://127.0.0.1:{guarded},MUTUAL://127.0.0.1:{mutual},\
CLEAR://127.0.0.1:{clear},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=INNER:PLAINTEXT,GUARDED:SASL_SSL,MUTUAL:SSL,CLEAR:SASL_PLAINTEXT,\
CONTROLLER:PLAINTEXT
inter.broker.listener.name=INNER
controller.listener.names=CONTROLLER
log.dirs=data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
ssl.keystore.type=PEM
ssl.keystore.location={server}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
listener.name.mutual.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.clear.sasl.enabled.mechanisms=SCRAM-SHA-512
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:{user};User:CN=client
"""
_LOGIN = (
    "listener.name.{place}.sasl.jaas.config="
    "org.apache.kafka.common.security.{module}LoginModule required{users};\n"
)


class GuardedBroker(Broker):
    """Listeners for sasl_ssl, ssl with a client's certificate, and sasl_plaintext: `addresses[...]`."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        super().__init__(folder)
        self._certificates = certificates
        self.addresses: dict[str, str] = {}

    def _write_properties(self, port: int, controller_port: int) -> None:
        others: list[int] = []
        for _ in range(3):
            others.append(process.free_port(port + 2000, avoid=others))
        guarded, mutual, clear = others
        names = {"sasl_ssl": guarded, "ssl": mutual, "sasl_plaintext": clear}
        self.addresses = {name: f"127.0.0.1:{one}" for name, one in names.items()}
        text = _PROPERTIES.format(
            inner=port,
            controller=controller_port,
            user=USER,
            guarded=guarded,
            mutual=mutual,
            clear=clear,
            server=self._certificates.server,
            authority=self._certificates.authority,
        )
        text += _LOGIN.format(place="guarded.plain", module="plain.Plain", users=_plain_user())
        for place in ("guarded.scram-sha-256", "guarded.scram-sha-512", "clear.scram-sha-512"):
            text += _LOGIN.format(place=place, module="scram.Scram", users="")
        process.write_text(self.folder / "server.properties", text)

    def _format(self, java: str) -> None:
        users = [
            part
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for part in ("--add-scram", f"{mechanism}=[name={USER},password={SCRAM_PASSWORD}]")
        ]
        tool = [*self._java(java), "kafka.tools.StorageTool", "format", *users]
        subprocess.run(
            [*tool, "--config", "server.properties", "--cluster-id", self._cluster_id()],
            cwd=self.folder,
            capture_output=True,
            check=True,
        )


def _plain_user() -> str:
    """The broker's own list of PLAIN users, quoted for JAAS and once more for a properties file."""
    quoted = PLAIN_PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    in_file = "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in quoted.replace("\\", "\\\\"))
    return f' user_{USER}="{in_file}"'


class GuardedMongod:
    """A replica set of one that asks for TLS and a user, who is made at the start."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self._folder, self._certificates = folder, certificates
        self._record = folder / "process.json"
        self.log = folder / "mongod.log"

    def start(self) -> str:
        """Start it, make the user, and give its address without one."""
        (self._folder / "data").mkdir(parents=True, exist_ok=True)
        key = self._folder / "key"
        key.write_text("a2V5IG9mIHRoZSBzZXQ=")
        key.chmod(0o600)
        with process.starting("mongod"):
            port = process.free_port(28117)
            uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
            process.spawn(self._command(port, key), name="m", address=uri, log=self.log, record=self._record)
            self._make_user(uri, port)
        return uri

    def _command(self, port: int, key: Path) -> list[str]:
        return [
            str(binary()),
            *("--replSet", "guarded", "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
            *("--dbpath", str(self._folder / "data"), "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"),
            *("--auth", "--keyFile", str(key), "--quiet"),
            *("--tlsMode", "requireTLS", "--tlsAllowConnectionsWithoutCertificates"),
            *("--tlsCertificateKeyFile", str(self._certificates.server)),
            *("--tlsCAFile", str(self._certificates.authority)),
        ]

    def _make_user(self, uri: str, port: int) -> None:
        """By mongod's exception for the first user: from this machine, without a password."""
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        with MongoClient[dict[str, object]](
            uri, tls=True, tlsCAFile=str(self._certificates.authority), serverSelectionTimeoutMS=600_000
        ) as client:
            client.admin.command("replSetInitiate", {"_id": "guarded", "members": [member]})
            until(lambda: client.admin.command("hello")["isWritablePrimary"], "mongod to be the primary")
            client.admin.command("createUser", USER, pwd=MONGO_PASSWORD, roles=["root"])

    def stop(self) -> None:
        process.stop(self._record)
