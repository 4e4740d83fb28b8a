"""The viewer on a snapshot, driven by keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from coresnap.model import (
    Annotation,
    Block,
    Mapping,
    MemoryRange,
    Module,
    Signal,
    Snapshot,
    VariableKind,
)
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.position import Position
from coresnap.views.viewer.app import Viewer
from snapshot.specimens import frame, small, thread, variable

__all__ = ["HEAP", "crash", "drive", "seen"]

HEAP = 0x5592A0


def crash(**changes: Any) -> Snapshot:  # noqa: ANN401 - fields of a snapshot
    """A thread that failed, and three that wait at one place."""
    target = variable(
        "*",
        "struct node",
        kind=VariableKind.TARGET,
        members=(variable("value", kind=VariableKind.MEMBER, value=7),),
        address=HEAP,
        annotations=(Annotation("warning", "this node was freed"),),
    )
    head = variable("head", "struct node *", value=HEAP, target=target)
    failing = frame(function="pop", file="/src/queue.c", line=13, variables=(head,))
    failing_caller = frame(
        pc=0x401200,
        function="main",
        file="/src/main.c",
        line=40,
        variables=(variable("argc", kind=VariableKind.ARGUMENT, value=3),),
        source=("int main(void)", "{", "    pop(head);"),
        source_start=38,
    )
    waiting = (frame(pc=0x402000, function="wait_for_work"),)
    fields: dict[str, Any] = {
        "signal": Signal(11, "SIGSEGV", 1, "SEGV_MAPERR", HEAP + 8),
        "threads": (
            thread(
                name="popper",
                frames=(failing, failing_caller),
                registers={"rax": HEAP, "rip": 0x401136},
            ),
            *(thread(n, name="worker", frames=waiting) for n in (4243, 4244, 4245)),
        ),
        "modules": (Module("/opt/queue", 0x400000, 0x404000, 0x400000),),
        "mappings": (Mapping(0x400000, 0x404000, "r-x", 0, "/opt/queue"),),
        "blocks": (Block(HEAP, 24, "free", "glibc", "tcache"),),
        "memory": (
            MemoryRange(0x401130, b"\x90" * 6 + b"\x48\x89\x50\x08\xc3" + b"\x90" * 9),
            MemoryRange(HEAP - 16, HEAP.to_bytes(8, "little") * 12),
        ),
        "assets": {
            "process/fd": b"0 /dev/null\x003 socket:[tcp *:80 *:0]\0",
            "process/status": b"Name:\tqueue\n",
        },
        "attributes": {"hostname": "alfa", "vm.rss.size": 4096},
    }
    return small(**{**fields, **changes})


def seen(viewer: Viewer) -> list[str]:
    """The rows of the screen."""
    return [strip.text for strip in viewer.screen._compositor.render_strips()]


def drive(
    snapshot: Snapshot,
    act: Callable[[Viewer, Pilot[None]], Awaitable[None]],
    position: Position | None = None,
    size: tuple[int, int] = (80, 24),
) -> None:
    """Open the viewer, let ``act`` press keys and look, and leave."""

    async def run() -> None:
        viewer = Viewer(Fault.of(snapshot), position, "fault.csnap")
        async with viewer.run_test(size=size) as pilot:
            await pilot.pause()
            await act(viewer, pilot)

    asyncio.run(run())
