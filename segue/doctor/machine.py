"""Checks that need no package: processor, memory, disk, Python, compiler, Java. Standard library only."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from segue.counted import counted
from segue.doctor.check import Check, ok, problem, warning
from segue.doctor.writing import existing
from segue.places import CHECKOUT, LOCAL

PYTHONS = ((3, 11), (3, 14))
JAVAS = (17, 25)
DISK_GB = 6
MEMORY_GB = 6


def machine_checks() -> list[Check]:
    """All checks of this module."""
    checks: list[Callable[[], Check]] = [_system, _processor, _memory, _disk, _data_folder, _python]
    checks += [_headers, _compiler] if CHECKOUT else []
    return [check() for check in [*checks, _java]]


def _system() -> Check:
    found = f"{platform.system()} {platform.machine()}"
    if found == "Linux x86_64":
        return ok("system", found)
    return warning(
        "system",
        f"{found}: the embedded MongoDB runs on Linux x86_64 only",
        "use a MongoDB server of your own: SEGUE_MONGO__URI=mongodb://host:27017",
    )


def _processor() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores >= 2:
        return ok("processor", counted(cores, "core"))
    return warning("processor", "1 core", "use 2 cores or more: with one, recommendations are late")


def _memory() -> Check:
    try:
        text = Path("/proc/meminfo").read_text()
        total, free = (
            int(re.findall(rf"{name}: +(\d+)", text)[0]) / 1e6 for name in ("MemTotal", "MemAvailable")
        )
    except (OSError, IndexError):
        return ok("memory", "unknown on this system")
    found = f"{total:.1f} GB, {free:.1f} GB available"
    if total < MEMORY_GB:
        return warning(
            "memory",
            found,
            f"use a machine with {MEMORY_GB} GB, or lower spark.driver_memory in your settings",
        )
    return ok("memory", found)


def _disk() -> Check:
    folder = existing(LOCAL)
    free = shutil.disk_usage(folder).free / 1e9
    found = f"{free:.1f} GB free for {LOCAL}"
    if free < 1:
        return problem("disk", found, "free some space: the embedded servers need 1 GB to start")
    if free < DISK_GB:
        return warning("disk", found, f"free some space: set-up needs {DISK_GB} GB")
    return ok("disk", found)


def _data_folder() -> Check:
    folder = existing(LOCAL)
    if os.access(folder, os.W_OK):
        return ok("data folder", f"{LOCAL} {'can be written' if folder == LOCAL else 'can be created'}")
    return problem(
        "data folder",
        f"this user may not write to {folder}",
        f"run: sudo chown -R {os.environ.get('USER', 'USER')} {folder}, or set SEGUE_HOME to another folder",
    )


def _python() -> Check:
    found = f"{platform.python_version()} ({sys.executable})"
    lowest, highest = (".".join(map(str, version)) for version in PYTHONS)
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return ok("Python", found)
    return problem("Python", found, f"install Python {lowest} to {highest}: apt install python3 python3-venv")


def _headers() -> Check:
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if header.exists():
        return ok("Python headers", str(header.parent))
    if (LOCAL / "venv").exists():
        return ok("Python headers", "not installed; needed only to set up again")
    return problem("Python headers", f"{header} is missing", "run: apt install python3-dev")


def _compiler() -> Check:
    found = next(filter(None, map(shutil.which, ("g++", "c++", "clang++"))), None)
    if found:
        return ok("C++ compiler", found)
    if (LOCAL / "venv").exists():
        return ok("C++ compiler", "not installed; needed only to set up again")
    return problem("C++ compiler", "none found", "run: apt install g++ (Annoy is compiled during set-up)")


def _java() -> Check:
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    wanted = f"{JAVAS[0]} to {JAVAS[1]}"
    without = "Segue uses the Java of its package set 'embedded' instead"
    if not java:
        return ok("Java", f"none on this machine; {without}")
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return warning("Java", f"{java} does not run; {without}", "correct JAVA_HOME, or unset it")
    version = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    if version and JAVAS[0] <= int(version[1]) <= JAVAS[1]:
        return ok("Java", f"{version[1]} ({java})")
    number = version[1] if version else "of an unknown version"
    return warning(
        "Java", f"{number} ({java}); {without}", f"install Java {wanted} if you want to use your own"
    )
