"""The command: an image, a machine, the steps, and the report."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from system.channel import Channel
from system.host import TroubleError, why_no_system
from system.image import make_image
from system.keeping import Remains, keep
from system.machine import Machine, accelerator_of
from system.payload import build_packages, make_payload
from system.report import Report, lines, replace
from system.steps.comparing import comparing
from system.steps.crashing import all_sorts, announcement, service
from system.steps.filling import full_disk
from system.steps.installing import bring_programs, power_on, three_steps
from system.steps.killing import killing
from system.steps.rebooting import hard_reset, reboot, work_pending
from system.steps.removing import removing
from system.steps.upgrading import upgrading
from system.world import World

__all__ = ["main"]

_REPOSITORY = Path(__file__).resolve().parents[2]
_IMAGES = _REPOSITORY / "build" / "system"
_PAGE = _REPOSITORY / "docs" / "whole-system.md"
_PATIENCE = {"kvm": 1.0, "tcg": 6.0}

Step = Callable[[World], None]

_BEGIN: dict[str, Step] = {
    "power on": power_on,
    "three steps": three_steps,
}
"""What every run begins with."""
_STEPS: dict[str, Step] = {
    "announcement": announcement,
    "service": service,
    "sorts": all_sorts,
    "reboot": reboot,
    "kills": killing,
    "reset": hard_reset,
    "disk": full_disk,
    "upgrade": upgrading,
    "pending": work_pending,
    "comparison": comparing,
    "removal": removing,
}
_SHORT = ("announcement", "service", "reboot", "comparison")


def main(words: Sequence[str] | None = None) -> int:
    """Run the test; return 0 if all is as expected, 2 if it cannot be done here."""
    options = _parser().parse_args(words)
    if reason := why_no_system():
        print(f"tests/system/run: {reason}", file=sys.stderr)
        return 2
    # Whoever ends the test ends the machine.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        report = _run(options)
    except KeyboardInterrupt:
        return 130
    except TroubleError as error:
        print(f"tests/system/run: {error}", file=sys.stderr)
        return 2
    if options.json:
        json.dump(report.as_json(), sys.stdout, indent=1)
        print()
    else:
        print("\n".join(lines(report)))
    if options.markdown:
        _PAGE.write_text(replace(_PAGE.read_text(), list(lines(report))))
    return 1 if report.failures else 0


def _run(options: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory(prefix="coresnap-system-") as name:
        work = Path(name)
        directory = (options.keep or work / "machine").absolute()
        directory.mkdir(parents=True, exist_ok=True)
        machine = _prepare(work, directory, options)
        world = World(machine, Channel(machine.port), _PATIENCE[machine.accelerator])
        world.report.system |= _facts(machine)
        try:
            _take_steps(world, options)
        finally:
            machine.kill()
        world.report.crashes = world.ledger.crashes
        _look_at_remains(world, options)
        return world.report


def _prepare(work: Path, directory: Path, options: argparse.Namespace) -> Machine:
    _say("packages")
    where = options.packages or work / "packages"
    packages = build_packages(where.absolute(), later=not options.short)
    _say("image")
    image = make_image(options.image.absolute(), packages.needed)
    payload = directory / "payload"
    make_payload(work, packages, payload)
    accelerator = options.accelerator or accelerator_of(image)
    for left in ("disk.qcow2", "console.log", "qemu.log"):
        (directory / left).unlink(missing_ok=True)
    return Machine(image, accelerator, directory, payload)


def _facts(machine: Machine) -> dict[str, str]:
    return {
        "Debian": machine.image.debian,
        "Linux": machine.image.release,
        "qemu with": machine.accelerator,
    }


def _take_steps(world: World, options: argparse.Namespace) -> None:
    chosen = _SHORT if options.short else (options.only or tuple(_STEPS))
    try:
        for name, step in _BEGIN.items():
            _take(world, name, step)
        bring_programs(world)
        for name, step in _STEPS.items():
            if name in chosen:
                _take(world, name, step)
        with world.step("power off"):
            world.expect("the machine powers off in order", world.power_off())
    except TroubleError as error:
        _say(f"given up: {error}")


def _take(world: World, name: str, step: Step) -> None:
    _say(name)
    with world.step(name):
        step(world)


def _look_at_remains(world: World, options: argparse.Namespace) -> None:
    machine = world.machine
    remains = Remains.of(machine)
    with world.step("power off"):
        said = remains.check()
        world.expect("e2fsck finds the filesystem clean", not said, said[-500:])
    if options.keep or world.report.failures:
        directory = options.keep or _IMAGES / f"failed-{time.strftime('%Y%m%dT%H%M%S')}"
        keep(machine, remains, directory)
        _say(f"console and journal are in {directory}")
    remains.path.unlink()


def _say(text: str) -> None:
    print(f"{time.strftime('%T')} {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests/system/run",
        description="Prove coresnap on a whole system, from power-on: Debian 12 in a "
        "virtual machine, the packages, crashes of all sorts, kills, resets, a full "
        "disk, an upgrade, a removal. docs/whole-system.md tells more.",
    )
    add = parser.add_argument
    add(
        "--keep", type=Path, metavar="DIR", help="keep disk, console and journal in DIR"
    )
    add(
        "--image",
        type=Path,
        metavar="DIR",
        default=_IMAGES,
        help="where the image of Debian is kept for the next run (build/system)",
    )
    add(
        "--packages",
        type=Path,
        metavar="DIR",
        help="take the packages in DIR/now, and for the upgrade those in DIR/later; "
        "what is missing is built there",
    )
    add(
        "--accelerator",
        choices=list(_PATIENCE),
        help="kvm or emulation; without it kvm if that boots a kernel",
    )
    add(
        "--only",
        nargs="+",
        choices=list(_STEPS),
        metavar="STEP",
        help=f"after the three steps only these: {', '.join(_STEPS)}",
    )
    add("--short", action="store_true", help=f"only {', '.join(_SHORT)}")
    add("--json", action="store_true", help="print the report as JSON")
    add("--markdown", action="store_true", help="write it into docs/whole-system.md")
    return parser
