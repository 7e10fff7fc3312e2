"""Commands on the project's folder, which an installed package lacks: they are scripts of it."""

from __future__ import annotations

import os

import typer

from segue.places import ROOT

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Typer's settings for a command whose arguments, `--help` included, are those of a script."""


def deploy(context: typer.Context) -> None:
    """Deploy onto other machines, by compose, ssh or Kubernetes."""
    _run("deploy/deploy.sh", *context.args)


def setup(context: typer.Context) -> None:
    """Set up a set of packages, Java and jars."""
    _run("run.sh", "setup", *context.args)


def test(context: typer.Context) -> None:
    """Check the code and run the tests."""
    _run("run.sh", "test", *context.args)


def _run(script: str, *arguments: str) -> None:
    path = str(ROOT / script)
    os.execv(path, [path, *arguments])
