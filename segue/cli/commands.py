"""The list of all commands. run.sh reads it by any Python, so that it needs the standard library only.

python segue/cli/commands.py help            the list as text
python segue/cli/commands.py packages NAME [SECOND]   its packages; status 1: there is no such command
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

Packages = Literal["runtime", "docs", "embedded", "training", "dev"]
"""A set of packages: requirements.txt, and the sets of the same names in pyproject.toml."""


@dataclass(frozen=True)
class Command:
    """One command. A name of two words, as `models train`, is a command of a group."""

    name: str
    function: str
    """Module below `segue`, and the function: its parameters are the options, its docstring is the help."""
    summary: str
    example: str
    packages: Packages = "runtime"
    checkout: bool = False
    """Whether the command works on the project's folder, and is not there in an installed package."""


COMMANDS = (
    Command(
        "demo",
        "demo.cli:demo",
        "everything at once: a library, listeners, recommendations, the dashboard",
        "demo --library ~/Music",
        packages="embedded",
    ),
    Command("up", "local.cli:up", "start the embedded Kafka and MongoDB", "up", packages="embedded"),
    Command("down", "local.cli:down", "end everything that was started here; the data stay", "down"),
    Command(
        "status",
        "local.cli:status",
        "show what runs, where it answers, and where its log is",
        "status --json",
    ),
    Command(
        "ingest",
        "batch_jobs.ingest_catalog:ingest_catalog",
        "take a folder of recordings into the catalogue",
        "ingest ~/Music",
    ),
    Command(
        "compress",
        "batch_jobs.compress_library:compress_library",
        "make the songs of a folder smaller, with tags and cover",
        "compress --bitrate 64k ~/Music",
    ),
    Command(
        "features",
        "batch_jobs.extract_features:extract_features",
        "compute the audio features of tracks that lack them",
        "features",
    ),
    Command(
        "embeddings",
        "batch_jobs.train_embeddings:train_embeddings",
        "fit the audio space and place every track in it",
        "embeddings",
    ),
    Command(
        "index",
        "batch_jobs.build_index:build_index",
        "build the neighbour index, measure it, publish it",
        "index",
    ),
    Command(
        "models train",
        "batch_jobs.train_models:train",
        "learn from plays: transition rules, session embeddings",
        "models train",
        packages="training",
    ),
    Command(
        "stream",
        "streaming_jobs.cli:stream",
        "run the streaming job: plays to recommendations",
        "stream",
    ),
    Command(
        "pack",
        "spark.pack:pack_command",
        "pack the streaming job for the workers of a Spark cluster",
        "pack --to /srv/segue",
    ),
    Command("replay", "demo.replay_plays:replay_plays", "send plays to Kafka", "replay --rate 50"),
    Command(
        "rejected list",
        "batch_jobs.rejected_plays:list_plays",
        "list plays that were rejected",
        "rejected list --reason malformed",
    ),
    Command(
        "rejected replay",
        "batch_jobs.rejected_plays:replay",
        "send rejected plays in again",
        "rejected replay --reason future",
    ),
    Command(
        "rejected tracks",
        "batch_jobs.rejected_plays:tracks",
        "list files of the library that could not be used",
        "rejected tracks --reason truncated",
    ),
    Command(
        "engagement recount",
        "batch_jobs.recount_engagement:recount",
        "count plays, completions and skips anew from the topic",
        "engagement recount --check",
    ),
    Command(
        "listener export",
        "batch_jobs.listener_data:export",
        "write a file with all that is stored of a listener",
        "listener export Ada",
    ),
    Command(
        "listener forget",
        "batch_jobs.listener_data:forget",
        "remove all that is stored of a listener",
        "listener forget Ada",
    ),
    Command(
        "backup",
        "batch_jobs.backup:backup",
        "save what cannot be computed again: accounts, playlists, listening",
        "backup segue.gz",
    ),
    Command("restore", "batch_jobs.backup:restore", "put a backup back", "restore segue.gz"),
    Command(
        "access",
        "deploy.cli:access",
        "make the users of the jobs in MongoDB and Kafka, with what each may do",
        "access /etc/segue",
    ),
    Command(
        "audit",
        "dependencies.cli:audit",
        "compare the packages and jars with known vulnerabilities",
        "audit --advisories PyPI.zip",
    ),
    Command(
        "dashboard",
        "dashboard.serve:serve",
        "serve the player, and the live and operations pages",
        "dashboard",
    ),
    Command(
        "experiments",
        "batch_jobs.report_experiments:report_experiments",
        "compare the variants that run side by side",
        "experiments",
    ),
    Command(
        "evaluate",
        "batch_jobs.evaluate:evaluate_models",
        "compare the models on session logs",
        "evaluate --data ~/logs",
        packages="training",
    ),
    Command(
        "tune",
        "batch_jobs.tune:tune",
        "search the weights of the ensemble on a validation split",
        "tune --data ~/logs",
        packages="training",
    ),
    Command(
        "bench",
        "benchmarks.cli:bench",
        "measure",
        "bench stream-latency --quick",
        packages="dev",
    ),
    Command(
        "docs serve",
        "documentation.cli:serve",
        "serve the documentation on this machine (the same as: docs)",
        "docs serve --port 9000",
        packages="docs",
    ),
    Command(
        "docs build",
        "documentation.cli:build",
        "build the documentation site into a folder",
        "docs build --output site",
        packages="docs",
    ),
    Command(
        "docs reference",
        "documentation.cli:reference",
        "write the generated pages of docs/reference",
        "docs reference",
    ),
    Command(
        "docs pictures",
        "documentation.cli:pictures",
        "take pictures of every page of the player, from a demo",
        "docs pictures",
        packages="dev",
    ),
    Command(
        "deploy",
        "cli.checkout:deploy",
        "deploy onto other machines, by compose, ssh or Kubernetes",
        "deploy compose --dry-run",
        checkout=True,
    ),
    Command(
        "setup",
        "cli.checkout:setup",
        "set up a set of packages (runtime, embedded, training, dev), Java and jars, and nothing else",
        "setup training",
        checkout=True,
    ),
    Command(
        "test",
        "cli.checkout:test",
        "check the code and run the tests; arguments go to pytest",
        "test tests/index -k annoy",
        packages="dev",
        checkout=True,
    ),
)

