"""What the kernel's handler reads: ``catch.conf``, one ``key=value`` a line.

``native/catch/settings.c`` reads it, ``docs/capture.md`` describes it. A rule is one
line too, its pattern and policy parted by tabs, which no value can contain: the parsers
of ``config`` refuse control characters.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.config import ApplicationRules, Config, Policy, Rate

__all__ = ["handler_settings", "keep_places"]

_HEADER = "# Written by coresnap from coresnap.conf. Do not edit.\n"

_OF_THE_HANDLER = {
    "keep": "keep",
    "limit_logical": "logical",
    "limit_physical": "physical",
    "parked_budget": "budget",
    "storm_rate": "rate",
    "storm_kinds": "kinds",
    "modules_keep": "modules",
    "environ_allow": "environ",
}
"""Field of a policy to its key."""


_PLACES = {"spool": "root", "admission": "root", "socket": "socket", "owner": "user"}
"""Keys that tell where things are and whose, to the settings that they come from."""


def handler_settings(config: Config, owner: tuple[int, int]) -> str:
    """Return the text of ``catch.conf``; ``owner`` is uid and gid of the archive's."""
    return _HEADER + "".join(f"{line}\n" for line in _lines(config, owner))


def keep_places(text: str, before: str) -> tuple[str, tuple[str, ...]]:
    """Return ``text`` with the places of ``before``, and the settings that so stay.

    Files are where ``install`` made them; a handler that is sent elsewhere loses every
    crash.
    """
    old = dict(line.partition("=")[::2] for line in before.split("\n"))
    lines, staying = [], []
    for line in text.removesuffix("\n").split("\n"):
        key, _, value = line.partition("=")
        if key in _PLACES and old.get(key, value) != value:
            staying.append(_PLACES[key])
            line = f"{key}={old[key]}"
        lines.append(f"{line}\n")
    return "".join(lines), tuple(dict.fromkeys(staying))


def _lines(config: Config, owner: tuple[int, int]) -> Iterator[str]:
    yield f"spool={config.spool}"
    yield f"socket={config.socket}"
    yield f"admission={config.admission}"
    yield f"owner={owner[0]}:{owner[1]}"
    yield f"quota={config.dump_quota}%"
    yield f"fetch={config.fetch}"
    yield f"drain={'yes' if config.drain else 'no'}"
    yield f"important={_number(config.important_first)}"
    yield f"remember={config.storm_remember}"
    yield f"rate.global={_rate(config.storm_rate_global)}"
    # A rule begins with what stands before it, so the general policy comes first.
    yield from _pairs(config.policy_of({}), tuple(_OF_THE_HANDLER), config)
    for rules in config.applications:
        yield _rule(rules, config)


def _rule(rules: ApplicationRules, config: Config) -> str:
    policy = config.policy_of(rules.values)
    fields = tuple(field for field in _OF_THE_HANDLER if field in rules.values)
    return "\t".join([f"rule={rules.pattern}", *_pairs(policy, fields, config)])


def _pairs(policy: Policy, fields: tuple[str, ...], config: Config) -> Iterator[str]:
    for field in fields:
        value = getattr(policy, field)
        if field == "environ_allow":
            text = ",".join((*value, *config.attributes_environ))
        elif isinstance(value, Rate):
            text = _rate(value)
        elif isinstance(value, str):
            text = value
        else:
            text = _number(value)
        yield f"{_OF_THE_HANDLER[field]}={text}"


def _rate(rate: Rate) -> str:
    return f"{rate.burst}/{rate.seconds}"


def _number(number: int | None) -> str:
    return "" if number is None else str(number)
