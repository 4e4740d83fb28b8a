"""Plug-ins see the crash, add to it within bounds, and cannot break it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.analysis import entry_points
from coresnap.analysis.plugins import run
from coresnap.analysis.plugins.processes import ProcessOfSnapshot
from coresnap.analysis.plugins.run import Plugin, run_plugins
from coresnap.model import Block, MemoryRange, Snapshot, VariableKind
from coresnap.plugin import CrashView, try_plugin
from snapshot import specimens
from snapshot.specimens import frame, thread, variable

LENGTH = variable("length", value=9, kind=VariableKind.MEMBER)
QUEUE = variable(
    "queue",
    "struct queue *",
    value=0x1000,
    target=variable("*", "struct queue", kind=VariableKind.TARGET, members=(LENGTH,)),
)


def crash(**fields: Any) -> Snapshot:  # noqa: ANN401 - fields of Snapshot
    frames = (frame(function="drain", variables=(QUEUE,)),)
    fields.setdefault("threads", (thread(frames=frames),))
    fields.setdefault("memory", (MemoryRange(0x1000, b"name\0" + bytes(11)),))
    fields.setdefault("blocks", (Block(0x1000, 16, "live", "glibc"),))
    return specimens.small(**fields)


def after(plugin: Plugin, snapshot: Snapshot | None = None) -> Snapshot:
    snapshot = snapshot or crash()
    return run_plugins({"queues": plugin}, snapshot, ProcessOfSnapshot(snapshot))


def test_a_plugin_finds_variables_and_says_what_they_mean() -> None:
    def queues(view: CrashView) -> None:
        for queue in view.variables(type="struct queue *", function="dr*"):
            queue["length"].annotate("critical", "the queue is full")
            view.add_attribute("queue.length", 9)
            view.add_classifier("queue.full", "certain", "9 of 9")

    found = after(queues)

    target = found.threads[0].frames[0].variables[0].target
    assert target is not None
    remark = target.members[0].annotations[0]
    assert (remark.level, remark.message, remark.source) == (
        "critical",
        "the queue is full",
        "queues",
    )
    assert found.attributes["queue.length"] == 9
    assert found.attributes["classifiers"] == "queue.full"
    assert [(c.name, c.rule) for c in found.classifiers] == [("queue.full", "queues")]


def test_it_reads_memory_and_heap_blocks() -> None:
    def reader(view: CrashView) -> None:
        block = view.block(0x1004)
        assert block is not None
        view.add_attribute("text", view.string(0x1000))
        view.add_attribute("block.size", block.size)
        view.threads[0].frames[0].annotate("comment", hex(view.word(0x1008)))
        view.annotate("comment", title="tree", data={"depth": [1, 2]})

    found = after(reader)

    assert (found.attributes["text"], found.attributes["block.size"]) == ("name", 16)
    assert found.threads[0].frames[0].annotations[0].message == "0x0"
    assert found.annotations[0].data == {"depth": [1, 2]}


def test_what_it_raises_is_noted_and_what_it_added_stays() -> None:
    def broken(view: CrashView) -> None:
        view.add_attribute("seen", 1)
        view.read(0xDEAD_0000, 4)

    found = after(broken)

    assert found.attributes["seen"] == 1
    note = found.notes[-1]
    assert note.step == "plugins"
    assert note.message.startswith("queues: MemoryReadError")


def test_one_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TIME_LIMIT", 0.05)

    def endless(view: CrashView) -> None:
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                continue

    assert "was stopped after 0.05 seconds" in after(endless).notes[-1].message


@pytest.mark.parametrize(
    ("add", "problem"),
    [
        (lambda view: view.add_attribute("signal", 1), "coresnap's own"),
        (lambda view: view.add_attribute("coresnap.x", 1), "coresnap's own"),
        (lambda view: view.add_attribute("no name", 1), "no name of an attribute"),
        (lambda view: view.add_attribute("big", 1 << 64), "beyond 64 bits"),
        (lambda view: view.add_attribute("list", []), "no number and no text"),
        (lambda view: view.add_classifier("X!", "hint"), "no name of a classifier"),
        (lambda view: view.add_classifier("x", "sure"), "no confidence"),
        (lambda view: view.annotate("loud", "x"), "no level"),
        (lambda view: view.annotate("comment", data={"x": object()}), "be stored"),
        (
            lambda view: view.annotate("comment", data={"x": "x" * 70_000}),
            "more than 65536 bytes",
        ),
        (
            lambda view: [view.add_attribute(f"a{n}", n) for n in range(65)],
            "64 attributes, and no more",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused(add: Plugin, problem: str) -> None:
    assert problem in after(add).notes[-1].message


def test_a_trial_names_what_each_remark_belongs_to() -> None:
    def queues(view: CrashView) -> None:
        view.threads[0].frames[0]["queue"]["length"].annotate("warning", "full")

    trial = try_plugin(queues, crash())

    assert trial.problem is None
    (place, remark) = trial.annotations[0]
    assert place == "thread 4242 #0 drain: queue->length"
    assert remark.message == "full"


PLUGIN = """
def pointers(view):
    for variable in view.variables(name="r", function="program"):
        variable.annotate("comment", "where the freed pointer was")
        view.add_attribute("r.bytes", view.read(variable.value, 8).hex())
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that brings two plug-ins along, one of which is not there."""
    (tmp_path / "my_plugins.py").write_text(PLUGIN)
    metadata = tmp_path / "my_plugins-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: my-plugins\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[coresnap.plugins]\npointers = my_plugins:pointers\nlost = my_plugins:lost\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for cached in (entry_points.installed, entry_points.entry_point_files):
        cached.cache_clear()
    yield
    for cached in (entry_points.installed, entry_points.entry_point_files):
        cached.cache_clear()


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.usefixtures("package")
def test_an_installed_plugin_looks_at_every_core(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    program = compile_program("simple.c", "-g", "-O0")
    snapshot = coresnap.analyze(kernel_core([program]))
    notes = [note.message for note in snapshot.notes if note.step == "plugins"]
    assert len(notes) == 1
    assert "entry point lost (my_plugins:lost) cannot be loaded" in notes[0]
    program_frame = next(
        f for f in snapshot.threads[0].frames if f.function == "program"
    )
    pointer = next(v for v in program_frame.variables if v.name == "r")
    # Ours, about the freed block that it points to, comes first.
    assert [a.source for a in pointer.annotations] == ["", "pointers"]
    assert len(str(snapshot.attributes["r.bytes"])) == 16
