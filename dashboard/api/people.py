"""`POST /api/people/…`: signing up, logging in and out, changing the password.

Each response sets the cookie of a new session.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard import letters
from segue.dashboard.api.requests import (
    as_guest,
    client_address,
    cookie_options,
    json_body,
    refuse_cross_site,
    session_of,
)
from segue.dashboard.language.words import translated
from segue.dashboard.retry_after import retry_after
from segue.dashboard.services import Services
from segue.people import devices
from segue.people.accounts import Account, Accounts
from segue.people.audit import Action
from segue.people.authentication import AccountError, Busy, TooManyGuesses
from segue.people.browsers import browser_of
from segue.people.login_failures import WINDOW
from segue.people.login_sessions import COOKIE
from segue.phrases import marked

_LARGEST = 4096


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def sign_up(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        name, password = await texts(request, "name", "password")
        guest_id = listener.user_id if listener.name is None else None
        return await entered(
            services,
            request,
            "sign-up",
            lambda: services.authenticator.sign_up(
                name, password, guest_id=guest_id, address=client_address(request)
            ),
        )

    async def log_in(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        name, password = await texts(request, "name", "password")
        return await entered(
            services,
            request,
            "log-in",
            lambda: services.authenticator.log_in(
                name, password, address=client_address(request), device=device_of(request)
            ),
        )

    async def hand_over(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        token = _token(request)
        (code,) = await texts(request, "code")
        return await entered(services, request, "log-in", lambda: _accepted(services, code, token))

    async def log_out(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        await run_in_threadpool(_close, services, request)
        return await as_guest(services, request, JSONResponse({}))

    async def log_out_everywhere(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        await run_in_threadpool(services.login_sessions.close_all, listener.user_id)
        if listener.name is not None:  # a guest could fill the log
            await run_in_threadpool(_note, services, request, "log-out-everywhere", listener.user_id)
        await run_in_threadpool(_close, services, request)
        return await as_guest(services, request, JSONResponse({}))

    async def change_password(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        password, new = await texts(request, "password", "new_password")
        address, notice = client_address(request), letters.on_changed_password()

        def changed() -> Account:
            account = Accounts(services.store).of(listener.user_id)
            if account is None or listener.name is None:
                raise AccountError(marked("You have no password in Segue."))
            services.authenticator.change_password(
                account, password, new=new, address=address, device=device_of(request)
            )
            # People who knew the old password are logged out, on all devices.
            services.login_sessions.close_all(account.user_id)
            services.recovery.tell(account.user_id, notice)
            return account

        return await entered(services, request, "password-changed", changed)

    endpoints = {
        "sign-up": sign_up,
        "log-in": log_in,
        "hand-over": hand_over,
        "log-out": log_out,
        "log-out-everywhere": log_out_everywhere,
        "change-password": change_password,
    }
    return [Route(f"/api/people/{path}", endpoint, methods=["POST"]) for path, endpoint in endpoints.items()]


async def entered(
    services: Services, request: Request, action: Action, enter: Callable[[], Account]
) -> Response:
    """The answer with the cookie of a new session, for the account that `enter` returns, or its refusal."""
    try:
        account = await run_in_threadpool(enter)
    except AccountError as error:
        return refusal(error)
    await run_in_threadpool(_note, services, request, action, account.user_id)
    # A new token prevents session fixation: a token planted before the log-in is worthless after it.
    before = await run_in_threadpool(services.login_sessions.find, request.cookies.get(COOKIE))
    await run_in_threadpool(_close, services, request)
    operator = before is not None and before.operator  # by a link for operators, opened before the log-in
    browser = browser_of(request.headers.get("user-agent"))
    token = await run_in_threadpool(
        lambda: services.login_sessions.open(
            user_id=account.user_id, name=account.name, operator=operator, browser=browser
        )
    )
    if not await run_in_threadpool(services.authenticator.still_opens, account):
        await run_in_threadpool(services.login_sessions.close, token)
        return refusal(AccountError(marked("The name or the password is wrong.")))
    response = _with_cookie(request, token)
    device = request.cookies.get(devices.COOKIE)
    if (digest := devices.digest(device)) is None:
        device = devices.new_token()
        digest = devices.digest(device)
    assert device and digest
    await run_in_threadpool(Accounts(services.store).note_device, account.user_id, digest)
    options = cookie_options(secure=request.url.scheme == "https")
    response.set_cookie(
        devices.COOKIE, device, **{**options, "max_age": int(devices.LIFETIME.total_seconds())}
    )
    return response


def refusal(error: AccountError) -> Response:
    """The answer to a request that was refused: status 422, or 429 or 503 with the time to wait."""
    if isinstance(error, TooManyGuesses):
        return JSONResponse(
            {"error": translated(error)}, status_code=429, headers=retry_after(WINDOW.total_seconds())
        )
    if isinstance(error, Busy):
        return JSONResponse({"error": translated(error)}, status_code=503, headers=retry_after())
    return JSONResponse({"error": translated(error)}, status_code=422)


def _note(services: Services, request: Request, action: Action, user_id: str) -> None:
    services.audit.note(action, user_id=user_id, address=client_address(request))


def device_of(request: Request) -> str | None:
    """The hash of the browser's token (:mod:`segue.people.devices`)."""
    return devices.digest(request.cookies.get(devices.COOKIE))


def _close(services: Services, request: Request) -> None:
    if token := request.cookies.get(COOKIE):
        services.login_sessions.close(token)


def _token(request: Request) -> str:
    """The token of a session, or of a visitor whose network has too many guests."""
    if not (token := request.cookies.get(COOKIE)):
        raise HTTPException(401, "no session: reload the page")
    return token


def _accepted(services: Services, code: str, token: str) -> Account:
    account = services.handovers.accept(code, token=token)
    if account is None:
        raise AccountError(marked("This log-in code was already used or has expired: please log in again."))
    return account


async def texts(request: Request, *names: str) -> list[str]:
    """The text fields of a JSON body, in the order of `names`."""
    shape = f"an object with {' and '.join(names)}"
    content = await json_body(request, limit=_LARGEST, shape=shape)
    if not content.keys() >= set(names):
        raise HTTPException(400, f"the body must be {shape}")
    texts = [content[name] for name in names]
    if not all(isinstance(text, str) for text in texts):
        raise HTTPException(400, f"{' and '.join(names)} must be text")
    return texts


def _with_cookie(request: Request, token: str) -> Response:
    response = JSONResponse({})
    response.set_cookie(COOKIE, token, **cookie_options(secure=request.url.scheme == "https"))
    return response
