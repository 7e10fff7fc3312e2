"""Routes answer in the language of the page that asks, else in that of the browser."""

from __future__ import annotations

import pytest

from segue.dashboard.language.spoken import COOKIE
from tests.dashboard.conftest import Enter

pytestmark = pytest.mark.integration
WRONG = {"name": "Nobody", "password": "not the password"}
ENGLISH, GERMAN = "The name or the password is wrong.", "Der Name oder das Passwort ist falsch."


@pytest.mark.parametrize(
    ("header", "cookie", "expected"),
    [
        (None, None, ENGLISH),
        ("de-AT,de;q=0.9", None, GERMAN),
        ("de", "en", ENGLISH),
        ("en", "de", GERMAN),
        ("de", "../../etc", GERMAN),
        ("xx", "", ENGLISH),
    ],
)
def test_an_error_is_in_the_language_of_the_page(
    enter: Enter, header: str | None, cookie: str | None, expected: str
) -> None:
    client = enter()
    if cookie is not None:
        client.cookies.set(COOKIE, cookie)
    headers = {"accept-language": header} if header else {}
    answer = client.post("/api/people/log-in", json=WRONG, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (422, expected)


def test_the_page_of_a_dead_link_is_in_the_language_of_the_browser(enter: Enter) -> None:
    german = enter().get("/s/none", headers={"accept-language": "de"}).text
    assert '<html lang="de">' in german and "Dieser Link funktioniert nicht" in german
    english = enter().get("/s/none").text
    assert '<html lang="en">' in english and "This link does not work" in english
