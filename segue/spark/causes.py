"""The error that ended a query in one line: its cause and the remedy.

Spark reports an error inside several others: a failed query, a failed job, a failed task, a Python worker,
and Python's own traceback. The line that an operator needs is somewhere in that text.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

from segue.errors import SegueError

log = logging.getLogger(__name__)

_LENGTH = 300
"""The length to which a quoted cause is cut, in characters."""
_PLAN = re.compile(r"\n+=== Streaming Query ===.*", re.DOTALL)
_ERROR_LINE = re.compile(
    r"^(?:Caused by: |: )?((?:[A-Za-z_$][\w$]*\.)*[A-Z]\w*(?:Error|Exception|Failure|Timeout)(?:: .*)?)$",
    re.MULTILINE,
)
_WRAPPERS = re.compile(
    r"Py4J\w+|StreamingQueryException|PythonException|SparkException: Job aborted|ExecutionException|"
    r"An error occurred while calling|java\.io\.EOFException$"
)


@dataclass(frozen=True)
class Known:
    """A cause that is recognised by its text."""

    pattern: str
    cause: str
    """The text; it may refer to groups of the pattern in braces."""
    remedy: str


KNOWN = (
    Known(
        r"No space left on device|OutOfDiskSpace|Disk quota exceeded|File too large",
        "a disk is full",
        "free space on the disks of the checkpoint, the temporary folder and MongoDB, then start the stream "
        "again; it continues where it stopped",
    ),
    Known(
        r"Too many open files",
        "the process may not open more files",
        "raise its limit (ulimit -n, LimitNOFILE) and start the stream again",
    ),
    Known(
        r"(?:Failed to read log file (?:file:)?\S+?\.? |"
        r"(?:Checksum error|Checksum verification failed|checksum mismatch)[^\n]*|"
        r"Error reading (?:delta|snapshot) file \S+|CANNOT_LOAD_STATE_STORE|"
        r"Error loading streaming checkpoint|unexpected end of (?:file|stream))",
        "the checkpoint is damaged",
        "run `./run.sh stream repair`, which goes back to the newest complete batch, then start the stream",
    ),
    Known(
        r"CONCURRENT_STREAM_LOG_UPDATE|Concurrent update to the log|multiple streaming jobs",
        "another stream uses the same checkpoint",
        "stop one of the two, or give each a spark.checkpoint_location",
    ),
    Known(
        r"java\.lang\.OutOfMemoryError(?:: [\w ]+)?|GC overhead limit exceeded",
        "Spark's Java process has too little memory",
        "raise spark.driver_memory, on a cluster spark.executor.memory, too",
    ),
    Known(
        r"Python worker exited unexpectedly|Python worker failed to connect|MemoryError",
        "a Python worker was killed",
        "the machine is probably short of memory: see its kernel log; lower spark.driver_memory or use fewer "
        "cores",
    ),
    Known(
        r"Answer from Java side is empty|Py4JNetworkError|Error while sending or receiving|"
        r"SparkContext (?:was|has been) (?:shut|stopped)|Cannot call methods on a stopped SparkContext",
        "Spark's Java process has ended",
        "it was killed or ran out of memory: see the log above and the kernel's log, then start it again",
    ),
    Known(
        r"SaslAuthenticationException|SASL.*(?:failed|invalid)|Authentication failed during authentication|"
        r"SaslAuthenticationFailed",
        "Kafka refused the user or the password",
        "check kafka.username, kafka.password and kafka.sasl_mechanism",
    ),
    Known(
        r"SslAuthenticationException|SSLHandshakeException|SSL handshake failed|CERTIFICATE_VERIFY_FAILED",
        "a TLS connection failed",
        "check kafka.tls_ca_file and mongo.tls_ca_file, and the names in the servers' certificates",
    ),
    Known(
        r"(?:Topic|Group|Cluster|TransactionalId)AuthorizationException|(?:Topic|Group)AuthorizationFailed",
        "Kafka denies this user the operation",
        "run `./run.sh access create` to grant the user's rights",
    ),
    Known(
        r"Topic (?P<topic>\S+) not present in metadata",
        "a topic does not exist or has no leader: {topic}",
        "check the brokers; the next start of the stream creates a missing topic",
    ),
    Known(
        r"UnknownTopicOrPartition|topic \S+ (?:does not exist|is missing)|"
        r"KAFKA_DATA_LOSS|Some data may have been lost|partitions? (?:are|is) gone|offset was changed",
        "records are missing from a topic: it was deleted, created again, or unread records have expired",
        "for the stream, run `./run.sh stream repair`, which keeps tastes and statistics, then start it: it "
        "continues with the records that are left. Run any other command again",
    ),
    Known(
        r"kafka\.common\.errors\.TimeoutException|KafkaTimeoutError|NoBrokersAvailable|"
        r"Failed to get offsets|Failed to construct kafka|Timed out waiting for a node assignment",
        "Kafka does not answer",
        "check that the brokers of kafka.bootstrap_servers run, then start the stream again; it continues "
        "where it stopped",
    ),
    Known(
        r"(?:OperationFailure|Authentication failed).*(?:Authentication failed|code.: 18)|not authorized on",
        "MongoDB refused the user",
        "check mongo.username and mongo.password; `./run.sh access create` grants the rights",
    ),
    Known(
        r"ServerSelectionTimeoutError|AutoReconnect|NetworkTimeout|NotPrimaryError|WaitQueueTimeoutError|"
        r"ConnectionFailure",
        "MongoDB does not answer",
        "check that the server of mongo.uri runs, then start the stream again; it continues where it stopped",
    ),
    Known(
        r"DocumentTooLarge|BSONObjectTooLarge|object to insert too large",
        "a document is too large for MongoDB",
        "please report this with the log",
    ),
    Known(
        r"(?:PermissionError: [^\n]*?|AccessControlException: [^\n]*?|AccessDeniedException: )"
        r"(?P<denied>(?:file:)?/[^\s'\"]+)?(?:Permission denied|permission)?[^\n]*",
        "a file or folder may not be read or written: {denied}",
        "give this user permission, or set another folder",
    ),
    Known(
        r"ParentNotDirectoryException: [^\n]*?(?P<folder>(?:file:)?/\S+)|NotADirectoryError: [^\n]*",
        "a folder cannot be made, since a file is in its place: {folder}",
        "set spark.checkpoint_location to another folder",
    ),
    Known(
        r"UnknownHostException: (?P<host>[\w.-]+)|No resolvable bootstrap urls",
        "a host name cannot be resolved: {host}",
        "check kafka.bootstrap_servers, mongo.uri and spark.checkpoint_location",
    ),
    Known(
        # The driver's Python reaches its Java process over the loopback address; clients of servers have
        # their own errors, which come first.
        r"Py4JNetworkError|Answer from Java side is empty|ConnectionRefusedError",
        "Spark's Java process has ended",
        "if the system's log says that it ran out of memory, lower spark.driver_memory or add memory; start "
        "the stream again, it continues where it stopped",
    ),
)
"""In order: the first pattern that matches the text of an error gives its cause."""


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn errors of Spark, Java and the operating system into a :class:`SegueError` with one line."""
    try:
        yield
    except (Py4JError, PySparkException, OSError) as error:
        log.debug("the error in full", exc_info=True)
        raise SegueError(explain(f"{type(error).__name__}: {error}")) from None


