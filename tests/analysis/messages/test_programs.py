"""Programs that give up, crashed through the kernel: what they said is what we say."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from conftest import SOURCES, CompileProgram, KernelCore
from coresnap.analysis.session import analyze
from coresnap.model import Classifier, Snapshot

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

C_FLAGS = ("-g", "-O1", "-w", "-fno-builtin", "-fstack-protector-all")
FORTIFIED = ("-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2")
MEMORY = ("memory.", "use-after", "double-", "invalid-", "heap.", "null", "overflow")


def judged(snapshot: Snapshot) -> dict[str, Classifier]:
    assert [
        n for n in snapshot.notes if n.step.startswith(("messages", "classify"))
    ] == []
    return {c.name: c for c in snapshot.classifiers}


def causes(found: dict[str, Classifier]) -> set[str]:
    """Without what every process that aborts has."""
    return set(found) - {"abort", "stop"}


def crash(kernel_core: KernelCore, program: Path, way: str) -> dict[str, Classifier]:
    return judged(analyze(kernel_core([program, way])))


def stripped(program: Path, directory: Path) -> Path:
    target = directory / f"{program.name}-stripped"
    subprocess.run(["strip", "-o", str(target), str(program)], check=True)
    return target


SAID = {
    "assert": ("assert", "positive numbers only"),
    "smash": ("stack-smash", "canary"),
    "fortify": ("fortify", "buffer overflow detected"),
    "twice": ("double-free", "freed a block twice"),
    "twice-large": ("double-free", "freed a block twice"),
    "inside": ("invalid-free", "malloc did not return"),
    "top": ("heap.corrupt", "corrupted top size"),
}


@pytest.mark.parametrize("way", SAID)
@pytest.mark.parametrize("form", ["symbols", "stripped", "static", "static-stripped"])
def test_what_glibc_said_is_certain_with_and_without_symbols(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
    way: str,
    form: str,
) -> None:
    linked = ("-static",) if form.startswith("static") else ()
    program = compile_program("gives_up.c", *C_FLAGS, *FORTIFIED, *linked)
    if form.endswith("stripped"):
        program = stripped(program, tmp_path)
    found = crash(kernel_core, program, way)
    name, words = SAID[way]
    # Of a block that no cache keeps, the heap decides, if free's argument is known.
    unsure = way == "twice-large" and found[name].confidence == "probable"
    assert found[name].confidence == "certain" or unsure
    assert words in found[name].summary
    assert ("security" in found) == (way in ("smash", "fortify"))


def test_an_assertion_has_its_expression_function_and_place(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    found = crash(kernel_core, compile_program("gives_up.c", *C_FLAGS), "assert")
    summary = found["assert"].summary
    assert "'number > 0 && \"positive numbers only\"'" in summary
    assert " in positive at " in summary
    assert "gives_up.c:27" in summary
    assert not [name for name in found if name.startswith(MEMORY)]


def test_glibcs_words_do_not_need_the_executable(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    program = compile_program("gives_up.c", *C_FLAGS, "-static")
    copy = Path(shutil.copy(stripped(program, tmp_path), tmp_path / "gone"))
    core = kernel_core([copy, "twice"])
    copy.unlink()
    found = judged(analyze(core))
    assert found["double-free"].confidence == "certain"
    assert "by scan" in found["double-free"].evidence[0]


@pytest.mark.parametrize("way", ["abort", "fault", "kill"])
def test_whoever_says_nothing_has_nothing_said_of_him(
    compile_program: CompileProgram, kernel_core: KernelCore, way: str
) -> None:
    found = crash(kernel_core, compile_program("gives_up.c", *C_FLAGS), way)
    for name in ("assert", "fatal", "fortify", "exception.uncaught", "panic", "oom"):
        assert name not in found


THROWN = {
    "derived": ("shop::OutOfStock", "no more of item 7"),
    "own": ("shop::Own", "a text of its own that is long enough for the heap"),
    "short": ("shop::Own", "short"),
    "plain": ("shop::Plain", ""),
    "int": ("int", "42"),
    "characters": ("char const*", "plain characters"),
    "system": ("system_error", "opening it: No such file or directory"),
    "pointer": ("std::runtime_error", "through a pointer"),
    "memory": ("std::bad_alloc", ""),
}
LIBRARIES = {"libstdc++": (), "libc++": ("-stdlib=libc++",)}


def throws(compile_program: CompileProgram, library: str) -> Path:
    if (
        library == "libc++"
        and not Path("/usr/include/c++/v1").exists()
        and not list(Path("/usr/lib").glob("llvm-*/include/c++/v1"))
    ):
        pytest.skip("libc++ is not installed")
    compiler = "clang++" if library == "libc++" else "g++"
    flags = ("-std=c++17", "-g", "-O1", "-w", *LIBRARIES[library])
    return compile_program(
        "throws.cc", *flags, libraries=("-pthread",), compiler=compiler
    )


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("way", THROWN)
def test_an_uncaught_exception_has_its_type_and_text(
    compile_program: CompileProgram, kernel_core: KernelCore, library: str, way: str
) -> None:
    found = crash(kernel_core, throws(compile_program, library), way)
    uncaught = found["exception.uncaught"]
    kind, text = THROWN[way]
    assert uncaught.confidence == "certain"
    assert kind in uncaught.summary
    assert (f"('{text}')" in uncaught.summary) == bool(text)
    assert ("oom" in found) == (way == "memory")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("way", "name"),
    [
        ("noexcept", "noexcept"),
        ("pure", "pure-virtual"),
        ("thread", "terminate"),
        ("terminate", "terminate"),
        ("nothing", "terminate"),
    ],
)
def test_other_ends_of_a_cplusplus_program_have_their_own_names(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    library: str,
    way: str,
    name: str,
) -> None:
    found = crash(kernel_core, throws(compile_program, library), way)
    assert found[name].confidence == "certain"
    names = {"noexcept", "pure-virtual", "terminate", "exception.uncaught"}
    assert names & set(found) == {name}
    if way == "thread":
        assert "neither joined nor detached" in found[name].summary


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_exception_that_was_caught_is_not_what_ended_the_program(
    compile_program: CompileProgram, kernel_core: KernelCore, library: str
) -> None:
    program = throws(compile_program, library)
    assert causes(crash(kernel_core, program, "handled")) == set()
    handling = crash(kernel_core, program, "handling")
    assert causes(handling) == {"exception.handled"}
    assert handling["exception.handled"].confidence == "hint"


def test_exceptions_need_no_symbols_and_no_executable(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    program = stripped(throws(compile_program, "libstdc++"), tmp_path)
    core = kernel_core([program, "derived"])
    program.unlink()
    found = judged(analyze(core))
    assert found["exception.uncaught"].confidence == "certain"
    assert "no more of item 7" in found["exception.uncaught"].summary


PANICS = {
    "unwrap": ("panics.rs:6", "called `Option::unwrap()` on a `None` value"),
    "index": ("panics.rs:11", "index out of bounds: the len is 3 but the index is 7"),
    "format": ("panics.rs:20", 'bad state 2 of "format"'),
}


def panics(compile_program: CompileProgram, *flags: str) -> Path:
    return compile_program(
        "panics.rs", "-Cpanic=abort", *flags, compiler="rustc", name="panics"
    )


@pytest.mark.parametrize("way", PANICS)
def test_a_panic_of_rust_has_its_place_and_message(
    compile_program: CompileProgram, kernel_core: KernelCore, way: str
) -> None:
    place, text = PANICS[way]
    panic = crash(kernel_core, panics(compile_program, "-g"), way)["panic"]
    assert panic.confidence == "certain"
    assert place in panic.summary
    assert text in panic.summary
    bare = crash(kernel_core, panics(compile_program, "-Cstrip=symbols", "-O"), way)
    assert bare["panic"].confidence == "probable"
    assert text in bare["panic"].summary


def test_an_abort_of_rust_is_no_panic(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    for flags in (("-g",), ("-Cstrip=symbols", "-O")):
        found = crash(kernel_core, panics(compile_program, *flags), "abort")
        assert causes(found) == set()


def test_rusts_allocator_that_gives_up_ran_out_of_memory(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    found = crash(kernel_core, panics(compile_program, "-g"), "memory")
    assert found["oom"].confidence == "strong"


def test_musls_assertion_is_read_from_the_code_that_called_it(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    flags = ("-O1", "-w", "-fno-builtin")
    program = compile_program("gives_up.c", *flags, compiler="musl-gcc")
    for form in (program, stripped(program, tmp_path)):
        found = crash(kernel_core, form, "assert")
        assert found["assert"].confidence == "certain"
        assert "'number > 0 && \"positive numbers only\"'" in found["assert"].summary
        assert "gives_up.c:27" in found["assert"].summary


def glib_flags() -> Sequence[str]:
    command = ["pkg-config", "--cflags", "--libs", "glib-2.0"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("glib-2.0 is not installed")
    return run.stdout.split()


@pytest.mark.parametrize(
    ("way", "name", "words"),
    [
        ("assert", "assert", "'number > 30' in check at "),
        ("error", "fatal", "cannot go on with 2"),
    ],
)
def test_glibs_assertions_and_errors_are_said(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    way: str,
    name: str,
    words: str,
) -> None:
    program = compile_program("complains.c", "-O1", libraries=glib_flags())
    found = crash(kernel_core, program, way)
    assert found[name].confidence == "certain"
    assert words in found[name].summary


GO_PANICS = {
    "string": "a plain message",
    "error": "an error value",
    "index": "runtime error: index out of range [7] with length 3",
    "asleep": "all goroutines are asleep - deadlock!",
}


@pytest.fixture(scope="module")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("not installed: go")
    directory = tmp_path_factory.mktemp("go")
    program = directory / "panics"
    settings = {"GO111MODULE": "off", "GOCACHE": str(directory / "cache")}
    command = ["go", "build", "-o", str(program), str(SOURCES / "panics.go")]
    subprocess.run(command, check=True, env=os.environ | settings)
    return program


@pytest.mark.parametrize("way", GO_PANICS)
def test_a_panic_of_go_has_its_message(
    kernel_core: KernelCore, go_program: Path, way: str
) -> None:
    settings = dict(os.environ) | {"GOTRACEBACK": "crash"}
    panic = judged(analyze(kernel_core([go_program, way], env=settings)))["panic"]
    assert panic.confidence == "certain"
    assert panic.summary == f"panicked (Go): {GO_PANICS[way]}"


@pytest.mark.parametrize(
    ("arguments", "name", "words"),
    [
        ((), "assert", "'number == 77 (1 vs. 77) numbers differ' at "),
        (("x", "y"), "fatal", "cannot go on with 3"),
    ],
)
def test_glogs_checks_and_fatal_messages_are_said(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    arguments: Sequence[str],
    name: str,
    words: str,
) -> None:
    if not Path("/usr/include/glog/logging.h").exists():
        pytest.skip("glog is not installed")
    program = compile_program("checks.cc", "-O1", "-w", libraries=("-lglog",))
    found = judged(analyze(kernel_core([program, *arguments])))
    assert found[name].confidence == "certain"
    assert words in found[name].summary


@pytest.mark.sanitizer
def test_a_sanitizers_report_is_found_in_memory(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    source = tmp_path / "uses.c"
    source.write_text(
        "#include <stdlib.h>\n"
        "int main(int n, char **a) { char *p = malloc(10); free(p); return p[n]; }\n"
    )
    program = compile_program(source, "-g", "-w", "-fsanitize=address")
    monkeypatch.setenv("ASAN_OPTIONS", "abort_on_error=1:disable_coredump=0")
    found = judged(analyze(kernel_core([program])))
    assert found["use-after-free"].confidence == "strong"
    assert "READ of size 1" in found["use-after-free"].summary


@pytest.mark.parametrize("way", ["cycle", "self"])
def test_threads_that_wait_for_each_other_are_a_deadlock(
    compile_program: CompileProgram, kernel_core: KernelCore, way: str
) -> None:
    program = compile_program("waits.c", "-O1", libraries=("-pthread",))
    found = crash(kernel_core, program, way)
    assert found["deadlock"].confidence == "strong"
    assert len(found["deadlock"].evidence) == (2 if way == "cycle" else 1)


def test_a_thread_that_waits_for_one_that_works_is_none(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("waits.c", "-O1", libraries=("-pthread",))
    assert "deadlock" not in crash(kernel_core, program, "wait")
