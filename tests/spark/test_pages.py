"""Spark's web pages: no page of another site reads them under a host name of its own, or ends a job."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import zipfile
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pyspark
import pytest

from segue.errors import SegueError
from segue.local import spark_pages
from segue.local.jars import ensure_jars
from segue.local.process import free_port
from segue.local.spark_pages import ensure_filter
from segue.places import ROOT
from segue.spark import session
from segue.spark.defaults import cluster_defaults, defaults
from segue.spark.pack import _jars
from tests.cluster.processes import SHORT_LIVED, Server
from tests.waiting import until

KNOWN = ("127.0.0.1:4040", "localhost", "[::1]:4040", "stream", "nas.lan", "node.example.org:8080")
HERE, ELSEWHERE = ("127.0.0.1", "127.9.9.9", "::1"), ("192.0.2.7", "2001:db8::7", "8.8.8.8", "")
FOREIGN = (
    "evil.example",
    "evil.example.",
    "EVIL.example:4040",
    "127.0.0.1.evil.example",
    "1.2.3.4.5",
    "[a].b",
)
ALLOWED = {"spark.segue.KnownHosts.param.allowed": "x.example, node.example.org"}
ASK = """
import json, sys
from segue.settings import load_settings
from segue.spark.session import session
from tests.spark.test_pages import statuses
spark = session(load_settings(), app="pages", spark__ui__port="0")
paths = ("/jobs/", "/api/v1/applications", "/static/webui.css")
print("FOUND " + json.dumps(statuses(spark.sparkContext.uiWebUrl, *paths)))
is_here = spark._jvm.segue.KnownHosts.isHere
print("HERE " + json.dumps([is_here(own) for own in sys.argv[1:]]))
spark.stop()
"""


def statuses(address: str, *paths: str) -> dict[str, list[int]]:
    """The status codes of some paths for each of the hosts."""
    return {host: [_status(address, path, host) for path in paths] for host in (*KNOWN, *FOREIGN)}


def _status(address: str, path: str, host: str) -> int:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def only_known(found: dict[str, list[int]]) -> None:
    for host in KNOWN:
        assert set(found[host]) == {200}, host
    for host in FOREIGN:
        assert set(found[host]) <= {421, 400}, host


@pytest.mark.parametrize("submitted", [False, True])
def test_the_pages_of_a_driver_answer_to_known_hosts_only(tmp_path: Path, submitted: bool) -> None:
    ensure_jars()
    ensure_filter()
    script = tmp_path / "ask.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{ASK}")
    command = [sys.executable, str(script), *HERE, *ELSEWHERE]
    environment = {"SEGUE_SPARK__CONF": json.dumps(ALLOWED), "SEGUE_SPARK__MASTER": "local[1]"}
    if submitted:
        # As a pack does it: the class is in a jar that spark-submit adds.
        command = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--master", "local[1]"]
        command += ["--jars", ",".join(map(str, _jars())), "--conf", "spark.ui.filters=segue.KnownHosts"]
        command += [part for key, value in ALLOWED.items() for part in ("--conf", f"{key}={value}")]
        command += [str(script), *HERE, *ELSEWHERE]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines() if line[:5] in ("FOUND", "HERE "))
    assert lines.keys() == {"FOUND", "HERE"}, done.stderr
    only_known(json.loads(lines["FOUND"]))
    # On a cluster, where the pages listen on all addresses, other machines get status 403.
    assert json.loads(lines["HERE"]) == [True] * len(HERE) + [False] * len(ELSEWHERE)


def test_the_pages_of_master_and_worker_answer_to_known_hosts_only(tmp_path: Path) -> None:
    ensure_filter()
    entry, port = str(ROOT / "deploy/image/entrypoint.sh"), free_port(17177)
    environment = os.environ | {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_MASTER_WEBUI_PORT": "0",
        "SPARK_WORKER_WEBUI_PORT": "0",
        "SPARK_WORKER_DIR": str(tmp_path / "work"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_CONF_DIR": str(tmp_path),
        "SPARK_DAEMON_JAVA_OPTS": " ".join(
            [SHORT_LIVED, *(f'"-D{key}={value}"' for key, value in ALLOWED.items())]
        ),
    }
    servers: dict[str, Server] = {}
    try:
        for kind in ("Master", "Worker"):
            command = [entry, f"spark-{kind.lower()}", f"spark://127.0.0.1:{port}"]
            servers[kind] = Server(command, folder=tmp_path / kind, environment=environment)
        for kind, server in servers.items():
            only_known(statuses(_address(server, kind), "/", "/static/webui.css"))
            # All programs before Java have replaced themselves by the next one.
            options = Path(f"/proc/{server.pid}/cmdline").read_text().split("\0")
            assert "-Dspark.ui.killEnabled=false" in options
    finally:
        for server in servers.values():
            server.kill()


def _address(server: Server, kind: str) -> str:
    """The address of the pages, from the log."""
    found: list[str] = []

    def bound() -> bool:
        assert server.runs(), server.why()
        found[:] = re.findall(rf"Bound {kind}WebUI to .* started at (http\S+)", server.log.read_text())
        return bool(found)

    until(bound, f"the pages of the {kind.lower()}")
    return found[0]


LISTEN = """
import json, os
from segue.settings import load_settings
from segue.spark.session import session
from tests.spark.test_pages import listening
spark = session(load_settings(), app="pages", spark__ui__port="0")
assert spark.range(1000).repartition(4).count() == 1000
pid = spark._jvm.java.lang.ProcessHandle.current().pid()
print("FOUND " + json.dumps([spark.sparkContext.uiWebUrl.rsplit(":", 1)[1], listening(pid)]))
spark.stop()
"""


def listening(pid: int) -> list[tuple[str, int]]:
    """The address and the port of each socket on which a process accepts connections."""
    found = psutil.Process(pid).net_connections("tcp")
    return [(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN]


def is_loopback(address: str) -> bool:
    own = ip_address(address)
    mapped = own.ipv4_mapped if isinstance(own, IPv6Address) else None
    return (mapped or own).is_loopback


@pytest.mark.parametrize("at", ["127.0.0.1", "127.0.0.2"])
def test_the_pages_of_a_driver_listen_on_the_loopback_address_only(tmp_path: Path, at: str) -> None:
    """Also those of a driver that workers on other machines reach, if SPARK_LOCAL_IP says so."""
    ensure_jars()
    ensure_filter()
    script = tmp_path / "listen.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{LISTEN}")
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_LOCAL_IP"}
    environment |= {"PYSPARK_PYTHON": sys.executable, "SEGUE_SPARK__MASTER": "local[1]"}
    if at != "127.0.0.1":  # stands for an address of the network
        reached = {"spark.driver.host": at, "spark.driver.bindAddress": at}
        environment |= {"SPARK_LOCAL_IP": "127.0.0.1", "SEGUE_SPARK__CONF": json.dumps(reached)}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert lines, done.stderr
    pages, sockets = json.loads(lines[0].removeprefix("FOUND "))
    assert all(is_loopback(address) for address, _ in sockets)
    [address] = [address for address, port in sockets if port == int(pages)]
    assert address.rpartition(":")[2] == "127.0.0.1"
    assert any(own.rpartition(":")[2] == at for own, port in sockets if port != int(pages))


@pytest.mark.parametrize("values", [defaults(), defaults(tuned=False), cluster_defaults()])
def test_every_job_has_the_filter(values: dict[str, str]) -> None:
    assert values["spark.ui.filters"] == spark_pages.FILTER


def test_the_same_source_gives_the_same_jar_and_replaces_the_former(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = ensure_filter(tmp_path / "one"), ensure_filter(tmp_path / "other")
    assert one.read_bytes() == other.read_bytes()
    assert zipfile.ZipFile(one).namelist() == ["segue/KnownHosts.class"]
    changed = tmp_path / "KnownHosts.java"
    changed.write_text(spark_pages.SOURCE.read_text() + "\n")
    monkeypatch.setattr(spark_pages, "SOURCE", changed)
    new = ensure_filter(tmp_path / "one")
    assert [new] == list((tmp_path / "one").iterdir())
    changed.write_text("class {")
    with pytest.raises(SegueError, match="cannot be compiled"):
        ensure_filter(tmp_path / "one")
    assert [new] == list((tmp_path / "one").iterdir())


def test_without_the_filter_there_are_no_pages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    off = {"spark.ui.enabled": "false", "spark.ui.filters": ""}
    assert session._pages({"spark.driver.extraClassPath": "/own/*"}) == off
    assert "spark.driver.extraClassPath" in caplog.text
    broken = tmp_path / "KnownHosts.java"
    broken.write_text("class {")
    monkeypatch.setattr(spark_pages, "SOURCE", broken)
    monkeypatch.setattr(session, "ensure_filter", lambda: ensure_filter(tmp_path / "jars"))
    assert session._pages({}) == off
    assert session._pages({"spark.ui.enabled": "false"}) == {}
