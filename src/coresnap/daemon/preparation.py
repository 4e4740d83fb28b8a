"""What a worker is given: its job, and an empty file where the core is compressed."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from coresnap.collect.archive import check_space
from coresnap.collect.spool import Part, Spool, storage_error
from coresnap.collect.stored_core import is_compressed, open_stored
from coresnap.config import Config
from coresnap.crash import Archive
from coresnap.daemon.additions import additions_for
from coresnap.daemon.fetch_broker import debuginfod_settings
from coresnap.daemon.job import Job
from coresnap.errors import AccessError, ConfigError, InputError, MissingError

if TYPE_CHECKING:
    from coresnap.config.rulesets import Ruleset

__all__ = ["hand_over", "prepare"]


def prepare(
    archive: Archive,
    spool: Spool,
    config: Config,
    owner: tuple[int, int] | None,
    files: contextlib.ExitStack,
) -> Job:
    """Return the job of a worker that becomes ``owner``.

    ``files`` closes what was opened for it. Raises NoSpaceError if the plain core would
    not leave what ``dump.quota`` says.
    """
    size, plain = _restored(archive, spool, config, owner, files)
    rulesets, problem = _rulesets(config)
    return Job(
        id=archive.id,
        core=spool.path(Part.CORE, archive.id),
        core_size=size,
        plain=plain,
        assets=spool.path(Part.ASSETS, archive.id) if archive.has_assets else None,
        sysroot=config.sysroot,
        debug_directories=config.debug_directories,
        symbol_directories=config.symbol_directories,
        debuginfod=debuginfod_settings(config),
        cache=config.decompressed if config.debug_cache else None,
        rulesets=rulesets,
        ruleset_problem=problem,
        is_record=archive.is_record,
        additions=additions_for(archive, config),
    )


def _rulesets(config: Config) -> tuple[tuple[Ruleset, ...], str]:
    """The administrator's rules; none, and why, if there is a mistake in them."""
    if not config.fingerprint_rules:
        return (), ""
    from coresnap.config.rulesets import load_rulesets

    try:
        return load_rulesets(config.fingerprint_rules), ""
    except (AccessError, ConfigError, MissingError) as error:
        return (), f"none of fingerprint.rules is used: {error}"


def hand_over(descriptor: int, owner: tuple[int, int] | None) -> None:
    """Let a file belong to the user that workers become, if this is root."""
    if owner is not None and os.geteuid() == 0:
        os.fchown(descriptor, *owner)


def _restored(
    archive: Archive,
    spool: Spool,
    config: Config,
    owner: tuple[int, int] | None,
    files: contextlib.ExitStack,
) -> tuple[int, int | None]:
    """Return a core's size, and an empty file for it if it is compressed."""
    if not archive.has_core:
        return 0, None
    fd = spool.open(Part.CORE, archive.id)
    try:
        if not is_compressed(fd):
            return archive.size, None
        size, taken = _plain_size(fd)
    except OSError as error:
        where = spool.path(Part.CORE, archive.id)
        raise storage_error(f"cannot read {where}", error) from error
    finally:
        os.close(fd)
    check_space(spool.directory, config.dump_quota, taken)
    plain = files.enter_context(spool.create(Part.CORE))
    hand_over(plain.fd, owner)
    return size, plain.fd


def _plain_size(fd: int) -> tuple[int, int]:
    """Return how large a compressed core is when it is plain, and on the disk."""
    try:
        core = open_stored(fd)
    except InputError:
        return 0, 0  # the worker finds the same, and says so
    return core.size, core.data_size
