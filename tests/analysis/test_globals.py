"""Variables without a function: which are read, and whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.analysis.globals_choice import GlobalsChoice, choose_globals
from coresnap.errors import UsageError
from coresnap.model import Snapshot, Variable, VariableKind

needs_core = [pytest.mark.compiler, pytest.mark.core_pattern, pytest.mark.libdw]
_CORES: dict[str, Path] = {}


@pytest.fixture
def core(compile_program: CompileProgram, kernel_core: KernelCore) -> Path:
    """Of thread_local.c, whose first worker crashed and whose third used no library."""
    if "core" not in _CORES:
        library = compile_program(
            "thread_local_library.c", "-g", "-fPIC", "-shared", name="library.so"
        )
        program = compile_program(
            "thread_local.c", "-g", "-pthread", libraries=["-ldl"]
        )
        _CORES["core"] = kernel_core([program, library])
    return _CORES["core"]


def named(snapshot: Snapshot, name: str) -> list[Variable]:
    return [one for one in snapshot.globals if one.name == name]


def worker_of(snapshot: Snapshot, tid: int) -> int:
    """The number of a worker; 0: the main thread."""
    thread = next(one for one in snapshot.threads if one.tid == tid)
    while thread.like is not None:
        thread = next(one for one in snapshot.threads if one.tid == thread.like)
    for frame in thread.frames:
        if frame.function == "work":
            number = next(v for v in frame.variables if v.name == "n").value
            assert isinstance(number, int)
            return number
    return 0


def by_worker(snapshot: Snapshot, name: str) -> dict[int, object]:
    found: dict[int, object] = {}
    for one in named(snapshot, name):
        assert one.kind is VariableKind.TLS
        assert one.location is not None
        tid = int(one.location.removeprefix("thread "))
        found[worker_of(snapshot, tid)] = one.value
    return found


@pytest.mark.parametrize("text", ["none", "crashed", "all"])
def test_modules_are_chosen_by_a_word(text: str) -> None:
    assert choose_globals(text) == GlobalsChoice(text)


def test_names_are_chosen_in_all_modules() -> None:
    assert choose_globals("a, b::c") == GlobalsChoice("all", frozenset({"a", "b::c"}))


@pytest.mark.parametrize("text", ["", ",", "a,"])
def test_an_empty_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        choose_globals(text)


class TestOfACore:
    pytestmark = needs_core

    def test_the_crashed_module_s_globals_are_read(self, core: Path) -> None:
        snapshot = coresnap.analyze(core)
        (counter,) = named(snapshot, "counter")
        assert (counter.value, counter.kind) == (42, VariableKind.GLOBAL)
        (label,) = named(snapshot, "label")
        assert label.text == "hello"
        (touch,) = named(snapshot, "touch")
        assert touch.text == "lib_touch"
        assert named(snapshot, "library_global") == []

    def test_each_thread_has_its_own_value(self, core: Path) -> None:
        snapshot = coresnap.analyze(core)
        expected = {0: 5, 1: 1001, 2: 1002, 3: 1003}
        assert by_worker(snapshot, "exe_tls") == expected
        first = named(snapshot, "exe_tls")[0]
        assert first.location == f"thread {snapshot.threads[0].tid}"

    def test_a_library_s_are_found_through_the_thread_s_vector(
        self, core: Path
    ) -> None:
        snapshot = coresnap.analyze(core, globals="library_tls,library_bss")
        # The main thread and the third worker have no block of the library's.
        assert by_worker(snapshot, "library_tls") == {1: 101, 2: 102}
        assert by_worker(snapshot, "library_bss") == {1: 1, 2: 2}

    def test_names_find_file_static_variables_of_any_module(self, core: Path) -> None:
        name = "'thread_local_library.c'::library_static"
        for asked in ("library_static", name):
            snapshot = coresnap.analyze(core, globals=asked)
            (found,) = snapshot.globals
            assert (found.name, found.value) == ("library_static", 80)

    def test_a_name_that_is_not_there_is_told(self, core: Path) -> None:
        snapshot = coresnap.analyze(core, globals="no_such_variable")
        assert snapshot.globals == ()
        messages = [note.message for note in snapshot.notes if note.step == "globals"]
        assert messages == ["there is no variable no_such_variable"]

    def test_none_reads_none(self, core: Path) -> None:
        assert coresnap.analyze(core, globals="none").globals == ()

    def test_type_units_are_no_units_without_a_frame(
        self, tmp_path: Path, compile_program: CompileProgram, kernel_core: KernelCore
    ) -> None:
        source = tmp_path / "many_types.cc"
        types = "".join(f"struct T{n} {{ int n; }} t{n};\n" for n in range(100))
        source.write_text(f"{types}int main() {{ __builtin_trap(); }}\n")
        program = compile_program(source, "-g", "-fdebug-types-section")
        snapshot = coresnap.analyze(kernel_core([program]))
        assert [note for note in snapshot.notes if note.step == "globals"] == []
        assert {f"t{n}" for n in range(100)} <= {one.name for one in snapshot.globals}
