"""Connecting and disconnecting services on the page You."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from segue.cli.main import app
from segue.dashboard import visit
from segue.dashboard.services import Services
from segue.people.login_sessions import Listener
from segue.scrobbling.connections import ScrobbleConnections
from segue.scrobbling.heard import ScrobbledSong
from segue.scrobbling.outcome import DAILY_LIMIT
from segue.settings import Settings
from segue.storage.store import Store
from tests.scrobbling import service as small
from tests.scrobbling.conftest import World
from tests.scrobbling.service import TOKEN

pytestmark = pytest.mark.integration
SCRIPT = """
from segue.dashboard import visit
from segue.dashboard.views import scrobbling
scrobbling.show(visit.listener())
"""


@pytest.fixture
def services(store: Store, settings: Settings, songs: list[str], monkeypatch: pytest.MonkeyPatch) -> Services:
    """Those of Ada's page."""
    made = Services(store, settings)
    here = Listener(user_id="ada", name="Ada", session_id="s")
    monkeypatch.setattr(visit, "services", lambda: made)
    monkeypatch.setattr(visit, "listener", lambda: here)
    return made


def page() -> AppTest:
    at = AppTest.from_string(SCRIPT, default_timeout=600).run()
    assert not at.exception, at.exception
    return at


def press(at: AppTest, label: str) -> None:
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception, at.exception


def text(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in (*at.markdown, *at.caption, *at.warning, *at.error))


def test_listenbrainz_is_connected_by_a_token_and_disconnected(services: Services, world: World) -> None:
    at = page()
    at.text_input[0].input("wrong")
    press(at, "Connect")
    assert "does not accept this token" in text(at)
    at.text_input[0].input(f" {TOKEN} ")
    press(at, "Connect")
    own = ScrobbleConnections(services.store).of("ada")["listenbrainz"]
    assert (own.account, own.address) == ("ada-lb", world.service.address)
    assert "as **ada\\-lb**" in text(at)
    assert "No play was sent yet." in text(at)
    assert TOKEN not in text(at)
    world.hear(0, ago=-1)  # after the connection
    world.hear(1, ago=-1)
    assert world.sending.send_all() == 2
    at = page()
    assert "Last play sent" in text(at)
    assert "2 plays sent · 0 wait · 0 refused" in text(at)
    press(at, "Disconnect")
    assert ScrobbleConnections(services.store).of("ada") == {}
    actions = [entry["action"] for entry in services.store.database.audit_log.find().sort("_id", 1)]
    assert actions == ["service-connected", "service-disconnected"]


def test_a_service_that_does_not_answer_is_not_connected(services: Services, service: small.Service) -> None:
    service.faults = [small.Answer(502, "<html>")]
    at = page()
    at.text_input[0].input(TOKEN)
    press(at, "Connect")
    assert "does not answer" in text(at)
    assert ScrobbleConnections(services.store).of("ada") == {}


@pytest.mark.parametrize("name", ["A\ud800da\0", "\ud800"])
def test_a_name_that_cannot_be_stored_breaks_no_page(
    services: Services, service: small.Service, world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    answer = {"code": 200, "valid": True, "user_name": name}
    monkeypatch.setattr(service, "validate", lambda token: answer)
    at = page()
    at.text_input[0].input(TOKEN)
    press(at, "Connect")
    stored = [one.account for one in world.connections.of("ada").values()]
    assert stored == (["A da"] if "da" in name else [])


def test_lastfm_is_connected_by_a_permission(services: Services, service: small.Service) -> None:
    at = page()
    press(at, "Connect to Last.fm")
    press(at, "2. I have allowed it")
    assert "no permission of yours" in text(at)
    press(at, "Start again")
    press(at, "Connect to Last.fm")
    service.allowed = True
    press(at, "2. I have allowed it")
    own = ScrobbleConnections(services.store).of("ada")["lastfm"]
    assert own.account == "ada-fm"
    assert small.SESSION.encode() not in own.encrypted


def test_the_page_says_why_plays_wait_and_whether_programs_count(services: Services, world: World) -> None:
    own = world.connect("listenbrainz")
    world.hear(0)
    change = {"$set": {"problem": DAILY_LIMIT, "last_refusal": "too-old", "refused": 3}}
    services.store.database.scrobble_connections.update_one({"_id": own}, change)
    at = page()
    assert "takes no more plays today" in text(at)
    assert "too old for the service" in text(at)
    assert "3 refused" in text(at)
    assert at.toggle[0].value is False
    at.toggle[0].set_value(True).run()
    assert ScrobbleConnections(services.store).of("ada")["listenbrainz"].from_programs


def test_without_settings_nothing_is_offered(
    services: Services, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = settings.scrobbling.model_copy(update={"listenbrainz_addresses": (), "lastfm_key": ""})
    monkeypatch.setattr(services, "settings", settings.model_copy(update={"scrobbling": none}))
    assert not page().button


@pytest.mark.parametrize("verb", ["disable", "delete"])
def test_an_account_that_is_shut_out_is_disconnected(
    services: Services, world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Neither its token nor its plays stay; those of others do."""
    account = services.authenticator.create("Ada", "correct horse battery")
    other = world.connect("listenbrainz")
    world.hear(0)
    world.connections.connect(
        account.user_id, "listenbrainz", address=world.service.address, account="a", encrypted=b"x"
    )
    own = f"{account.user_id}:listenbrainz"
    song: ScrobbledSong = {"title": "Song", "artist": "Lumen"}
    world.scrobbles.add(own, "e", user_id=account.user_id, at=1, song=song)
    monkeypatch.setenv("SEGUE_MONGO__URI", settings.mongo.uri)
    monkeypatch.setenv("SEGUE_MONGO__DATABASE", settings.mongo.database)
    done = CliRunner().invoke(app, ["account", verb, "Ada", "--yes"])
    assert done.exit_code == 0, done.output
    assert world.connections.of(account.user_id) == {}
    assert world.scrobbles.count_waiting(own) == 0
    assert world.scrobbles.count_waiting(other) == 1
    assert len(world.connections.of("ada")) == 1


@pytest.mark.parametrize("same", [True, False])
def test_what_waits_for_one_account_is_not_sent_to_another(
    services: Services, world: World, same: bool
) -> None:
    """The service has ended a connection, and the listener connects again."""
    own = world.connect("listenbrainz", secret="no longer valid")
    account = "ada-lb" if same else "somebody"
    world.store.database.scrobble_connections.update_one({}, {"$set": {"account": account}})
    world.hear(0)
    world.sending.send_all()
    assert world.connection(own).ended
    at = page()
    at.text_input[0].set_value(TOKEN)
    press(at, "Connect")
    assert world.connection(own).account == "ada-lb"
    assert world.scrobbles.count_waiting(own) == int(same)
