"""The jobs' users in MongoDB, each with a separate role for its rights.

Delivery: a role and a user are created or updated; repeating it changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from segue.errors import SegueError
from segue.settings import MongoSettings, milliseconds
from segue.storage.access import Login, MongoAccess
from segue.storage.mongo import Document, guard
from segue.storage.store import Right, Store

_ACTIONS = {
    Right.READ: ["find"],
    Right.WRITE: ["find", "insert", "update", "remove"],
    Right.ERASE: ["find", "remove"],
    Right.APPEND: ["find", "insert"],
    Right.INDEX: ["createIndex", "listIndexes", "collMod"],
}
_ALWAYS = "models"
"""Every job reads this collection when it starts, to check its user."""
_USERS = "admin"
"""The authentication database if the address names none."""
_NOT_INITIATED = 94
_PRIMARY_SECONDS = 60.0


def grant(store: Store, job: str, access: MongoAccess, login: Login) -> None:
    """Create a job's role and user; an existing user gets this password, and only this role.

    Raises
    ------
    SegueError
        This user may not create users.
    """
    database = store.database
    role = role_name(database.name, job)
    fields = {"privileges": privileges(database.name, access), "roles": []}
    user = {
        "pwd": login.password.get_secret_value(),
        "roles": [{"role": role, "db": database.name}],
    }
    users = database.client[_USERS]
    try:
        _make(database, "createRole", "updateRole", role, fields, there="rolesInfo", answer="roles")
        _make(users, "createUser", "updateUser", login.username, user, there="usersInfo", answer="users")
    except OperationFailure as error:
        why = (error.details or {}).get("errmsg", "refused")
        raise SegueError(
            f"MongoDB does not allow this user to create users ({why}): use an administrator"
        ) from None


def role_name(database: str, job: str) -> str:
    """The name of a job's role."""
    return f"{database}-{job}"


def privileges(database: str, access: MongoAccess) -> list[Document]:
    """A role's privileges in MongoDB's form."""
    actions: dict[str, set[str]] = {_ALWAYS: {"find"}}
    for collection, rights in access.rights.items():
        for right in rights:
            actions.setdefault(collection, set()).update(_ACTIONS[right])
    allowed: list[Document] = [
        {"resource": {"db": database, "collection": collection}, "actions": sorted(names)}
        for collection, names in sorted(actions.items())
    ]
    if access.lists:
        allowed.append({"resource": {"db": database, "collection": ""}, "actions": ["listCollections"]})
    return allowed


def _make(
    database: Database[Document],
    create: str,
    update: str,
    name: str,
    fields: Document,
    *,
    there: str,
    answer: str,
) -> None:
    known = database.command(there, name)[answer]
    database.command(update if known else create, name, **fields)


def initiate(settings: MongoSettings, members: Sequence[str], *, replica_set: str = "segue") -> bool:
    """Form a replica set of these servers, and wait for its primary; False if they already form one.

    Raises
    ------
    SegueError
        The first server does not answer or refuses, or the set elects no primary in time.
    """
    member_list = [{"_id": number, "host": host} for number, host in enumerate(members)]
    options: dict[str, Any] = {
        "directConnection": True,
        "serverSelectionTimeoutMS": milliseconds(settings.timeout),
    }
    client: MongoClient[Document] = MongoClient(members[0], **options, **guard(settings))
    try:
        try:
            client.admin.command("replSetGetStatus")
            return False
        except OperationFailure as error:
            if error.code != _NOT_INITIATED:
                raise
        client.admin.command("replSetInitiate", {"_id": replica_set, "members": member_list})
        until = time.monotonic() + _PRIMARY_SECONDS
        while time.monotonic() < until:
            hello = client.admin.command("hello")
            if hello.get("primary"):
                return True
            time.sleep(0.2)
    except PyMongoError as error:
        raise SegueError(
            f"{members[0]} cannot initiate the replica set: {str(error).partition(',')[0]}"
        ) from None
    finally:
        client.close()
    raise SegueError(f"the replica set has no primary after {_PRIMARY_SECONDS:.0f} s: see the servers' logs")
