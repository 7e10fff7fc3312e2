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
from typing import Any
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
from tests.spark.test_pages import listening, statuses
spark = session(load_settings(), app="pages", spark__ui__port="0")
if "statuses" in sys.argv:
    paths = ("/jobs/", "/api/v1/applications", "/static/webui.css")
    print("FOUND " + json.dumps(statuses(spark.sparkContext.uiWebUrl, *paths)))
    is_here = spark._jvm.segue.KnownHosts.isHere
    print("HERE " + json.dumps([is_here(own) for own in sys.argv[2:]]))
assert spark.range(1000).repartition(4).count() == 1000
pid = spark._jvm.java.lang.ProcessHandle.current().pid()
print("SOCKETS " + json.dumps([spark.sparkContext.uiWebUrl.rsplit(":", 1)[1], listening(pid)]))
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


def _asked(folder: Path, start: list[str], *asked: str, environment: dict[str, str]) -> dict[str, Any]:
    """The results of the script, by its words, in an environment without SPARK_LOCAL_IP of its own."""
    ensure_jars()
    ensure_filter()
    script = folder / "ask.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{ASK}")
    plain = {name: value for name, value in os.environ.items() if name != "SPARK_LOCAL_IP"}
    done = subprocess.run(
        [*start, str(script), *asked],
        cwd=folder,
        env=plain | {"PYSPARK_PYTHON": sys.executable, "SEGUE_SPARK__MASTER": "local[1]"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = (line.split(" ", 1) for line in done.stdout.splitlines())
    return {word: json.loads(rest[0]) for word, *rest in lines if word in ("FOUND", "HERE", "SOCKETS")}


@pytest.mark.parametrize("submitted", [False, True])
def test_the_pages_of_a_driver_answer_to_known_hosts_only(tmp_path: Path, submitted: bool) -> None:
    start, environment = [sys.executable], {"SEGUE_SPARK__CONF": json.dumps(ALLOWED)}
    if submitted:
        # As a pack does it: the class is in a jar that spark-submit adds.
        start = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--master", "local[1]"]
        start += ["--jars", ",".join(map(str, _jars())), "--conf", "spark.ui.filters=segue.KnownHosts"]
        start += [part for key, value in ALLOWED.items() for part in ("--conf", f"{key}={value}")]
        environment["SPARK_LOCAL_IP"] = "127.0.0.1"
    found = _asked(tmp_path, start, "statuses", *HERE, *ELSEWHERE, environment=environment)
    only_known(found["FOUND"])
    # On a cluster, where the pages listen on all addresses, other machines get status 403.
    assert found["HERE"] == [True] * len(HERE) + [False] * len(ELSEWHERE)
    if not submitted:
        only_loopback(found["SOCKETS"], at="127.0.0.1")


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


def listening(pid: int) -> list[tuple[str, int]]:
    """The address and the port of each socket on which a process accepts connections."""
    found = psutil.Process(pid).net_connections("tcp")
    return [(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN]


def is_loopback(address: str) -> bool:
    own = ip_address(address)
    mapped = own.ipv4_mapped if isinstance(own, IPv6Address) else None
    return (mapped or own).is_loopback


def only_loopback(found: tuple[str, list[tuple[str, int]]], *, at: str) -> None:
    pages, sockets = found
    assert all(is_loopback(address) for address, _ in sockets)
    [address] = [address for address, port in sockets if port == int(pages)]
    assert address.rpartition(":")[2] == "127.0.0.1"
    assert any(own.rpartition(":")[2] == at for own, port in sockets if port != int(pages))


def test_the_pages_listen_on_the_loopback_address_only_if_workers_elsewhere_reach_the_driver(
    tmp_path: Path,
) -> None:
    """If SPARK_LOCAL_IP says so; for a driver that nobody else reaches, see the test of known hosts."""
    at = "127.0.0.2"  # stands for an address of the network
    reached = {"spark.driver.host": at, "spark.driver.bindAddress": at}
    environment = {"SPARK_LOCAL_IP": "127.0.0.1", "SEGUE_SPARK__CONF": json.dumps(reached)}
    only_loopback(_asked(tmp_path, [sys.executable], environment=environment)["SOCKETS"], at=at)


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
