"""All settings as one frozen noun, and what of them holds for one executable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from coresnap.config.nouns import Rate, Route, ScrubExpression, Share
from coresnap.config.pattern import matches

__all__ = ["ApplicationRules", "Config", "Policy"]


@attrs.frozen
class ApplicationRules:
    """A section ``[application PATTERN]``."""

    pattern: str
    """Of paths of executables, as ``pattern.matches`` takes it."""
    line: int
    """Where the section stands in its file."""
    values: Mapping[str, Any] = attrs.field(factory=dict)
    """Field of ``Policy`` to its value; only what the section says."""


@attrs.frozen
class Policy:
    """What holds for one executable; fields are as in ``Config``."""

    keep: str
    limit_logical: int | None
    limit_physical: int | None
    parked_budget: int
    storm_rate: Rate
    storm_kinds: Rate
    environ_allow: tuple[str, ...]
    modules_keep: str
    purge_core: str
    purge_pending_age: int | None
    purge_sending_age: int | None
    purge_assets_age: int | None
    keep_first: int
    keep_last: int
    purge_sent_age: int | None
    scrub: tuple[str, ...]
    project: str | None = None
    """Where the crashes belong; None leaves that to the routes."""


@attrs.frozen
class Config:
    """The values of ``SETTINGS``, parsed.

    Durations are seconds, sizes are bytes; None is ``none``, no limit, unless said
    otherwise.
    """

    root: Path
    handler: Path
    door: str
    door_socket: Path
    keep: str
    """The rung above which nothing is kept."""
    dump_quota: int
    """Percent of the filesystem, 0 to 100."""
    limit_logical: int | None
    limit_physical: int | None
    important_first: int | None
    parked_budget: int
    """Milliseconds; 0 for no limit."""
    storm_rate: Rate
    storm_rate_global: Rate
    storm_kinds: Rate
    storm_remember: int
    modules_keep: str
    compress: str
    environ_allow: tuple[str, ...]
    attributes_environ: tuple[str, ...]
    routes: tuple[Route, ...]
    """By number."""
    defaults_command: Path | None
    fetch: str
    drain: bool
    user: str
    socket: Path
    purge_disabled: bool
    purge_core: str
    purge_age: int | None
    """None if there is no such default; the three below have it already."""
    purge_pending_age: int | None
    purge_sending_age: int | None
    purge_assets_age: int | None
    purge_size: int | Share | None
    keep_first: int
    keep_last: int
    worker_memory: int
    worker_cpu: int
    worker_time: int
    worker_attempts: int
    metrics_listen: tuple[str, int] | None
    """Address and port; None: nowhere."""
    sysroot: Path | None
    debug_directories: tuple[Path, ...]
    debug_cache: bool
    debug_cache_size: int
    fingerprint_rules: tuple[Path, ...]
    symbol_directories: tuple[Path, ...]
    debuginfod_urls: tuple[str, ...]
    debuginfod_cache: Path | None
    """None for the default of who fetches."""
    debuginfod_timeout: int
    debuginfod_time: int
    debuginfod_size: int
    purge_sent_age: int | None
    store_config: tuple[Path, ...]
    send_bandwidth: int | None
    """Bytes per second."""
    send_retry_first: int
    send_retry_most: int
    scrub: tuple[str, ...]
    """Names of built-in scrubbers."""
    scrub_expressions: tuple[ScrubExpression, ...]
    """By number."""
    applications: tuple[ApplicationRules, ...] = ()
    """In the order of the file; the first that matches counts."""
    source: Path | None = None
    """The file that was read; None if all values are defaults."""

    @property
    def spool(self) -> Path:
        """Directory with ``pending``, ``assets`` and ``sending``."""
        return self.root / "archive"

    @property
    def drop_directory(self) -> Path:
        """Where a kernel without a handler writes cores, for them to be taken."""
        return self.root / "drop"

    @property
    def admission(self) -> Path:
        """The handler's table of what has crashed how often."""
        return self.root / "admission"

    @property
    def journal(self) -> Path:
        """The journal's database; its directory belongs to the daemon."""
        return self.root / "journal" / "journal.sqlite"

    @property
    def store_file(self) -> Path | None:
        """The coroner.cf that counts; PermissionError where one may not look."""
        return next((path for path in self.store_config if path.exists()), None)

    @property
    def sending_state(self) -> Path:
        """What the daemon says of sending; beside the journal."""
        return self.journal.with_name("sending.json")

    @property
    def decompressed(self) -> Path:
        """Where the daemon keeps debug information that was decompressed."""
        return self.root / "cache"

    @property
    def fetched(self) -> Path:
        """Where the daemon keeps what debuginfod servers sent."""
        return self.debuginfod_cache or self.root / "debuginfod"

    @property
    def handler_settings(self) -> Path:
        """The file that the kernel's handler reads; root's alone."""
        return self.root / "catch.conf"

    @property
    def previous_settings(self) -> Path:
        """What install found in the kernel and will put back; root's alone."""
        return self.root / "previous.json"

    def rules_for(self, executable: str) -> ApplicationRules | None:
        """Return the first section that matches the path of an executable."""
        fitting = (a for a in self.applications if matches(a.pattern, executable))
        return next(fitting, None)

    def policy_for(self, executable: str) -> Policy:
        """Return what holds for the executable with the path ``executable``."""
        rules = self.rules_for(executable)
        own = rules.values if rules is not None else {}
        return self.policy_of(own)

    def policy_of(self, values: Mapping[str, Any]) -> Policy:
        """Return the policy of a section that says ``values``."""
        names = (field.name for field in attrs.fields(Policy))
        general = {name: getattr(self, name, None) for name in names}
        return Policy(**{**general, **values})
