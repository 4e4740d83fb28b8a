"""Values that make sense, and are hardly what somebody meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coresnap.config.config import Config
from coresnap.config.ini import Level, Problem
from coresnap.config.interpret import Reading
from coresnap.config.pattern import matches
from coresnap.config.settings import APPLICATION

__all__ = ["doubts"]


def doubts(reading: Reading) -> list[Problem]:
    """Return a warning for each doubtful line of a reading, by line."""
    found = [
        *_of_comments(reading),
        *_of_secrets(reading),
        *_of_capture(reading),
        *_of_retention(reading),
        *_of_routes(reading.config, reading),
        *_of_applications(reading),
    ]
    return sorted(found, key=lambda problem: problem.line)


def _warn(line: int, message: str, remedy: str = "") -> Problem:
    return Problem(line, message, remedy, Level.WARNING)


def _line_of(reading: Reading, key: str) -> int:
    """Return the last line that says something about ``key``; 0 if none does."""
    return max((s.line for s in reading.statements if s.key == key), default=0)


def _of_comments(reading: Reading) -> Iterator[Problem]:
    for statement in reading.statements:
        if re.search(r"\s[#;]", statement.value):
            message = f"{statement.key}: the value goes on behind the # or ;"
            yield _warn(statement.line, message, "A comment has a line of its own.")


def _of_secrets(reading: Reading) -> Iterator[Problem]:
    for statement in reading.statements:
        if statement.key != "environ.allow":
            continue
        for name in (name.strip() for name in statement.value.split(",")):
            if name == "*" or re.search("TOKEN|SECRET|PASSW|PRIVATE|_KEY", name):
                message = f"environ.allow: {name} lets secrets into every archive"
                yield _warn(statement.line, message, "Name what you need.")


def _of_capture(reading: Reading) -> Iterator[Problem]:
    config = reading.config
    if config.keep == "nothing":
        line = _line_of(reading, "keep")
        yield _warn(line, "keep: no crash is archived, only counted")
    if config.dump_quota in (0, 100):
        line = _line_of(reading, "dump.quota")
        what = "cores may fill the disk" if not config.dump_quota else "no core is kept"
        yield _warn(line, f"dump.quota: {what}")
    if not config.storm_rate.burst and not config.storm_rate_global.burst:
        line = _line_of(reading, "storm.rate")
        yield _warn(line, "storm.rate: nothing bounds the crashes that are archived")
    if 0 < config.storm_rate_global.burst < config.storm_rate.burst:
        line = _line_of(reading, "storm.rate.global") or _line_of(reading, "storm.rate")
        yield _warn(line, "storm.rate: storm.rate.global is lower and counts first")
    if 0 < config.parked_budget < 10:
        line = _line_of(reading, "parked.budget")
        yield _warn(line, "parked.budget: in so short a time hardly a core is read")


def _of_retention(reading: Reading) -> Iterator[Problem]:
    config = reading.config
    if config.purge_disabled:
        for statement in reading.statements:
            if re.fullmatch(
                r"(purge\..*(age|size|core))|keep\.(first|last)", statement.key
            ):
                message = f"{statement.key}: purge.disabled keeps everything"
                yield _warn(statement.line, message)
    if config.worker_time < config.worker_cpu:
        line = _line_of(reading, "worker.time") or _line_of(reading, "worker.cpu")
        yield _warn(line, "worker.time: is over before worker.cpu can be")
    for folder in ("/tmp", "/var/tmp", "/run", "/dev/shm"):
        if config.root.is_relative_to(folder):
            line = _line_of(reading, "root")
            yield _warn(line, f"root: what is in {folder} does not outlive a restart")


def _of_routes(config: Config, reading: Reading) -> Iterator[Problem]:
    catching = next((r for r in config.routes if not r.conditions), None)
    for route in config.routes:
        line = _line_of(reading, f"format.{route.number}")
        if catching is not None and route.number > catching.number:
            message = (
                f"format.{route.number}: format.{catching.number} takes all before"
            )
            yield _warn(line, message, "Give the route for all the highest number.")
        for letter, pattern in route.conditions:
            if letter == "e" and re.sub(r"\[[^]]*\]", "", pattern.pattern).count("/"):
                message = f"format.{route.number}: a name (%e) has no slash"
                yield _warn(line, message, "%E is the path.")
            if re.search(r"[+*]\)[+*]", pattern.pattern):
                message = f"format.{route.number}: a repeated repetition may take ages"
                yield _warn(line, message)


def _of_applications(reading: Reading) -> Iterator[Problem]:
    said = {s.section.line for s in reading.statements if s.section.name == APPLICATION}
    before: list[str] = []
    for rules in reading.config.applications:
        pattern = rules.pattern
        if not pattern.startswith(("/", "*", "?", "[", "\\")):
            message = f"[{APPLICATION} {pattern}]: no path begins so"
            yield _warn(rules.line, message, f"Write */{pattern} for any directory.")
        if rules.line not in said:
            yield _warn(rules.line, f"[{APPLICATION} {pattern}] says nothing")
        earlier = next((p for p in before if _covers(p, pattern)), None)
        if earlier is not None:
            message = (
                f"[{APPLICATION} {pattern}]: {earlier} stands before and matches all"
            )
            yield _warn(rules.line, message, "The first section that matches counts.")
        before.append(pattern)


def _covers(wide: str, narrow: str) -> bool:
    """Whether ``wide`` surely matches all that ``narrow`` does: some such pairs."""
    if wide == "*":
        return True
    plain = re.fullmatch(r"[^*?\[\\]*\*?", narrow) is not None
    # What a star stands for is as good as any text, if only a star can match it.
    return plain and wide.endswith("*") and matches(wide, narrow)
