"""The exception tree. Each class knows its exit code and what the user should try.

::

    CoresnapError                 1
    ├── UsageError                2   the command line makes no sense
    │   └── QueryError                a query that cannot be asked
    ├── ConfigError              78   a configuration file does not
    ├── MissingError             66   no such file, snapshot or archive
    ├── AccessError              77   it is there, but we may not
    │   └── DeniedError               the store does not let this token do it
    ├── InputError               65   bytes that are not what they should be
    │   ├── CoreFormatError          not an ELF core, or damaged beyond use
    │   ├── SnapshotFormatError      not a snapshot, or from the future
    │   └── MemoryReadError          an address that the core does not hold
    ├── CaptureError             69   the OS would not let us catch crashes
    │   ├── HandlerConflictError     another handler owns core_pattern
    │   └── UnsupportedSystemError   no backend for this system
    ├── StorageError             74   the spool failed us
    │   ├── NoSpaceError             no blocks or inodes left
    │   └── DamagedIndexError        the store's index has to be made again
    ├── NetworkError             75   the store is not there, or busy; try again
    │   └── DeliveryError             a notice did not get to people
    ├── ConflictError            73   something else is there already
    ├── QuotaError               75   the store has no room for more, by its rules
    └── WorkerError              70   the analysis child died

Exit codes follow sysexits.h. The one ``except CoresnapError`` of the project is in
``views/cli/main.py`` (and its twin for the daemon's own executable).
"""

from __future__ import annotations

__all__ = [
    "AccessError",
    "CaptureError",
    "ConfigError",
    "ConflictError",
    "CoreFormatError",
    "CoresnapError",
    "DamagedIndexError",
    "DeliveryError",
    "DeniedError",
    "HandlerConflictError",
    "InputError",
    "MemoryReadError",
    "MissingError",
    "NetworkError",
    "NoSpaceError",
    "QueryError",
    "QuotaError",
    "SnapshotFormatError",
    "StorageError",
    "UnsupportedSystemError",
    "UsageError",
    "WorkerError",
]


class CoresnapError(Exception):
    """Something failed that the user can understand.

    The message names what failed and on what; ``remedy`` says what to try next
    (an empty string when there is nothing sensible to try).
    """

    exit_code = 1
    remedy = ""
    retry_after: float | None = None
    """Seconds that the other side asked to wait; None: it did not say."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        if remedy is not None:
            self.remedy = remedy


class UsageError(CoresnapError):
    """The command line makes no sense."""

    exit_code = 2


class QueryError(UsageError):
    """A query that cannot be asked: unknown attribute, wrong kind, bad expression."""


class ConfigError(CoresnapError):
    """A configuration file cannot be used."""

    exit_code = 78


class MissingError(CoresnapError):
    """No such file, snapshot or archive."""

    exit_code = 66


class AccessError(CoresnapError):
    """The thing exists, but this user may not read or change it."""

    exit_code = 77
    remedy = "Run the command as root, or as the user that owns the file."


class DeniedError(AccessError):
    """The store does not let whoever holds this token do that."""

    remedy = "Check the [token] section of coroner.cf, or run `coroner login`."


class InputError(CoresnapError):
    """Bytes that are not what they should be."""

    exit_code = 65


class CoreFormatError(InputError):
    """Not an ELF core, or one damaged beyond use."""

    remedy = "Check with `file` and `readelf -h` that this is an ELF core file."


class SnapshotFormatError(InputError):
    """Not a coresnap snapshot, a damaged one, or one of a newer major version."""


class MemoryReadError(InputError):
    """The core does not hold these bytes.

    ``address`` is the first byte that could not be read.
    """

    def __init__(self, address: int, size: int) -> None:
        super().__init__(f"cannot read {size} bytes at {address:#x}")
        self.address = address
        self.size = size


class CaptureError(CoresnapError):
    """The operating system would not let us catch crashes."""

    exit_code = 69


class HandlerConflictError(CaptureError):
    """Another program owns the kernel's core handler."""


class UnsupportedSystemError(CaptureError):
    """There is no capture backend for this system."""

    remedy = "Capture runs on Linux and FreeBSD; `coresnap analyze` runs anywhere."


class StorageError(CoresnapError):
    """The spool could not be read or written."""

    exit_code = 74


class NoSpaceError(StorageError):
    """The spool's filesystem has no blocks or inodes left for this."""

    remedy = "Free space, or lower dump.quota in coresnap.conf."


class DamagedIndexError(StorageError):
    """An index of the store cannot be read, or is of another version."""

    remedy = "Stop the server and run `coroner reindex`: it is made from the objects."


class NetworkError(CoresnapError):
    """The store cannot be reached, or is too busy; the same may work later."""

    exit_code = 75


class DeliveryError(NetworkError):
    """A notice did not get to where people are."""

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        retry_after: float | None = None,
        is_final: bool = False,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after
        self.is_final = is_final
        """Trying again is useless until somebody changes the settings."""


class ConflictError(CoresnapError):
    """Something else is there already under that name."""

    exit_code = 73


class QuotaError(CoresnapError):
    """The store's rules leave no room for more."""

    exit_code = 75


class WorkerError(CoresnapError):
    """The analysis child died or ran into its limits."""

    exit_code = 70
