"""All commands. run.sh reads the list before any package is installed: standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Packages = Literal["runtime", "docs", "embedded", "training", "tracing", "dev"]
"""A set of packages: requirements.txt, and the sets of the same names in pyproject.toml."""


@dataclass(frozen=True)
class Command:
    """A command. A name of two words, such as `models train`, is a command of a group."""

    name: str
    function: str
    """Module below `segue`, and the function: its parameters are the options, its docstring is the help."""
    summary: str
    example: str
    packages: Packages = "runtime"
    checkout: bool = False
    """Whether the command needs the project's folder; an installed package does not have it."""


COMMANDS = (
    Command(
        "demo",
        "demo.cli:demo",
        "run everything: servers, a library, simulated listeners, recommendations, dashboard",
        "demo --library ~/Music",
        packages="embedded",
    ),
    Command("up", "local.cli:up", "start the embedded Kafka and MongoDB", "up", packages="embedded"),
    Command("down", "local.cli:down", "stop everything that Segue started here; the data stay", "down"),
    Command(
        "status",
        "local.cli:status",
        "show which processes run, their addresses and their logs",
        "status --json -",
    ),
    Command(
        "doctor",
        "doctor.cli:doctor",
        "check the machine, the installation and the servers",
        "doctor",
    ),
    Command(
        "library ingest",
        "batch_jobs.ingest_catalog:ingest_catalog",
        "read a folder of recordings into the catalogue",
        "library ingest ~/Music",
    ),
    Command(
        "library update",
        "batch_jobs.update_library:update_library",
        "bring catalogue, features, embeddings and index up to date with your folders",
        "library update ~/Music",
    ),
    Command(
        "library watch",
        "batch_jobs.watch_library:watch_library",
        "watch your folders, and bring everything up to date after each change",
        "library watch ~/Music",
    ),
    Command(
        "library connect",
        "batch_jobs.connections:connect",
        "connect another music server, such as Navidrome: its songs become a library",
        "library connect https://music.example.org --user segue",
    ),
    Command(
        "library connections",
        "batch_jobs.connections:list_connections",
        "list the connected servers",
        "library connections",
    ),
    Command(
        "library sync",
        "batch_jobs.connections:sync",
        "read the catalogue of a connected server now",
        "library sync home",
    ),
    Command(
        "library disconnect",
        "batch_jobs.connections:disconnect",
        "disconnect a server; plays and playlists stay",
        "library disconnect home",
    ),
    Command(
        "library compose",
        "demo.composing:compose",
        "compose 64 sample tracks in 8 styles, to try Segue without music",
        "library compose music",
    ),
    Command(
        "library features",
        "batch_jobs.extract_features:extract_features",
        "compute the audio features of new and changed tracks",
        "library features",
    ),
    Command(
        "library rejected",
        "batch_jobs.rejected_plays:tracks",
        "list the files that could not be used, and why",
        "library rejected --reason truncated",
    ),
    Command(
        "library duplicates",
        "batch_jobs.duplicates:list_duplicates",
        "list songs that are in several files",
        "library duplicates",
    ),
    Command(
        "library forget",
        "batch_jobs.forget_tracks:forget",
        "remove tracks whose files have been missing for a long time",
        "library forget --days 365",
    ),
    Command(
        "library compress",
        "batch_jobs.compress_library:compress_library",
        "re-encode the songs of a folder at a lower bit rate",
        "library compress --bitrate 64k ~/Music",
    ),
    Command(
        "embeddings train",
        "batch_jobs.train_embeddings:train_embeddings",
        "fit the audio space and embed every track",
        "embeddings train",
    ),
    Command(
        "index build",
        "batch_jobs.build_index:build_index",
        "build the neighbour index, measure it, publish it",
        "index build",
    ),
    Command(
        "index list",
        "batch_jobs.list_versions:list_indexes",
        "list the stored versions of the index",
        "index list",
    ),
    Command(
        "index rollback",
        "batch_jobs.build_index:roll_back_index",
        "activate the index version before the active one",
        "index rollback",
    ),
    Command(
        "models train",
        "batch_jobs.train_models:train",
        "train models on plays: transition rules, session embeddings",
        "models train",
        packages="training",
    ),
    Command(
        "models list",
        "batch_jobs.list_versions:list_models",
        "list the stored versions of models and spaces",
        "models list",
    ),
    Command(
        "models rollback",
        "batch_jobs.train_models:roll_back_order",
        "go back to the learned order before the active one",
        "models rollback",
    ),
    Command(
        "models evaluate",
        "batch_jobs.evaluate:evaluate_models",
        "compare recommenders on session logs, or spaces by their sound",
        "models evaluate --data ~/logs",
        packages="training",
    ),
    Command(
        "models tune",
        "batch_jobs.tune:tune",
        "search for better weights on a validation split",
        "models tune --data ~/logs",
        packages="training",
    ),
    Command(
        "stream run",
        "streaming_jobs.cli:stream",
        "run the streaming job: plays to recommendations",
        "stream run",
    ),
    Command(
        "stream pack",
        "spark.pack:pack_command",
        "pack the streaming job for the workers of a Spark cluster",
        "stream pack --output /srv/segue",
    ),
    Command(
        "stream repair",
        "streaming_jobs.repair:repair_command",
        "let the stream continue after a damaged checkpoint or lost records",
        "stream repair",
    ),
    Command(
        "plays replay",
        "demo.replay_plays:replay_plays",
        "send plays of simulated listeners, or from a log, to Kafka",
        "plays replay --rate 50",
    ),
    Command(
        "rejected list",
        "batch_jobs.rejected_plays:list_plays",
        "list rejected plays",
        "rejected list --reason malformed",
    ),
    Command(
        "rejected replay",
        "batch_jobs.rejected_plays:replay",
        "send rejected plays again",
        "rejected replay --reason future",
    ),
    Command(
        "engagement recount",
        "batch_jobs.recount_engagement:recount",
        "recount plays, completions and skips from the topic",
        "engagement recount --check",
    ),
    Command(
        "documents list",
        "batch_jobs.damaged_documents:list_documents",
        "list damaged documents of the database, and why they are not used",
        "documents list --collection tastes",
    ),
    Command(
        "documents check",
        "batch_jobs.damaged_documents:check",
        "read every document and set damaged ones aside",
        "documents check",
    ),
    Command(
        "documents forget",
        "batch_jobs.damaged_documents:forget",
        "remove entries from the list of damaged documents",
        "documents forget tastes:user-1f0c",
    ),
    Command(
        "experiments report",
        "batch_jobs.report_experiments:report_experiments",
        "compare the variants of an experiment",
        "experiments report",
    ),
    Command(
        "experiments estimate",
        "batch_jobs.estimate_experiments:estimate_experiments",
        "estimate the results of other variants",
        "experiments estimate",
    ),
    Command(
        "dashboard serve",
        "dashboard.serve:serve",
        "serve the player, and all pages for listeners and operators",
        "dashboard serve",
    ),
    Command(
        "api serve",
        "dashboard.opensubsonic.serve:serve",
        "serve the APIs for music apps, scrobbles and developers, without the pages",
        "api serve",
    ),
    Command("account list", "batch_jobs.accounts:list_accounts", "list the accounts", "account list"),
    Command(
        "account create",
        "batch_jobs.accounts:create",
        "create an account, so that a person can log in",
        "account create Ada",
    ),
    Command(
        "account set-password",
        "batch_jobs.accounts:set_password",
        "change the password of an account",
        "account set-password Ada",
    ),
    Command(
        "account log-out",
        "batch_jobs.accounts:log_out",
        "log an account out on all devices",
        "account log-out Ada",
    ),
    Command(
        "account app-password",
        "batch_jobs.accounts:app_password",
        "create an app password for a music app",
        "account app-password Ada --device phone",
    ),
    Command(
        "account api-key",
        "batch_jobs.accounts:api_key",
        "create an API key for a program of a developer",
        "account api-key Ada --label lamp",
    ),
    Command(
        "account link",
        "batch_jobs.connections:link",
        "link a listener's account on a connected server",
        "account link Ada home --user ada",
    ),
    Command(
        "account unlink",
        "batch_jobs.connections:unlink",
        "unlink a listener's account on a server",
        "account unlink Ada home",
    ),
    Command(
        "account operator-link",
        "batch_jobs.accounts:link_for_operator",
        "print a link that makes your browser an operator's",
        "account operator-link",
    ),
    Command(
        "account reset",
        "batch_jobs.accounts:reset",
        "give a new password to an account whose password was forgotten",
        "account reset Ada",
    ),
    Command(
        "account disable",
        "batch_jobs.accounts:disable",
        "lock an account; the data stay",
        "account disable Ada",
    ),
    Command(
        "account enable",
        "batch_jobs.accounts:enable",
        "let the owner of a disabled account log in again",
        "account enable Ada",
    ),
    Command(
        "account delete",
        "batch_jobs.accounts:delete",
        "delete an account; the listener's data stay",
        "account delete Ada",
    ),
    Command(
        "audit list",
        "batch_jobs.audit:list_entries",
        "list the entries of the audit log: log-ins, changed passwords, removals",
        "audit list",
    ),
    Command(
        "listener export",
        "batch_jobs.listener_data:export",
        "write everything stored about a listener to a file",
        "listener export Ada",
    ),
    Command(
        "listener forget",
        "batch_jobs.listener_data:forget",
        "delete everything stored about a listener",
        "listener forget Ada",
    ),
    Command(
        "history import",
        "batch_jobs.listening_history:import_history",
        "import a listener's history from Spotify, ListenBrainz, Last.fm or another Segue",
        "history import Ada my_spotify_data.zip",
    ),
    Command(
        "history list",
        "batch_jobs.listening_history:list_imports",
        "list a listener's imports",
        "history list Ada",
    ),
    Command(
        "history unmatched",
        "batch_jobs.listening_history:list_unmatched",
        "list imported songs that the library does not have",
        "history unmatched Ada",
    ),
    Command(
        "history match",
        "batch_jobs.listening_history:match",
        "match imported songs with the library again",
        "history match",
    ),
    Command(
        "history undo",
        "batch_jobs.listening_history:undo",
        "remove the plays of an import",
        "history undo Ada 2",
    ),
    Command(
        "backup create",
        "batch_jobs.backup:backup",
        "save data that cannot be recomputed: accounts, playlists, listening",
        "backup create segue.gz",
    ),
    Command(
        "backup restore",
        "batch_jobs.backup:restore",
        "load a backup into the database",
        "backup restore segue.gz",
    ),
    Command(
        "data remove-demo",
        "demo.cli:remove",
        "remove the data of the demo: database, topics, folders",
        "data remove-demo",
        packages="embedded",
    ),
    Command(
        "settings show",
        "cli.settings:show",
        "show the effective settings and where each comes from",
        "settings show stream",
    ),
    Command(
        "settings check",
        "cli.settings:check",
        "list every problem of a settings file",
        "settings check /etc/segue.toml",
    ),
    Command(
        "settings explain",
        "cli.settings:explain",
        "explain a setting or a section",
        "settings explain stream.allowed_lateness",
    ),
    Command(
        "access create",
        "deploy.cli:access",
        "create the jobs' users in MongoDB and Kafka, with their permissions",
        "access create /etc/segue",
    ),
    Command(
        "dependencies audit",
        "dependencies.cli:audit",
        "check packages, jars and images for known vulnerabilities",
        "dependencies audit --advisories PyPI.zip",
    ),
    Command(
        "dependencies images",
        "dependencies.images:images_command",
        "check the images of the deployments, or write their digests",
        "dependencies images --update",
    ),
    Command(
        "dependencies sbom",
        "dependencies.sbom:sbom",
        "write a software bill of materials (CycloneDX)",
        "dependencies sbom --output sbom.json",
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
        "docs texts",
        "documentation.cli:texts",
        "bring the catalogues of interface texts up to date",
        "docs texts --check",
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
        "deploy to other machines, by compose, ssh or Kubernetes",
        "deploy compose --dry-run",
        checkout=True,
    ),
    Command(
        "setup",
        "cli.checkout:setup",
        "install a set of packages (runtime, docs, embedded, training, tracing or dev), Java and the jars",
        "setup training",
        checkout=True,
    ),
    Command(
        "test",
        "cli.checkout:test",
        "check style and types, and run the tests; arguments go to pytest",
        "test tests/index -k annoy",
        packages="dev",
        checkout=True,
    ),
    Command(
        "bench",
        "benchmarks.cli:bench",
        "run a benchmark",
        "bench stream-latency --quick",
        packages="dev",
    ),
)

