"""The routes of the API for developers: answers, keys, scopes, limits and errors."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from segue.catalog.gathering import gather
from segue.dashboard.api.v1.described import OPERATIONS, KeyOperation, answers, document
from segue.dashboard.api.v1.routes import ELSEWHERE, routes
from segue.dashboard.app import _FOR_PROGRAMS, make_middleware, make_routes
from segue.dashboard.capacity import Capacity, Descriptors
from segue.dashboard.services import Services
from segue.dashboard.slow_work import Full, SlowWork
from segue.errors import SegueError
from segue.people.accounts import Accounts
from segue.people.api_keys import EVENTS, MOST, WINDOW, ApiKeyError, ApiKeys
from segue.people.login_failures import LIMITS
from segue.ranking.recommendations import Recommendations
from segue.settings import Settings
from segue.storage.mongo import Unreachable
from segue.storage.store import Store
from tests.developers.conftest import BECAUSE, NEXT, Program, recommend
from tests.opensubsonic.conftest import EACH, track_id
from tests.waiting import until

pytestmark = pytest.mark.integration
ONE = track_id(0, 3)
OTHER_SITE = "https://elsewhere.example"
PLAYER = "https://player.example"


def problem(response: Any, status: int) -> str:
    """The detail of an error, which must have the form of RFC 9457."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    content = response.json()
    assert content["status"] == status
    assert content["type"] == "about:blank"
    assert content.keys() == {"type", "title", "status", "detail"}
    detail: str = content["detail"]
    return detail


def address_of(operation: KeyOperation) -> str:
    """A request of an operation that could succeed."""
    path = operation.path.removeprefix("/api/v1").replace("{track_id}", ONE)
    return f"{path}?q=light" if path == "/search" else path


# What is answered.


def test_recommendations_come_with_their_reasons(ada: Program, services: Services) -> None:
    recommend(services, ada.account.user_id, ONE, NEXT)
    plan = ada.get("/recommendations")
    assert [track["id"] for track in plan["tracks"]] == [ONE, NEXT]
    first = plan["tracks"][0]
    assert (first["title"], first["artist"], first["duration_ms"]) == ("First Light 3", "The Example", 6000)
    assert "First Light 2" in first["reason"]
    assert first["attribution"]["rank"] == 1
    assert first["attribution"]["recommendation_id"].startswith("r1")
    assert (plan["served"], plan["reflects_at"]) == ("taste", 20)
    assert [track["id"] for track in ada.get("/recommendations", limit=1)["tracks"]] == [ONE]
    assert first["lifted_by"] == []
    services.store.database.recommendations.update_one(
        {"_id": ada.account.user_id}, {"$set": {"items.0.reason.lifted_by": {"artist": 0.5, "sound": 0.25}}}
    )
    lifted = ada.get("/recommendations")["tracks"][0]
    assert lifted["lifted_by"] == [
        {"evidence": "artist", "amount": 0.5},
        {"evidence": "sound", "amount": 0.25},
    ]
    assert lifted["reason"] == f"{first['reason']} · you play this artist a lot"


def test_reasons_are_in_the_language_of_the_program(ada: Program, services: Services) -> None:
    recommend(services, ada.account.user_id, ONE)
    english = ada.get("/recommendations")["tracks"][0]["reason"]
    german = ada.ask("GET", "/recommendations", headers={"Accept-Language": "de"}).json()
    assert german["tracks"][0]["reason"] != english


def test_before_the_first_play_there_is_a_selection_to_start_with(ada: Program) -> None:
    plan = ada.get("/recommendations")
    assert plan["served"] == "cold-start"
    assert plan["tracks"]


def test_similar_tracks_are_those_of_the_same_direction(ada: Program) -> None:
    near = ada.get(f"/tracks/{ONE}/similar", limit=EACH - 1)["tracks"]
    assert {track["id"] for track in near} == {track_id(0, number) for number in (1, 2, 4)}
    scores = [track["similarity"] for track in near]
    assert scores == sorted(scores, reverse=True)


def test_a_radio_goes_on_after_what_it_has_played(ada: Program) -> None:
    first = [track["id"] for track in ada.get(f"/tracks/{ONE}/radio", limit=3)["tracks"]]
    assert len(first) == 3
    assert ONE not in first
    after = ada.get(f"/tracks/{ONE}/radio", after=",".join(first), limit=3)["tracks"]
    assert not {track["id"] for track in after} & {ONE, *first}


