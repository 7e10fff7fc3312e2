"""Sends mail by SMTP, in a thread: nobody waits for the server, and its pace tells nobody anything.

Delivery: a mail is tried once. If the server does not take it, or the process ends before, it is lost: the
person asks for it again.
"""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from segue.settings import MailSettings
from segue.storage.mongo import Unreachable

log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 20.0
_MOST_WAITING = 100
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"]{1,190}")
LONGEST_ADDRESS = 254


def is_address(text: str) -> bool:
    """Whether a text is one address for mail. Whether it exists is known when a mail has arrived."""
    return len(text) <= LONGEST_ADDRESS and text.isprintable() and bool(_ADDRESS.fullmatch(text))


def send(settings: MailSettings, *, to: str, subject: str, text: str) -> None:
    """Send a mail and wait for the server.

    Raises
    ------
    OSError, smtplib.SMTPException
        The server does not answer, does not speak TLS as the settings ask, or does not take the mail.
    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = settings.sender, to, subject
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = make_msgid(domain=settings.sender.rpartition("@")[2].rstrip("> "))
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer of an absence is sent to it
    mail.set_content(text)
    with _connected(settings) as server:
        if settings.username:
            server.login(settings.username, settings.password.get_secret_value())
        server.send_message(mail)


def _connected(settings: MailSettings) -> smtplib.SMTP:
    if settings.tls == "off":
        return smtplib.SMTP(settings.host, settings.port, timeout=_PATIENCE_SECONDS)
    context = ssl.create_default_context(cafile=settings.tls_ca_file or None)
    if settings.tls == "on":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=_PATIENCE_SECONDS, context=context)
    server = smtplib.SMTP(settings.host, settings.port, timeout=_PATIENCE_SECONDS)
    try:
        server.starttls(context=context)  # it fails where the server offers none
    except Exception:
        server.close()
        raise
    return server


class Outbox:
    """The mails that wait to be sent, one after the other. Thread-safe."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mail")
        self._room = threading.BoundedSemaphore(_MOST_WAITING)

    def put(self, work: Callable[[], None]) -> None:
        """Do work that ends in a mail, soon; not at all if too many wait."""
        if not self._room.acquire(blocking=False):
            log.warning("a mail was not sent: %d others wait; does the server answer?", _MOST_WAITING)
            return
        self._thread.submit(self._do, work)

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, smtplib.SMTPException, *Unreachable) as error:
            # Not the message of the server: it may name the recipient.
            log.warning("a mail was not sent: %s; see the settings [mail]", type(error).__name__)
        except Exception:
            log.exception("a mail was not sent")
        finally:
            self._room.release()

    def close(self) -> None:
        """Forget the mails that wait, and end after the one that is being sent."""
        self._thread.shutdown(cancel_futures=True)