def explain(error: str) -> str:
    """The cause of an error in one line, with a remedy if the cause is known.

    Parameters
    ----------
    error
        The text of the error, with everything that Spark, Java and Python add to it.
    """
    text = _PLAN.sub("", error)
    for known in KNOWN:
        if match := re.search(known.pattern, text):
            groups = {name: (value or "").removeprefix("file:") for name, value in match.groupdict().items()}
            cause = known.cause.format(**groups).removesuffix(": ")
            detail = _detail(text)
            suffix = f" ({detail})" if detail and detail not in cause else ""
            return f"{cause}{suffix}: {known.remedy}"
    return _detail(text) or "it ended without a reason"


def is_known(error: str) -> bool:
    """Whether the cause of an error is known, so that its line is all that an operator needs."""
    text = _PLAN.sub("", error)
    return any(re.search(known.pattern, text) for known in KNOWN)


def _detail(text: str) -> str:
    """The innermost error with a message, without the names of the errors around it."""
    lines = [line for line in _ERROR_LINE.findall(text) if not _WRAPPERS.search(line)]
    line = lines[-1] if lines else _first(text)
    name, _, message = line.strip().partition(": ")
    short = f"{name.rpartition('.')[2]}: {message}" if message else name
    return short if len(short) <= _LENGTH else f"{short[:_LENGTH]}…"


def _first(text: str) -> str:
    """The first line, without the text that Spark puts before the cause of a failed query."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    return re.sub(r"^.*terminated with exception: |^: | SQLSTATE: \w+$", "", line.strip())