def test_search_tolerates_a_typo(ada: Program) -> None:
    found = ada.get("/search", q="secnd wind", limit=2)
    assert len(found["tracks"]) == 2
    assert found["total"] == EACH
    assert [album["name"] for album in found["albums"]] == ["Second Wind"]


def test_a_key_tells_whose_it_is(ada: Program) -> None:
    assert ada.get("/me") == {
        "user_id": ada.account.user_id,
        "name": "Ada",
        "label": "lamp",
        "scopes": ["recommendations", "catalogue", "events"],
        "requests_per_minute": ada.services.settings.api.requests_per_minute,
    }


# Whose data.


def test_a_key_gives_its_own_listeners_plan_only(ada: Program, ben: Program, services: Services) -> None:
    recommend(services, ada.account.user_id, ONE)
    recommend(services, ben.account.user_id, NEXT, name="r2")
    assert [track["id"] for track in ada.get("/recommendations")["tracks"]] == [ONE]
    wanted = {"user_id": ada.account.user_id, "user": "Ada"}
    assert [track["id"] for track in ben.get("/recommendations", **wanted)["tracks"]] == [NEXT]


def test_the_cookie_of_the_pages_opens_nothing(web: TestClient, services: Services, ada: Program) -> None:
    token = services.login_sessions.open(user_id=ada.account.user_id, name="Ada")
    web.cookies.set("segue_session", token)
    response = web.get("/api/v1/me")
    assert "Authorization" in problem(response, 401)


class TestAHiddenLibrary:
    """Only Ada sees the album 1999."""

    HIDDEN = track_id(3, 2)

    @pytest.fixture
    def app_settings(self, settings: Settings) -> Settings:
        library = settings.library.model_copy(update={"accounts": (("loud", ("ADA",)),)})
        return settings.model_copy(update={"library": library})

    def test_no_route_gives_its_tracks_to_others(
        self, library: Store, services: Services, ada: Program, ben: Program
    ) -> None:
        hidden = {"library": "loud", "grouped": 0}
        library.database.tracks.update_many({"album": "1999"}, {"$set": hidden})
        gather(library)
        for own in (ada, ben):
            recommend(services, own.account.user_id, self.HIDDEN, ONE)
        addresses = (
            "/recommendations",
            f"/tracks/{ONE}/radio?limit=100",
            f"/tracks/{ONE}/similar?limit=100",
            "/search?q=1999",
        )
        shown = [ada.ask("GET", address).text for address in addresses]
        assert [self.HIDDEN in text for text in shown] == [True, True, False, True]
        assert not any("1999" in ben.ask("GET", address).text for address in addresses)
        for kind in ("similar", "radio"):
            of_hidden, of_unknown = (
                problem(ben.ask("GET", f"/tracks/{own}/{kind}"), 404) for own in (self.HIDDEN, "none")
            )
            assert of_hidden == of_unknown
            assert ada.ask("GET", f"/tracks/{self.HIDDEN}/{kind}").status_code == 200


# Keys.


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if not one.is_open], ids=lambda one: one.path
)
def test_every_route_needs_a_key_and_its_scope(
    web: TestClient, ada: Program, operation: KeyOperation
) -> None:
    address = address_of(operation)
    for header in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {ada.key}"}):
        response = web.request(operation.method, f"/api/v1{address}", headers=header)
        problem(response, 401)
        assert response.headers["www-authenticate"].startswith("Bearer")
    in_the_address = f"/api/v1{address}{'&' if '?' in address else '?'}key={ada.key}&access_token={ada.key}"
    problem(web.request(operation.method, in_the_address), 401)
    if operation.scope is not None:
        others = {"recommendations", "catalogue", "events"} - {operation.scope}
        response = ada.with_scopes(*others).ask(operation.method, address)
        assert operation.scope in problem(response, 403)
        assert f'scope="{operation.scope}"' in response.headers["www-authenticate"]


def test_a_revoked_key_opens_nothing(ada: Program, services: Services) -> None:
    keys = ApiKeys(services.store)
    [own] = keys.of(ada.account.user_id)
    assert not keys.revoke("somebody else", own.key_id)
    ada.get("/me")
    assert keys.revoke(ada.account.user_id, own.key_id)
    problem(ada.ask("GET", "/me"), 401)


