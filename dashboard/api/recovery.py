"""`POST /api/people/…`: a new password by a link in a mail, and the address for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard import letters
from segue.dashboard.api.people import device_of, entered, refusal, texts
from segue.dashboard.api.requests import client_address, refuse_cross_site, session_of
from segue.dashboard.services import Services
from segue.people.accounts import Account, Accounts
from segue.people.authentication import AccountError
from segue.phrases import marked

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(services: Services) -> list[Route]:
    """See the module."""
    endpoints = {**_passwords(services), **_addresses(services)}
    return [Route(f"/api/people/{path}", endpoint, methods=["POST"]) for path, endpoint in endpoints.items()]


def _passwords(services: Services) -> dict[str, Endpoint]:
    async def forgot_password(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        (name,) = await texts(request, "name")
        letter, address = letters.for_password(), client_address(request)
        return await _done(lambda: services.recovery.ask(name, letter, address=address))

    async def reset_password(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        token, new = await texts(request, "token", "new_password")
        notice = letters.on_changed_password()

        def reset() -> Account:
            account = services.recovery.reset(token, new)
            # People who knew the old password are logged out, on all devices.
            services.login_sessions.close_all(account.user_id)
            services.recovery.tell(account.user_id, notice)
            return account

        return await entered(services, request, "password-reset", reset)

    return {"forgot-password": forgot_password, "reset-password": reset_password}


def _addresses(services: Services) -> dict[str, Endpoint]:
    async def mail_address(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        mail, password = await texts(request, "address", "password")
        letter, notice = letters.for_address(), letters.on_changed_address()
        address, device = client_address(request), device_of(request)

        def offer() -> None:
            account = Accounts(services.store).of(listener.user_id)
            if account is None or listener.name is None:
                raise AccountError(marked("You have no password in Segue."))
            services.recovery.offer_address(
                account, mail, letter, notice=notice, password=password, address=address, device=device
            )

        return await _done(offer)

    async def confirm_address(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        (token,) = await texts(request, "token")
        address, notice = client_address(request), letters.on_changed_address()
        return await _done(lambda: services.recovery.confirm_address(token, address=address, notice=notice))

    return {"mail-address": mail_address, "confirm-address": confirm_address}


async def _done(work: Callable[[], object]) -> Response:
    try:
        await run_in_threadpool(work)
    except AccountError as error:
        return refusal(error)
    return JSONResponse({})
