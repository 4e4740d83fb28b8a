"""Compare our frames and variables with what gdb says about the same core."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from conftest import CompileProgram, KernelCore
from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.demangle.parameters import without_parameters
from coresnap.analysis.frames import FrameBuilder
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.analysis.values.definitions import canonical
from coresnap.analysis.values.targets import SHOWN_ABOVE
from coresnap.elfcore.corefile import open_core
from coresnap.model import Frame, Variable

__all__ = [
    "Comparison",
    "Crashed",
    "compare_frame",
    "compare_frames",
    "compare_values",
    "compare_variables",
    "crash",
    "frames_of",
    "gdb_threads",
]

GdbFrame = dict[str, Any]
"""As ``gdb_values.py`` writes them."""

_SCRIPT = Path(__file__).with_name("gdb_values.py")
_CODECS = {1: "utf-8", 2: "utf-16-le", 4: "utf-32-le"}
_GdbValue = dict[str, Any]


@attrs.frozen
class Crashed:
    """One crash: its frames by thread, and what gdb says of the same core."""

    program: Path
    core: Path
    frames: dict[int, tuple[Frame, ...]]
    gdb: dict[int, list[GdbFrame]]


_CRASHED: dict[Path, Crashed] = {}


def crash(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    source: str,
    *flags: str,
    libraries: tuple[str, ...] = (),
) -> Crashed:
    """Compile a program, let it crash, and read its core; once per program."""
    program = compile_program(source, *flags, libraries=libraries)
    if program not in _CRASHED:
        core = kernel_core([program])
        threads = gdb_threads(program, core)
        _CRASHED[program] = Crashed(program, core, frames_of(core), threads)
    return _CRASHED[program]


def frames_of(core: Path, *directories: Path) -> dict[int, tuple[Frame, ...]]:
    """Frames of all threads, by thread id."""
    with open_core(core) as opened, DebugFiles(directories) as files:
        unwinder = Unwinder(opened)
        builder = FrameBuilder(opened, debug_files=files)
        return {
            thread.tid: builder.frames(unwinder.unwind(thread.registers))
            for thread in opened.threads
        }


def gdb_threads(program: Path, core: Path, *options: str) -> dict[int, list[GdbFrame]]:
    """Frames by thread id, as ``gdb_values.py`` writes them."""
    output = core.with_name(f"{core.name}.gdb.json")
    run = subprocess.run(
        ["gdb", "-batch", "-nx", *options, "-x", str(_SCRIPT), str(program), str(core)],
        env={**os.environ, "CORESNAP_GDB_OUTPUT": str(output), "DEBUGINFOD_URLS": ""},
        capture_output=True,
        check=False,
        timeout=300,
    )
    if not output.exists():
        raise AssertionError(f"gdb: {run.stderr.decode()}")
    return {
        thread["tid"]: thread["frames"] for thread in json.loads(output.read_text())
    }


def _blame_us(text: str) -> bool:
    return False


@attrs.define
class Comparison:
    """What came out, in leaves (numbers, strings); the lists name places."""

    agreed: int = 0
    absent: int = 0
    """Optimized out, or not in memory, for both."""
    unequal: int = 0
    excused: int = 0
    """Differences that are not ours to mend: see ``excuse``."""
    differences: list[str] = attrs.field(factory=list)
    only_gdb: list[str] = attrs.field(factory=list)
    only_ours: list[str] = attrs.field(factory=list)
    excuse: Callable[[str], bool] = attrs.field(default=_blame_us, repr=False)
    """Whether gdb is known to be wrong in such a difference."""

    def differ(self, text: str, leaves: int = 1) -> None:
        """Note a difference that concerns so many leaves."""
        self._note(self.differences, text, leaves)

    def miss(self, text: str, leaves: int) -> None:
        """Note what gdb has and we have not."""
        self._note(self.only_gdb, text, leaves)

    def _note(self, texts: list[str], text: str, leaves: int) -> None:
        if self.excuse(text):
            self.excused += leaves
        else:
            texts.append(text)
            self.unequal += leaves


def compare_frames(
    ours: tuple[Frame, ...], gdb: list[_GdbValue]
) -> Iterator[tuple[str, object, object]]:
    """(what, ours, gdb's) for everything about frames that differs."""
    if len(ours) != len(gdb):
        yield "frames", [f.function for f in ours], [f["function"] for f in gdb]
        return
    for number, (frame, other) in enumerate(zip(ours, gdb, strict=True)):
        for what, one, two in compare_frame(frame, other):
            yield f"frame {number} {what}", one, two


def compare_frame(
    frame: Frame, other: GdbFrame
) -> Iterator[tuple[str, object, object]]:
    """(what, ours, gdb's) for everything about a frame that differs."""
    yield from _unequal("pc", frame.pc, other["pc"])
    yield from _unequal("inline", frame.inline, other["inline"])
    name = other["function"] and without_parameters(other["function"])
    if name != frame.linkage_name:
        yield from _unequal("function", frame.function, name)
    if other["line"] is not None or frame.line is not None:
        yield from _unequal("line", frame.line, other["line"])
        file = other["file"] and os.path.normpath(other["file"])
        yield from _unequal("file", frame.file, file)


def _unequal(
    what: str, ours: object, gdb: object
) -> Iterator[tuple[str, object, object]]:
    if ours != gdb:
        yield what, ours, gdb


def compare_values(
    ours: tuple[Frame, ...], gdb: list[GdbFrame], result: Comparison
) -> None:
    """Compare all variables of frames that are the same in both."""
    for number, (frame, other) in enumerate(zip(ours, gdb, strict=True)):
        compare_variables(number, frame, other, result)


def compare_variables(
    number: int, frame: Frame, other: GdbFrame, result: Comparison
) -> None:
    """Compare all variables of one frame, those of equal names in pairs."""
    names = [variable.name for variable in frame.variables]
    gdb: dict[str, list[_GdbValue]] = {}
    for name, _, value in _without_shadows(other["variables"], names):
        gdb.setdefault(name, []).append(value)
    where = f"#{number} {frame.function}: "
    for variable in sorted(frame.variables, key=lambda one: bool(one.missing)):
        if values := gdb.get(variable.name):
            _compare(result, where + variable.name, variable, values.pop(0))
        else:
            result.differ(f"{where}{variable.name}: gdb has no such variable")
    for name, values in gdb.items():
        for value in values:
            result.differ(f"{where}{name}: we have no such variable", _leaves(value))


def _without_shadows(variables: list[Any], names: list[str]) -> list[Any]:
    """gdb's variables by name, without those that it lists twice.

    A variable of an inlined function's inner block is shown once from the block and
    once, optimized out, from the abstract function, whose children gdb compares with
    the direct children of the inlined one only (gdb/dwarf2/read.c,
    inherit_abstract_dies).
    """
    kept: list[Any] = []
    for one in sorted(variables, key=lambda one: (one[0], not _has_value(one[2]))):
        have = sum(one[0] == other[0] for other in kept)
        if have < names.count(one[0]) or _has_value(one[2]):
            kept.append(one)
    return kept


def _compare(result: Comparison, where: str, ours: Variable, gdb: _GdbValue) -> None:
    if ours.missing is not None or gdb.get("missing"):
        if ours.missing is None:
            result.only_ours.append(where)
        elif not gdb.get("missing") and _has_value(gdb):
            result.miss(f"{where}: {ours.missing}, gdb {gdb}", _leaves(gdb))
        else:
            result.absent += 1
        return
    if not gdb:
        return  # a type that gdb has no number for: std::nullptr_t
    if "members" in gdb:
        _compare_members(result, where, ours, gdb["members"])
    elif "elements" in gdb:
        _compare_elements(result, where, ours, gdb["elements"])
    else:
        _compare_leaf(result, where, ours, gdb)
        if "target" in gdb and ours.target is not None:
            _compare_target(result, where + ".*", ours.target, gdb["target"])


def _compare_target(
    result: Comparison, where: str, ours: Variable, gdb: _GdbValue
) -> None:
    if ours.missing == SHOWN_ABOVE:
        return
    dynamic = gdb.pop("dynamic", None)
    if dynamic is not None and canonical(ours.dynamic_type or "") != canonical(dynamic):
        result.differ(f"{where}: {ours.dynamic_type}, gdb {dynamic}")
    _compare(result, where, ours, gdb)


def _leaves(gdb: _GdbValue) -> int:
    if "members" in gdb:
        return sum(_leaves(member) for _, member in gdb["members"])
    if "elements" in gdb:
        return sum(_leaves(element) for element in gdb["elements"])
    return 1


def _has_value(gdb: _GdbValue) -> bool:
    if "members" in gdb:
        return any(_has_value(member) for _, member in gdb["members"])
    if "elements" in gdb:
        return any(_has_value(element) for element in gdb["elements"])
    return bool(gdb) and not gdb.get("missing")


def _compare_members(
    result: Comparison, where: str, ours: Variable, gdb: list[tuple[str, _GdbValue]]
) -> None:
    if ours.truncated:
        return
    if ours.described and not ours.members and gdb and not gdb[0][0]:
        _compare_variant(result, where, ours, gdb)
        return
    if len(ours.members) != len(gdb):
        names = [member.name for member in ours.members]
        theirs = [name for name, _ in gdb]
        leaves = _leaves({"members": gdb})
        result.differ(f"{where}: {names} but gdb {theirs}", leaves)
        return
    for member, (name, value) in zip(ours.members, gdb, strict=True):
        _compare(result, f"{where}.{name}", member, value)


def _compare_variant(
    result: Comparison, where: str, ours: Variable, gdb: list[tuple[str, _GdbValue]]
) -> None:
    """An enum of Rust: gdb has the discriminant and the variant that is there."""
    if len(gdb) != 2:
        return  # it cannot tell which
    name, value = gdb[1]
    if not re.match(rf"{re.escape(name)}\b", ours.text or ""):
        result.differ(f"{where}: {ours.text}, gdb {name}", _leaves(value))
        return
    result.agreed += 1
    for item, (_, field) in zip(ours.items, value.get("members", []), strict=False):
        if not item.described:
            _compare(result, where + item.name, item, field)


def _compare_elements(
    result: Comparison, where: str, ours: Variable, gdb: list[_GdbValue]
) -> None:
    if ours.truncated and not ours.members:
        return
    if len(ours.members) != len(gdb):
        count = f"{len(ours.members)} elements, gdb {len(gdb)}"
        result.differ(f"{where}: {count}", _leaves({"elements": gdb}))
        return
    for member, value in zip(ours.members, gdb, strict=True):
        _compare(result, where + member.name, member, value)


def _compare_leaf(
    result: Comparison, where: str, ours: Variable, gdb: _GdbValue
) -> None:
    if _leaf_agrees(ours, gdb):
        result.agreed += 1
    else:
        shown = f"{ours.value!r} {ours.text!r} {ours.missing}"
        result.differ(f"{where}: {ours.type} {shown}, gdb {gdb}")


def _leaf_agrees(ours: Variable, gdb: _GdbValue) -> bool:
    if "units" in gdb:
        return _text_agrees(ours.text, gdb["size"], gdb["units"])
    text = gdb.get("text")
    if isinstance(text, list):
        return ours.value == gdb["value"] and _text_agrees(ours.text, *text)
    value = gdb.get("value")
    if value is None:
        return _described(ours, str(text))
    if isinstance(value, str):
        return _floats_agree(float(value), ours.value)
    if isinstance(text, str) and re.fullmatch(r"[\w:]+", text) and not text.isdigit():
        return bool(ours.value == value) and ours.text == text.rpartition("::")[2]
    number = int(ours.value) if isinstance(ours.value, str) else ours.value
    return bool(number == value)


def _floats_agree(gdb: float, ours: object) -> bool:
    if not isinstance(ours, float):
        return False
    both_nan = math.isnan(gdb) and math.isnan(ours)
    return both_nan or ours == gdb or math.isclose(ours, gdb, rel_tol=1e-15)


def _text_agrees(ours: str | None, size: int, units: list[int]) -> bool:
    data = b"".join(unit.to_bytes(size, "little") for unit in units)
    expected = data.decode(_CODECS[size], "backslashreplace")
    if ours is None or len(units) < 64:
        return ours == expected
    return ours.startswith(expected[:32])  # gdb_values.py stops after 64 characters


def _described(ours: Variable, text: str) -> bool:
    """Complex numbers and pointers to members, which gdb only prints."""
    if len(ours.members) == 2:
        numbers = re.fullmatch(r"(\S+) \+ (\S+)i", text)
        values = [member.value for member in ours.members]
        return numbers is not None and [float(n) for n in numbers.groups()] == values
    if text == "NULL":
        return ours.text == text
    if text.startswith("&virtual "):
        return ours.text == text.partition("(")[0]
    if text.startswith("&"):
        return ours.text == text
    numbers = re.search(r"(?:\) )?(0x[0-9a-f]+|-?\d+)", text.rpartition(")) ")[2])
    return numbers is not None and bool(int(numbers[1], 0) == ours.value)
