"""A way back after a forgotten password: a link, by mail, to an address that its owner has confirmed.

Nobody learns whether an account exists or has an address: a request is counted, answered at once and always
alike, and the rest happens in the thread that sends mails.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from segue.people.accounts import Account, Accounts, StoredAccount
from segue.people.audit import AuditLog
from segue.people.authentication import AccountError, Authenticator, Busy, TooManyGuesses
from segue.people.login_failures import LoginFailures, of_mail, of_mails_to
from segue.people.mail import Outbox, is_address, send
from segue.people.mail_links import PATHS, MailLinks, Purpose
from segue.phrases import marked
from segue.settings import MailSettings
from segue.storage.store import Store

_USED = marked("This link was used already or has expired. Please ask for a new one.")


@dataclass(frozen=True)
class Letter:
    """The text of a mail, in the language of the person who asks for it."""

    subject: str
    text: str
    """With "{link}" in the place of the link, if it has one."""


class Recovery:
    """Sends links and accepts them. Thread-safe."""

    def __init__(
        self,
        store: Store,
        settings: MailSettings,
        authenticator: Authenticator,
        *,
        base_url: str,
        links: MailLinks | None = None,
    ) -> None:
        """`base_url` begins the links: a request's own host name could be that of somebody else."""
        self._settings, self._base_url = settings, base_url.rstrip("/")
        self._authenticator, self._accounts = authenticator, Accounts(store)
        self._links, self._failures = links or MailLinks(store), LoginFailures(store)
        self._audit = AuditLog(store)
        self._outbox = Outbox()

    @property
    def is_on(self) -> bool:
        """Whether mail can be sent."""
        return bool(self._settings.host and self._base_url)

    def close(self) -> None:
        """End the thread that sends."""
        self._outbox.close()

    def ask(self, name: str, letter: Letter, *, address: str) -> None:
        """Send a link to the owner of an account, if there is one with a confirmed address.

        Parameters
        ----------
        address
            The network address of the person who asks.

        Raises
        ------
        TooManyGuesses
            Too many have asked from this address.
        AccountError
            This service sends no mail.
        """
        self._take(address)
        self._outbox.put(lambda: self._answer(name, letter, address))

    def _answer(self, name: str, letter: Letter, address: str) -> None:
        stored = self._accounts.stored(name)
        if stored is None or stored.get("disabled_at") or not (to := stored.get("mail")):
            return
        user_id = stored["user_id"]
        if self._failures.take(of_mails_to(user_id)):
            return  # otherwise, repeated requests would fill the inbox of somebody else
        token = self._links.create("password", user_id, fits=_fits(stored))
        self._audit.note("password-link-sent", user_id=user_id, address=address)
        self._send(to, letter, "password", token)

    def tell(self, user_id: str, letter: Letter) -> None:
        """Send a notice to the confirmed address of a listener, if there is one, and mail can be sent."""
        if self.is_on:
            to = self._accounts.mail_of(user_id)
            self._tell(to, letter)

    def _tell(self, to: str | None, letter: Letter) -> None:
        if to is not None and self.is_on:
            self._outbox.put(lambda: send(self._settings, to=to, subject=letter.subject, text=letter.text))

    def reset(self, token: str, password: str) -> Account:
        """Set a new password with a link.

        Raises
        ------
        AccountError
            The link does not work, or the password is too short, too long or easy to guess; then the link
            still works.
        """
        account = self._account_of("password", token)
        self._authenticator.check_new(account, password)
        # With the new password, the link does not fit any more; it still does if the work is refused.
        try:
            self._authenticator.set_password(account, password, former=account.checked)
        except Busy:
            raise
        except AccountError:
            raise AccountError(_USED) from None
        self._links.use("password", token)
        return replace(account, checked="")

    def offer_address(
        self,
        account: Account,
        mail: str,
        letter: Letter,
        *,
        notice: Letter,
        password: str,
        address: str,
        device: str | None,
    ) -> None:
        """Send a link to a new address of an account, whose owner confirms it. An empty one removes it.

        A cookie alone does not suffice: with another address, a thief would get the account.

        Parameters
        ----------
        notice
            The mail to the former address when it is removed.

        Raises
        ------
        TooManyGuesses, Busy
            As for :meth:`Authenticator.log_in`; or too many mails were sent.
        AccountError
            The password is wrong, the text is not an address, or this service sends no mail.
        """
        mail = mail.strip()
        if mail and not is_address(mail):
            raise AccountError(marked("This is not a mail address."))
        known = self._authenticator.confirm(
            account, password, address=address, device=device, refusal="address-change-refused"
        )
        if not mail:
            former = self._accounts.mail_of(account.user_id)
            if not self._accounts.set_mail(account.user_id, None, checked=known.checked):
                raise AccountError(marked("The present password is wrong."))
            self._tell(former, notice)
            self._audit.note("address-removed", user_id=account.user_id, address=address)
            return
        self._take(address)
        if self._failures.take(of_mails_to(account.user_id)):
            raise TooManyGuesses
        stored = self._accounts.stored(account.name)
        if stored is None or stored["password"] != known.checked:
            raise AccountError(marked("The present password is wrong."))
        token = self._links.create("address", account.user_id, fits=_fits(stored), address=mail)
        self._outbox.put(lambda: self._send(mail, letter, "address", token))

    def confirm_address(self, token: str, *, address: str, notice: Letter) -> None:
        """Use the mail address that a link has confirmed; `address` is that of the visitor.

        The former address gets the notice.

        Raises
        ------
        AccountError
            The link does not work.
        """
        account = self._account_of("address", token)
        link = self._links.find("address", token)
        if link is None or not self._links.use("address", token):
            raise AccountError(_USED)
        former = self._accounts.mail_of(account.user_id)
        if not self._accounts.set_mail(account.user_id, link.address, checked=account.checked):
            raise AccountError(_USED)
        if former != link.address:
            self._tell(former, notice)
        self._audit.note("address-confirmed", user_id=account.user_id, address=address)

    def _account_of(self, purpose: Purpose, token: str) -> Account:
        link = self._links.find(purpose, token)
        account = self._accounts.of(link.user_id) if link else None
        stored = self._accounts.stored(account.name) if account else None
        if link is None or account is None or stored is None or _fits(stored) != link.fits:
            raise AccountError(_USED)
        if stored.get("disabled_at"):
            raise AccountError(marked("This account is disabled: ask the person who runs this server."))
        return replace(account, checked=stored["password"])

    def _take(self, address: str) -> None:
        if not self.is_on:
            raise AccountError(marked("This server sends no mail: ask the person who runs it."))
        if self._failures.take(of_mail(address)):
            raise TooManyGuesses

    def _send(self, to: str, letter: Letter, purpose: Purpose, token: str) -> None:
        link = f"{self._base_url}{PATHS[purpose]}#{token}"
        send(self._settings, to=to, subject=letter.subject, text=letter.text.replace("{link}", link))


def _fits(stored: StoredAccount) -> str:
    """A digest of the values that a link depends on."""
    return hashlib.sha256(f"{stored['password']}\n{stored.get('mail', '')}".encode()).hexdigest()