def test_a_key_is_stored_as_a_digest_and_its_use_is_noted(ada: Program, services: Services) -> None:
    assert ApiKeys(services.store).of(ada.account.user_id)[0].last_used_at is None
    ada.get("/me")
    assert ApiKeys(services.store).of(ada.account.user_id)[0].last_used_at is not None
    assert ada.key not in str(list(services.store.database.api_keys.find()))


def test_a_key_needs_a_label_and_known_scopes(store: Store) -> None:
    keys = ApiKeys(store)
    for label, scopes in (("", [EVENTS]), ("x" * 65, [EVENTS]), ("lamp", []), ("lamp", ["everything"])):
        with pytest.raises(ApiKeyError):
            keys.create("ada", "Ada", label=label, scopes=scopes)
    for _ in range(MOST):
        keys.create("ada", "Ada", label="lamp", scopes=[EVENTS])
    with pytest.raises(ApiKeyError, match="You have"):
        keys.create("ada", "Ada", label="lamp", scopes=[EVENTS])


def test_guesses_are_counted_with_those_of_app_passwords(ada: Program, web: TestClient) -> None:
    wrong = {"Authorization": "Bearer segue_wrong"}
    for _ in range(LIMITS["app"]):
        problem(web.get("/api/v1/me", headers=wrong), 401)
    response = web.get("/api/v1/me", headers=wrong)
    problem(response, 429)
    assert int(response.headers["retry-after"]) > 0
    ada.get("/me")  # a right key is never refused


def test_a_key_of_a_disabled_account_opens_nothing(ada: Program, services: Services) -> None:
    Accounts(services.store).disable(ada.account.name)
    problem(ada.ask("GET", "/me"), 401)
    Accounts(services.store).enable(ada.account.name)
    ada.get("/me")


# Limits.


def test_requests_beyond_the_limit_are_refused_until_the_window_ends(store: Store) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    keys = ApiKeys(store, clock=lambda: at)
    key = keys.create("ada", "Ada", label="lamp", scopes=[EVENTS])

    def requests() -> int:
        use = keys.use(key)
        assert use is not None
        assert use.ends == began + WINDOW
        return use.requests

    began = at
    assert [requests() for _ in range(3)] == [1, 2, 3]
    at += WINDOW - timedelta(seconds=1)
    assert requests() == 4
    at += timedelta(seconds=1)
    began = at
    assert requests() == 1
    other = keys.create("ada", "Ada", label="clock", scopes=[EVENTS])
    at += WINDOW / 2
    both = keys.use(other)
    assert both is not None
    assert (both.requests, both.ends) == (2, began + WINDOW), "all keys of a listener count together"
    at += WINDOW / 2
    alone = keys.use(other)
    assert alone is not None
    assert (alone.requests, alone.ends) == (2, began + WINDOW / 2 + WINDOW)


def test_a_damaged_count_is_none(store: Store) -> None:
    keys = ApiKeys(store)
    key = keys.create("ada", "Ada", label="lamp", scopes=[EVENTS])
    for damage in (
        {"requests": "many"},
        {"window_at": "now"},
        {"window_at": datetime(9000, 1, 1, tzinfo=UTC)},
    ):
        store.database.api_keys.update_one({}, {"$set": damage})
        use = keys.use(key)
        assert use is not None
        assert use.requests == 1


