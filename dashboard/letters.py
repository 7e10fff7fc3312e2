"""The mails about accounts, in the language of the person who makes the request."""

from __future__ import annotations

from segue.dashboard.language.words import gettext
from segue.people.recovery import Letter


def for_password() -> Letter:
    """The link to a new password."""
    return Letter(
        gettext("Your new password for Segue"),
        gettext(
            "Somebody, probably you, has asked for a new password. Open this link within half an hour to "
            "choose one:\n\n{link}\n\nIf it was not you, do nothing: your password stays the same.\n",
            link="{link}",
        ),
    )


def for_address() -> Letter:
    """The link that confirms an address."""
    return Letter(
        gettext("Confirm your mail address for Segue"),
        gettext(
            "Open this link within a day to confirm this address. If you forget your password, you get a "
            "link to a new one here:\n\n{link}\n\nIf you have no account there, do nothing.\n",
            link="{link}",
        ),
    )


def on_changed_password() -> Letter:
    """The notice of a new password."""
    return Letter(
        gettext("Your password for Segue was changed"),
        gettext(
            "The password of your account was changed, and all devices were logged out. If it was not you, "
            "ask for a new password on the page to log in, and tell the person who runs this server.\n"
        ),
    )


def on_changed_address() -> Letter:
    """The notice, to the former address, that it is no longer that of the account."""
    return Letter(
        gettext("Your mail address for Segue was changed"),
        gettext(
            "Your account has another mail address now, or none. If it was not you, change your password, "
            "and tell the person who runs this server.\n"
        ),
    )
