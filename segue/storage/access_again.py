"""The remedy where a server does not allow a job's user something."""

from __future__ import annotations

GRANT_AGAIN = (
    "a new release may need further rights: run ./run.sh access create DIR with an administrator's settings"
)
