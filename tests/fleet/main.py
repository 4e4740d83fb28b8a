"""The command: scenarios one after another, and a table of what came of them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import msgspec

from fleet.result import Result, Scale
from fleet.scenarios.bad_deploy import bad_deploy
from fleet.scenarios.clocks import clocks
from fleet.scenarios.outage import outage
from fleet.scenarios.refusals import refusals
from fleet.scenarios.slow_links import slow_links
from fleet.scenarios.twins import twins
from fleet.table import lines, markdown, replace
from fleet.world import DIRECTORY, enter, why_not

__all__ = ["main"]

Scenario = Callable[[Path, Scale], Result]

_SCENARIOS: dict[str, Scenario] = {
    "deploy": bad_deploy,
    "outage": outage,
    "links": slow_links,
    "clocks": clocks,
    "clones": twins,
    "refusals": refusals,
}
_FULL = Scale(sites=20, hosts=300, few=6, outage=80)
_SHORT = Scale(sites=2, hosts=6, few=2, outage=4, is_short=True)
_PAGE = Path(__file__).parent.parent.parent / "docs" / "fleet.md"


def main(program: Path, words: Sequence[str] | None = None) -> int:
    """Run scenarios; return 0 if all is as it should be, 2 if it cannot be done."""
    options = _parser().parse_args(words)
    if reason := why_not():
        print(f"{program.name}: {reason}", file=sys.stderr)
        return 2
    enter(program)
    scale = _SHORT if options.short else _FULL
    scale = attrs.evolve(scale, hosts=options.hosts or scale.hosts)
    try:
        results = [
            _run(name, scale, options) for name in options.only or list(_SCENARIOS)
        ]
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    if options.results:
        results = _kept(options.results)
    if options.json:
        json.dump([attrs.asdict(result) for result in results], sys.stdout, indent=1)
    else:
        print("\n".join(lines(results)))
    if options.markdown:
        _PAGE.write_text(replace(_PAGE.read_text(), markdown(results)))
    return 1 if any(result.failures for result in results) else 0


def _run(name: str, scale: Scale, options: argparse.Namespace) -> Result:
    print(f"{name} …", file=sys.stderr, flush=True)
    result = _SCENARIOS[name](DIRECTORY / name, scale)
    if options.results:
        options.results.mkdir(exist_ok=True)
        kept = msgspec.json.encode(attrs.asdict(result))
        (options.results / f"{name}.json").write_bytes(kept)
    for failure in result.failures:
        print(f"{name}: {failure}", file=sys.stderr, flush=True)
    return result


def _kept(directory: Path) -> list[Result]:
    """Return what this run and earlier ones have kept, in the usual order."""
    paths = (directory / f"{name}.json" for name in _SCENARIOS)
    return [
        Result(**msgspec.json.decode(path.read_bytes()))
        for path in paths
        if path.exists()
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests/fleet/run",
        description="Simulate a fleet against one store, in namespaces of its own.",
    )
    add = parser.add_argument
    add("--only", action="append", choices=list(_SCENARIOS), help="only this scenario")
    add("--short", action="store_true", help="a few hosts, in less than a minute")
    add("--hosts", type=int, help="so many where there are hundreds")
    add("--json", action="store_true", help="print results as JSON")
    add("--results", type=Path, help="keep results here, and print all that are kept")
    add("--markdown", action="store_true", help="write the table of docs/fleet.md")
    return parser
