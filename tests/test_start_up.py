"""What must not be loaded where start-up time matters."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conftest import CompileProgram, KernelCore

HEAVY = (
    "capstone",
    "cffi",
    "duckdb",
    "httpx2",
    "rich",
    "sqlalchemy",
    "coresnap._libdw",
    "coresnap.analysis",
    "elftools",
    "msgspec",
    "psutil",
    "sqlite3",
    "structlog",
    "textual",
)
"""10 to 190 ms each; the handler starts once per crash, perhaps in a storm."""

LIGHT_IMPORTS = {
    "coresnap": HEAVY,
    "coresnap.views.cli.main": HEAVY,
    "coresnap.collect.handler": HEAVY,
}


def loaded_after(statement: str) -> set[str]:
    """Import in a fresh interpreter and return the names of all loaded modules."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("module", sorted(LIGHT_IMPORTS))
def test_importing_loads_nothing_heavy(module: str) -> None:
    loaded = loaded_after(f"import {module}")

    assert module in loaded
    assert loaded.intersection(LIGHT_IMPORTS[module]) == set()


def test_the_help_of_every_command_loads_nothing_heavy() -> None:
    loaded = loaded_after(
        "from coresnap.views.cli.main import command_parser, load\n"
        "from coresnap.views.cli.coroner.program import CORONER\n"
        "from coresnap.views.cli.program import CORESNAP\n"
        "for program in (CORESNAP, CORONER):\n"
        "  for name in program.commands:\n"
        "    command_parser(load(name, program), program).format_help()"
    )
    assert "coresnap.views.cli.coroner.serve" in loaded
    assert "coresnap.views.cli.analyze" in loaded
    assert loaded.intersection(HEAVY) == set()


def test_only_the_command_asked_for_is_imported() -> None:
    loaded = loaded_after(
        "from coresnap.views.cli.main import main\n"
        "try: main(['show', '-h'])\n"
        "except SystemExit: pass"
    )
    assert "coresnap.views.cli.show" in loaded
    assert "coresnap.views.cli.analyze" not in loaded


def test_nothing_between_a_core_and_its_answer_loads_attrs() -> None:
    loaded = loaded_after(
        "import coresnap.analysis.analyze, coresnap.analysis.session\n"
        "import coresnap.snapshot.container, coresnap.snapshot.text\n"
        "import coresnap.views.cli.analyze, coresnap.views.cli.show"
    )
    assert "coresnap.model" in loaded
    assert "attr" not in loaded


UNNEEDED_BY_A_PROGRAM_IN_C = (
    "coresnap.analysis.aliases.find",
    "coresnap.analysis.classify.rules.exceptions",
    "coresnap.analysis.classify.rules.malloc_words",
    "coresnap.analysis.container",
    "coresnap.analysis.debuginfo.symbol_index",
    "coresnap.analysis.demangle.cplusplus",
    "coresnap.analysis.demangle.rust_v0",
    "coresnap.analysis.heap.glibc.heap",
    "coresnap.analysis.heap.jemalloc",
    "coresnap.analysis.heap.mimalloc",
    "coresnap.analysis.heap.tcmalloc",
    "coresnap.analysis.interpreters.cpython",
    "coresnap.analysis.messages.find",
    "coresnap.analysis.plugins.run",
    "coresnap.analysis.pretty.reader",
    "coresnap.analysis.unwind.call_site",
    "coresnap.analysis.unwind.exidx",
    "coresnap.analysis.unwind.fallback",
    "coresnap.analysis.unwind.function_starts",
    "coresnap.analysis.unwind.prologue",
    "coresnap.collect",
    "coresnap.elfcore.freebsd_strings",
    "coresnap.elfcore.notes_freebsd",
    "coresnap.elfcore.process_state",
    "coresnap.elfcore.vmcore",
    "coresnap.snapshot.container",
    "coresnap.snapshot.folding",
    "backports.zstd",
    "capstone",
    "importlib.metadata",
    "importlib.resources",
    "json",
    "shutil",
    "subprocess",
    "tempfile",
)
MODULES_OF_OURS = 244
"""Each takes 0.1 ms, and all of them a third of a small analysis."""


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
def test_a_small_core_is_answered_with_few_modules(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("nested.c", "-g", "-O0")
    words = ["analyze", str(kernel_core([program])), "--no-cache"]
    loaded = loaded_after(f"from coresnap.views.cli.main import main\nmain({words})")

    ours = {name for name in loaded if name.startswith("coresnap.")}
    assert "coresnap.analysis.values.decode" in ours
    assert loaded.intersection(UNNEEDED_BY_A_PROGRAM_IN_C) == set()
    assert len(ours) <= MODULES_OF_OURS


def test_the_command_loads_nothing_that_is_imported_for_nothing() -> None:
    words = [sys.executable, "-X", "importtime", "-m", "coresnap", "analyze", "/none"]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}

    assert "coresnap.analysis.session" in loaded
    unneeded = {"locale", "msgspec._json_schema", "shutil", "textwrap", "threading"}
    assert loaded.intersection(unneeded) == set()