class TestALimitOfThree:
    @pytest.fixture
    def app_settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"api": settings.api.model_copy(update={"requests_per_minute": 3})})

    def test_is_of_the_listener_and_counts_all_at_once(self, ada: Program, ben: Program) -> None:
        statuses = list[int]()
        threads = [
            threading.Thread(target=lambda: statuses.append(ada.ask("GET", "/me").status_code))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # At most two windows can have been open.
        assert statuses.count(200) in (3, 6)
        if statuses.count(200) == 3:
            assert statuses.count(429) == 5
        ben.get("/me")

    def test_counts_all_keys_of_a_listener(self, ada: Program, services: Services) -> None:
        ada.get("/me")
        in_this_window = {"requests": 3, "window_at": datetime.now(UTC)}
        services.store.database.api_keys.update_one({"label": "lamp"}, {"$set": in_this_window})
        problem(ada.with_scopes(EVENTS).ask("GET", "/me"), 429)

    def test_says_when_to_try_again(self, ada: Program, services: Services) -> None:
        ada.get("/me")
        in_this_window = {"requests": 3, "window_at": datetime.now(UTC)}
        services.store.database.api_keys.update_one({"label": "lamp"}, {"$set": in_this_window})
        response = ada.ask("GET", "/me")
        assert "3 requests" in problem(response, 429)
        assert 1 <= int(response.headers["retry-after"]) <= 60


@contextmanager
def all_places(work: SlowWork, user_id: str) -> Iterator[None]:
    """Within it, a listener has as many requests as may be."""
    with ExitStack() as taken:
        with pytest.raises(Full):
            while True:
                taken.enter_context(work.place(user_id))
        yield


def test_requests_at_the_same_time_are_limited(ada: Program, ben: Program, services: Services) -> None:
    with all_places(services.asking, ada.account.user_id):
        for path in ("/recommendations", "/search?q=light", f"/tracks/{ONE}/similar", f"/tracks/{ONE}/radio"):
            response = ada.ask("GET", path)
            problem(response, 429)
            assert response.headers["retry-after"]
        ben.get("/recommendations")
    ada.get("/recommendations")


def test_a_body_has_a_place_before_it_is_read(ada: Program, services: Services) -> None:
    large = b"x" * (256 * 1024 + 1)
    with all_places(services.receiving, ada.account.user_id):
        problem(ada.ask("POST", "/events", content=large), 429)
    problem(ada.ask("POST", "/events", content=large), 413)


# Errors.


def test_unknown_routes_and_methods_are_problems(web: TestClient, ada: Program) -> None:
    for path in ("/", "/nothing", "/tracks/x", "/recommendations/", "/me/x"):
        problem(ada.ask("GET", path), 404)
    response = ada.ask("DELETE", "/me")
    assert "GET" in problem(response, 405)
    assert response.headers["allow"] == "GET"
    assert ada.ask("HEAD", "/recommendations/stream").status_code == 405


@pytest.mark.parametrize(
    "address",
    [
        "/recommendations?limit=0",
        "/recommendations?limit=101",
        "/recommendations?limit=x",
        "/recommendations?limit=%C2%B2",
        "/search",
        "/search?q=%20",
        "/search?q=" + "x" * 201,
        f"/tracks/{ONE}/radio?after=a%20b",
        f"/tracks/{ONE}/radio?after=" + ",".join(["x"] * 201),
    ],
)
def test_a_wrong_parameter_is_named(ada: Program, address: str) -> None:
    detail = problem(ada.ask("GET", address), 400)
    assert detail.startswith(("limit", "q ", "after"))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"events": []}', b'{"events": [1]}', b"[" * 100_000])
def test_a_body_that_is_no_list_of_events_is_refused(ada: Program, body: bytes) -> None:
    problem(ada.ask("POST", "/events", content=body), 400)


def test_a_large_body_is_refused(ada: Program) -> None:
    problem(ada.ask("POST", "/events", content=b"x" * (256 * 1024 + 1)), 413)