GROUPS = {
    "models": "Models learned from plays.",
    "rejected": "Plays and files that were rejected.",
    "engagement": "Statistics of what listeners do.",
    "listener": "All that is stored of one listener.",
    "docs": "The documentation: serve, build and generate it. Without a command: serve.",
}
"""The help of the first words of commands of two words."""

DEFAULTS = {"docs": "serve"}
"""The second word of commands of two words that may be left out."""


def listing(program: str) -> str:
    """The list as text, with an example of each command as it is called by `program`."""
    width = max(len(command.name) for command in COMMANDS)
    lines = [
        f"  {command.name:{width}} {command.summary}\n  {'':{width}}   {program} {command.example}"
        for command in COMMANDS
    ]
    return "\n".join(
        [
            "Segue re-plans what you hear next while you listen.",
            "",
            f"usage: {program} COMMAND [OPTIONS]        {program} COMMAND --help says more",
            "",
            *lines,
            "",
            "Settings: conf/default.toml; your own servers: SEGUE_KAFKA__BOOTSTRAP=host:9092 and",
            "SEGUE_MONGO__URI=mongodb://host.",
        ]
    )


def packages(name: str, second: str = "") -> Packages | None:
    """The packages that a command needs, or any command of its group; nothing if there is no such command."""
    if not second or second.startswith("-"):
        second = DEFAULTS.get(name, "")
    needed = {command.packages for command in COMMANDS if command.name in (name, f"{name} {second}")}
    needed = needed or {command.packages for command in COMMANDS if command.name.split()[0] == name}
    sets: tuple[Packages, ...] = ("dev", "training", "embedded", "docs", "runtime")
    return next((one for one in sets if one in needed), None)


def _main(question: str, *names: str) -> int:
    if question == "help":
        sys.stdout.write(listing("./run.sh") + "\n")
        return 0
    answer = packages(*names[:2])
    sys.stdout.write(f"{answer}\n" if answer else "")
    return 0 if answer else 1


if __name__ == "__main__":
    raise SystemExit(_main(*sys.argv[1:]))
