from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.analysis.resymbolize import resymbolize
from coresnap.analysis.resymbolize.remains import core_of
from coresnap.analysis.resymbolize.stacks import join_stacks
from coresnap.analysis.search_places import SearchPlaces
from coresnap.analysis.unwind.stack import Stack, StackFrame
from coresnap.model import Frame, Snapshot, Thread, Trust, UnwindEnd
from coresnap.snapshot.container import read_snapshot, write_snapshot

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]


class Case:
    """A crash of a stripped program, and the files that were stripped from it."""

    def __init__(self, directory: Path, built: Path, kernel_core: KernelCore) -> None:
        program = directory / "descends"
        self.debug, self.both = directory / "debug", directory / "both"
        for symbols in (self.debug, self.both):
            symbols.mkdir()
            debug = symbols / "descends.debug"
            for words in (
                ["objcopy", "--only-keep-debug", built, debug],
                ["strip", "-s", built, "-o", program],
            ):
                subprocess.run([str(word) for word in words], check=True)
        (self.both / "descends").write_bytes(program.read_bytes())
        core = kernel_core([program])
        self.whole = coresnap.analyze(core, built)
        self.poor = stored(coresnap.analyze(core), directory / "poor.csnap")
        program.unlink()


def stored(snapshot: Snapshot, path: Path) -> Snapshot:
    write_snapshot(snapshot, path)
    return read_snapshot(path)


def places(directory: Path) -> SearchPlaces:
    return SearchPlaces(symbol_directories=(directory,))


@pytest.fixture(scope="module")
def case(
    tmp_path_factory: pytest.TempPathFactory,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
) -> Case:
    built = compile_program("descends.cc", "-g", "-O1")
    return Case(tmp_path_factory.mktemp("case"), built, kernel_core)


def names(snapshot: Snapshot) -> list[tuple[str | None, int | None, bool]]:
    return [(f.function, f.line, f.inline) for f in snapshot.threads[0].frames]


def test_a_debug_file_that_came_later_gives_the_names_that_it_would_have_given(
    case: Case,
) -> None:
    again = resymbolize(case.poor, places(case.debug))

    assert "descend" not in {name for name, _, _ in names(case.poor)}
    assert again is not None
    assert names(again)[:6] == names(case.whole)[:6]
    assert again.fingerprint == case.whole.fingerprint != case.poor.fingerprint
    assert again.callstack == case.whole.callstack == ("both", "descend", "main")
    assert again.quality > case.poor.quality


def test_with_the_executable_too_values_are_those_of_the_whole_core(
    case: Case,
) -> None:
    again = resymbolize(case.poor, places(case.both))

    assert again is not None
    for now, then in zip(
        again.threads[0].frames[:5], case.whole.threads[0].frames[:5], strict=True
    ):
        assert [(v.name, v.value, v.missing) for v in now.variables] == [
            (v.name, v.value, v.missing) for v in then.variables
        ]


def test_the_verdict_and_what_the_host_said_stay(case: Case) -> None:
    again = resymbolize(case.poor, places(case.debug))

    assert again is not None
    assert again.classifiers == case.poor.classifiers
    assert again.memory == case.poor.memory
    changed = {
        name
        for name in again.attributes
        if again.attributes[name] != case.poor.attributes.get(name)
    }
    assert changed <= {"callstack", "callstack.files", "callstack.modules"}
    assert "read again with symbols of" in again.notes[-1].message


def test_files_of_other_programs_change_nothing(case: Case, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(Path("/bin/true").read_bytes())
    everything = resymbolize(case.poor, places(tmp_path))
    # Debug files of this system's own libraries may be installed here.
    again = everything if everything is not None else case.poor

    assert names(again)[:5] == names(case.poor)[:5]
    assert again.fingerprint == case.poor.fingerprint


def test_what_was_known_stays_where_the_files_are_gone(
    case: Case, tmp_path: Path
) -> None:
    whole = stored(case.whole, tmp_path / "whole.csnap")
    again = resymbolize(whole, places(tmp_path)) or whole

    assert names(again) == names(whole)
    assert again.fingerprint == whole.fingerprint


def test_threads_that_are_alike_stay_folded(
    case: Case,
) -> None:
    crashed = case.poor.threads[0]
    twin = msgspec.structs.replace(
        crashed, tid=crashed.tid + 1, crashed=False, like=crashed.tid
    )
    again = resymbolize(
        msgspec.structs.replace(case.poor, threads=(crashed, twin)), places(case.debug)
    )

    assert again is not None
    assert again.threads[1].like == crashed.tid
    assert again.threads[1].frames[1].function == "descend"
    assert again.threads[1].frames[1].variables == ()


def test_a_snapshot_of_an_unknown_machine_is_left_alone(case: Case) -> None:
    unknown = msgspec.structs.replace(case.poor, architecture="machine 9999")

    assert resymbolize(unknown, places(case.debug)) is None


# --- stacks ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trust", "expected"), [(Trust.SCAN, [1, 2, 8, 9]), (Trust.CFI, [1, 2, 3])]
)
def test_a_guess_gives_way_to_a_rule_and_a_rule_does_not(
    case: Case, trust: Trust, expected: list[int]
) -> None:
    core = core_of(case.poor, lambda build_id: iter(()))
    assert core is not None
    known = Thread(
        1,
        True,
        UnwindEnd.NO_RULE,
        frames=(
            Frame(1, Trust.CONTEXT, stack_pointer=100),
            Frame(2, Trust.CFI, stack_pointer=110),
            Frame(3, trust, stack_pointer=120),
        ),
    )
    pointer = core.architecture.stack_pointer
    walked = Stack(
        tuple(
            StackFrame(pc, pc, None, {pointer: sp}, Trust.CFI, False, None)
            for pc, sp in ((1, 100), (2, 110), (8, 120), (9, 130))
        ),
        UnwindEnd.OUTERMOST,
    )

    joined = join_stacks(core, known, walked)

    assert [frame.pc for frame in joined.frames] == expected


def test_equal_addresses_at_other_places_are_other_frames(case: Case) -> None:
    core = core_of(case.poor, lambda build_id: iter(()))
    assert core is not None
    known = Thread(
        1,
        True,
        UnwindEnd.NO_RULE,
        frames=(
            Frame(1, Trust.CONTEXT, stack_pointer=100),
            Frame(1, Trust.CFI, stack_pointer=110),
        ),
    )
    pointer = core.architecture.stack_pointer
    walked = Stack(
        tuple(
            StackFrame(1, 1, None, {pointer: sp}, Trust.CFI, False, None)
            for sp in (100, 111)
        ),
        UnwindEnd.OUTERMOST,
    )

    joined = join_stacks(core, known, walked)

    assert joined.frames[1].registers[pointer] == 110
    assert joined.end is UnwindEnd.NO_RULE
