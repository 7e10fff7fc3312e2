"""`GET /operator`: makes the browser's session an operator's, with a code that a command has printed."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from segue.dashboard.api.requests import client_address, cookie_options
from segue.dashboard.language.words import gettext
from segue.dashboard.services import Services
from segue.people.browsers import browser_of
from segue.people.login_failures import LoginFailures, of_operator_link
from segue.people.login_sessions import COOKIE
from segue.people.operator_links import PATH, OperatorLinks

_FIRST_PAGE = "/operations"


def routes(services: Services) -> list[Route]:
    """See the module."""
    sessions, links = services.login_sessions, OperatorLinks(services.store)
    failures = LoginFailures(services.store)

    def entered(code: str, token: str | None, address: str, browser: str) -> str | None:
        """The token of a new session with the rights of an operator; None for a code that is not valid."""
        listener = sessions.find(token)
        user_id = listener.user_id if listener else None
        if not links.use(code):
            if not failures.take(of_operator_link(address)):  # else a visitor could fill the log
                services.audit.note("operator-link-refused", user_id=user_id, address=address)
            return None
        services.audit.note("operator-link-used", user_id=user_id, address=address)
        if listener is None or token is None:
            return sessions.open(operator=True, browser=browser)
        # A new token: a token planted before the link was opened is worthless after it.
        sessions.close(token)
        return sessions.open(user_id=listener.user_id, name=listener.name, operator=True, browser=browser)

    async def enter(request: Request) -> Response:
        if request.method == "HEAD":  # programs that show a preview of a link send it
            return Response(headers={"Cache-Control": "no-store"})
        code = request.query_params.get("code", "")
        token = await run_in_threadpool(
            entered,
            code,
            request.cookies.get(COOKIE),
            client_address(request),
            browser_of(request.headers.get("user-agent")),
        )
        if token is None:
            words = gettext(
                "This link was used already or has expired. "
                "Ask the person who runs this server for a new one."
            )
            return PlainTextResponse(words, 403, headers={"Cache-Control": "no-store"})
        response = RedirectResponse(_FIRST_PAGE, 303, headers={"Cache-Control": "no-store"})
        response.set_cookie(COOKIE, token, **cookie_options(secure=request.url.scheme == "https"))
        return response

    return [Route(PATH, enter)]
