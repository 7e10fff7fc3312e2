"""Hashes of passwords: a service's take a quarter of a second, by intention; those of tests take none."""

from __future__ import annotations

from argon2 import PasswordHasher

from segue.people import authentication

SERVED = authentication.HASHER
"""The hasher of a service."""
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def hash_quickly() -> None:
    """From now on, this process hashes passwords in no time."""
    authentication.HASHER = QUICK
