"""Loops over plays that numba compiles when they first run.

The compiled code is not stored: numba does not lock its folder, and two processes that compile at once can
spoil it (:mod:`segue.audio.librosa`). Nor does it notice that a function changed which a stored one calls
in another file. A loop takes some seconds to compile in each process that uses it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def compiled(function: FunctionT) -> FunctionT:
    """The function in machine code; while it runs, other threads of Python run, too."""
    return cast("FunctionT", numba.njit(nogil=True)(function))


def compiled_part(function: FunctionT) -> FunctionT:
    """The same for functions that only compiled ones call: without a wrapper, they compile faster."""
    part = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]
    return cast("FunctionT", part(function))