GROUPS = {
    "library": "The music library: from files to features.",
    "embeddings": "Embeddings: the place of each track in a space.",
    "index": "The neighbour index, from which recommendations are planned.",
    "models": "Models that are trained on plays.",
    "stream": "The streaming job.",
    "plays": "Plays.",
    "rejected": "Rejected plays.",
    "engagement": "Statistics about plays.",
    "documents": "Damaged documents of the database.",
    "experiments": "Experiments: variants of the recommender.",
    "dashboard": "The dashboard.",
    "api": "The APIs for music apps and other programs.",
    "account": "Accounts of listeners.",
    "audit": "The audit log.",
    "listener": "The data stored about one listener.",
    "history": "Listening histories from other services.",
    "backup": "Backups of the database.",
    "data": "Data on this machine.",
    "settings": "Settings: conf/default.toml, your own file, and SEGUE_ variables.",
    "access": "Users and permissions in MongoDB and Kafka.",
    "dependencies": "Packages, jars and images that Segue depends on.",
    "docs": "The documentation. Without a command, it is served.",
}
"""The help of each group, by the first word of its commands."""

DEFAULTS = {"docs": "serve"}
"""The second words that may be left out, by the first."""


def command_named(name: str) -> Command | None:
    """The command of that name."""
    return next((command for command in COMMANDS if command.name == name), None)


def verbs(group: str) -> list[str]:
    """The second words of the commands of a group."""
    return [command.name.split()[1] for command in COMMANDS if command.name.startswith(f"{group} ")]
