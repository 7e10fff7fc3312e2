"""Commands that run scripts of the project's folder; an installed package does not have them."""

from __future__ import annotations

import os

import typer

from segue.places import ROOT

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Typer's settings for a command that passes all arguments, `--help` included, to a script."""


def deploy(context: typer.Context) -> None:
    """Deploy onto other machines, by compose, ssh or Kubernetes."""
    _run("deploy/deploy.sh", *context.args)


def setup(context: typer.Context) -> None:
    """Install a set of packages, Java and jars."""
    _run("run.sh", "setup", *context.args)


def test(context: typer.Context) -> None:
    """Check the code and run the tests."""
    _run("run.sh", "test", *context.args)


def _run(script: str, *arguments: str) -> None:
    path = str(ROOT / script)
    os.execv(path, [path, *arguments])
