"""The dashboard behind the deployed nginx: TLS, headers, cookies, plays, and a page's own connection."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
import uuid
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from segue.dashboard.protection import HEADERS
from segue.local.process import accepts, free_port
from segue.people.login_sessions import COOKIE
from segue.places import ROOT
from segue.settings import load_settings
from segue.storage.mongo import connect as connect_to_mongo
from tests.asynchronous import run
from tests.dashboard.browser import Served
from tests.security.certificates import Certificates, make_certificates
from tests.waiting import PATIENCE, until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx"),
]
METRICS, OF_PROXY = free_port(28445), free_port(28545)
CONFIGURATION = (ROOT / "deploy/proxy/nginx.conf").read_text()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def dashboard(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all, as it takes a while; each browser has a session of its own."""
    folder = tmp_path_factory.mktemp("dashboard")
    base = load_settings()
    mongo = base.mongo.model_copy(update={"uri": mongo_uri, "database": f"test_{uuid.uuid4().hex[:12]}"})
    index = base.index.model_copy(update={"folder": str(folder / "index")})
    served = Served(base.model_copy(update={"mongo": mongo, "index": index}), log=folder / "log")
    served.start(SEGUE_DASHBOARD__METRICS_PORT=str(METRICS))
    yield served
    served.end()


@pytest.fixture(scope="module")
def proxy(
    dashboard: Served, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Its address; only places and ports are other than deployed."""
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port(28443)
    health = free_port(28444, avoid=[port])
    text = CONFIGURATION
    for old, new in {
        " /tmp/": f" {folder}/",
        "8443": str(port),
        "127.0.0.1:8081": f"127.0.0.1:{health}",
        "127.0.0.1:8501": f"127.0.0.1:{dashboard.port}",
        # The pages' process has the same API.
        "127.0.0.1:8503": f"127.0.0.1:{dashboard.port}",
        "127.0.0.1:4042": f"127.0.0.1:{METRICS}",
        "listen 9404": f"listen {OF_PROXY}",
        "/run/secrets/tls.crt": str(certificates.server),
        "/run/secrets/tls.key": str(certificates.server),
    }.items():
        assert old in text
        text = text.replace(old, new)
    file = folder / "nginx.conf"
    file.write_text(text)
    command = ["nginx", "-c", str(file), "-p", str(folder), "-e", "stderr"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    process = subprocess.Popen([*command, "-g", "daemon off;"])
    until(lambda: accepts(port), "nginx to answer")
    assert httpx.get(f"http://127.0.0.1:{health}/healthy", timeout=PATIENCE).text == "ok"
    yield f"https://127.0.0.1:{port}"
    process.terminate()
    process.wait(PATIENCE)


@pytest.fixture(scope="module")
def trust(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates.authority))


@pytest.fixture
def browser(proxy: str, trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    """One that nobody has used before."""
    with httpx.Client(base_url=proxy, verify=trust, timeout=PATIENCE) as client:
        yield client


def test_pages_come_over_tls_with_headers_and_a_secure_cookie(browser: httpx.Client) -> None:
    page = browser.get("/", headers={"accept": "text/html"})
    assert page.status_code == 200
    wanted = dict(re.findall(r'add_header (\S+) "?([^"]*?)"? always;', CONFIGURATION))
    assert "Strict-Transport-Security" in wanted
    wanted |= HEADERS
    assert {name: page.headers[name] for name in wanted} == wanted
    assert "server" not in page.headers or re.fullmatch(r"nginx|uvicorn", page.headers["server"])
    cookie = page.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"secure", "httponly", "samesite=lax"} <= {part.strip().lower() for part in cookie.split(";")}


def test_apps_reach_their_api_from_pages_of_any_site(browser: httpx.Client) -> None:
    asked = browser.get(
        "/rest/getOpenSubsonicExtensions", params={"f": "json"}, headers={"Origin": "https://a.example"}
    )
    assert asked.json()["subsonic-response"]["status"] == "ok"
    assert asked.headers["access-control-allow-origin"] == "*"
    form = {"u": "nobody", "p": "wrong", "f": "json"}
    refused = browser.post("/rest/ping.view", data=form).json()["subsonic-response"]
    assert refused["error"]["code"] == 40
    assert browser.post("/rest/createPlaylist", data={"songId": ["x"] * 500_000}).status_code == 413


def test_attempts_count_by_the_address_that_the_proxy_sees(
    proxy: str, trust: ssl.SSLContext, dashboard: Served
) -> None:
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2", verify=trust)
    with httpx.Client(base_url=proxy, transport=elsewhere, timeout=PATIENCE) as client:
        client.get("/", headers={"accept": "text/html"})
        body = {"name": "Zoe", "password": "a guess"}
        refused = client.post(
            "/api/people/log-in",
            json=body,
            headers={"origin": proxy, "X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6"},
        )
    assert refused.status_code == 422
    failures = connect_to_mongo(dashboard.mongo).login_failures
    assert {one["_id"] for one in failures.find({"_id": {"$regex": "^(name-at:zoe|address:)"}})} >= {
        "name-at:zoe\n127.0.0.2",
        "address:127.0.0.2",
    }
    assert failures.count_documents({"_id": {"$regex": "6.6.6.6"}}) == 0


def test_metrics_are_on_a_separate_port(browser: httpx.Client) -> None:
    browser.get("/", headers={"accept": "text/html"})
    metrics = httpx.get(f"http://127.0.0.1:{OF_PROXY}/metrics", timeout=PATIENCE).text
    assert 'segue_http_requests_total{method="GET",route="page",status="200"}' in metrics
    assert httpx.get(f"http://127.0.0.1:{OF_PROXY}/", timeout=PATIENCE).status_code == 404
    assert "segue_http" not in browser.get("/metrics").text


def test_a_header_that_the_dashboard_sets_too_is_said_once(browser: httpx.Client) -> None:
    missing = browser.get("/s/nothing")
    for name in ("x-content-type-options", "x-frame-options"):
        assert len(missing.headers.get_list(name)) == 1


def test_old_tls_is_refused(proxy: str) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError):
        httpx.get(proxy, verify=old, timeout=PATIENCE)


def test_a_page_has_its_connection(browser: httpx.Client, proxy: str, trust: ssl.SSLContext) -> None:
    """The client runs in one thread.

    That of websockets.sync reads in a second thread while the first writes, which OpenSSL does not allow:
    some of its requests got lost.
    """

    async def open_page(origin: str, **header: str) -> None:
        async with connect(
            f"{proxy.replace('https', 'wss')}/_stcore/stream",
            ssl=trust,
            origin=Origin(origin),
            additional_headers=header,
            proxy=None,
            open_timeout=PATIENCE,
            ping_timeout=None,
            close_timeout=PATIENCE,
        ) as socket:
            await asyncio.wait_for(await socket.ping(), PATIENCE)

    page = browser.get("/", headers={"accept": "text/html"})
    run(open_page, proxy, Cookie=f"{COOKIE}={page.cookies[COOKIE]}")
    with pytest.raises(InvalidStatus):
        run(open_page, "https://elsewhere.example")


def test_own_pages_may_ask_and_others_may_not(browser: httpx.Client, proxy: str) -> None:
    """The routes compare the page's origin with the host that was asked, port and all."""
    browser.get("/", headers={"accept": "text/html"})
    own = browser.post("/api/events", headers={"origin": proxy}, content=b"[]")
    foreign = browser.post("/api/events", headers={"origin": "https://elsewhere.example"}, content=b"[]")
    assert foreign.status_code == 403
    assert own.status_code not in (401, 403)


def test_a_body_that_is_too_large_ends_at_the_proxy(browser: httpx.Client) -> None:
    done = browser.post("/api/events", content=b"x" * 70_000_000)
    assert done.status_code == 413