def test_without_kafka_events_are_refused_for_a_while(
    ada: Program, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(events: object) -> None:
        raise SegueError("Kafka does not accept plays now")

    monkeypatch.setattr(services.delivery, "send", away)
    event = {"event_id": "7" * 32, "track_id": ONE, "type": "play", "occurred_at": _now()}
    response = ada.ask("POST", "/events", json={"events": [event]})
    problem(response, 503)
    assert response.headers["retry-after"]


def test_without_an_index_similar_tracks_are_refused_for_a_while(ada: Program, services: Services) -> None:
    services.store.database.models.delete_many({})
    services.store.database["bundles.files"].delete_many({})
    for kind in ("similar", "radio"):
        response = ada.ask("GET", f"/tracks/{ONE}/{kind}")
        if response.status_code != 200:  # it may be in memory
            problem(response, 503)


def _now() -> int:
    return round(datetime.now(UTC).timestamp() * 1000)


# Pages of other sites.


def test_pages_of_other_sites_may_not_call(ada: Program, web: TestClient) -> None:
    response = ada.ask("GET", "/me", headers={"Origin": OTHER_SITE})
    assert "access-control-allow-origin" not in response.headers
    asked = {"Origin": OTHER_SITE, "Access-Control-Request-Method": "GET"}
    response = web.options("/api/v1/me", headers=asked)
    problem(response, 400)
    assert "access-control-allow-origin" not in response.headers


class TestAnOriginOfTheSettings:
    @pytest.fixture
    def app_settings(self, settings: Settings) -> Settings:
        api = settings.api.model_copy(update={"allowed_origins": (PLAYER,)})
        return settings.model_copy(update={"api": api})

    def test_may_call_and_read_errors(self, ada: Program, web: TestClient) -> None:
        for method, path, status in (("GET", "/me", 200), ("GET", "/nothing", 404), ("POST", "/events", 400)):
            response = ada.ask(method, path, headers={"Origin": PLAYER})
            assert response.status_code == status
            assert response.headers["access-control-allow-origin"] == PLAYER
            assert "Origin" in response.headers["vary"]
        asked = {
            "Origin": PLAYER,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        }
        response = web.options("/api/v1/events", headers=asked)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == PLAYER

    def test_opens_nothing_to_others(self, ada: Program) -> None:
        response = ada.ask("GET", "/me", headers={"Origin": OTHER_SITE})
        assert "access-control-allow-origin" not in response.headers


# The description.


def test_the_document_is_served_and_its_schemas_are_valid(web: TestClient) -> None:
    served = web.get("/api/v1/openapi.json").json()
    assert served == json.loads(json.dumps(document()))
    for schema in served["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(served)))
    assert named == served["components"]["schemas"].keys()


def test_the_description_has_every_route_and_no_other(services: Services) -> None:
    paths = {route.path for route in routes(services)} - set(ELSEWHERE)
    assert paths == {operation.path for operation in OPERATIONS}


def test_answers_are_as_they_are_described(ada: Program, services: Services) -> None:
    recommend(services, ada.account.user_id, ONE, BECAUSE)
    for operation in OPERATIONS:
        if operation.path.endswith("/stream"):
            continue
        response = ada.ask(operation.method, address_of(operation))
        described = answers(operation)[response.status_code]
        assert response.headers["content-type"].partition(";")[0] == described.media
        if isinstance(described.body, type):
            described.body.model_validate(response.json(), strict=True)


def test_the_dashboard_has_the_routes_too(services: Services) -> None:
    own = [route for part in _FOR_PROGRAMS for route in part.routes(services)]
    app = Starlette(routes=[*make_routes(services), *own], middleware=make_middleware(services, own))
    response = TestClient(app, base_url="http://music.example.org").get("/api/v1/me")
    problem(response, 401)
    assert "set-cookie" not in response.headers


class NoRoom(Descriptors):
    def has_room(self) -> bool:
        return False


def test_every_error_at_or_below_the_root_is_a_problem(services: Services) -> None:
    """Also those of the layers before the routes."""
    own = routes(services)
    strict = services.settings.dashboard.model_copy(update={"require_login": "on"})
    services.settings = services.settings.model_copy(update={"dashboard": strict})
    web = TestClient(
        Starlette(routes=own, middleware=make_middleware(services, own)), base_url="http://music.example.org"
    )
    for path in ("", "/", "/nothing"):
        problem(web.get(f"/api/v1{path}"), 404)
    for of_apps in (None, lambda _: PlainTextResponse("full", 503)):
        full = Capacity(Starlette(routes=own), NoRoom(), of_apps=of_apps)
        response = TestClient(full).get("/api/v1/me", headers={"Accept": "text/html"})
        assert "room" in problem(response, 503)
        assert response.headers["retry-after"]


# Outages.


def test_while_the_database_is_away_requests_are_refused_for_a_while(
    ada: Program, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*given: object) -> None:
        raise Unreachable[0]("connection closed")

    for owner, name in ((ApiKeys, "use"), (Recommendations, "of")):
        with monkeypatch.context() as away:
            away.setattr(owner, name, lost)
            response = ada.ask("GET", "/recommendations")
        assert "database" in problem(response, 503)
        assert response.headers["retry-after"]
        until(lambda: not services.availability.is_away, "the database to answer again")
    ada.get("/recommendations")
    with monkeypatch.context() as away:
        away.setattr(type(services.availability), "is_away", property(lambda own: True))
        problem(ada.ask("GET", "/recommendations"), 503)
        assert ada.web.get("/api/v1/openapi.json").status_code == 200
