"""Text dumps: the threads that a script of the debugger traced."""

from __future__ import annotations

from pathlib import Path

import coresnap
import kernel_panics as panics
import vmcorewriter
from coresnap.analysis.kernel.ddb_threads import ddb_threads

TRACES = """\
db:0:kdb.enter.panic>  alltrace

Tracing command lab pid 20 tid 100063 td 0xfffff80003a5c000
sched_switch() at sched_switch+0x4a2/frame 0xfffffe0061400a30
mi_switch() at mi_switch+0xe1/frame 0xfffffe0061400a60
--- syscall (93, FreeBSD ELF64, sys_select), rip = 0x3d, rsp = 0x8, rbp = 0x9 ---

Tracing command sysctl pid 20 tid 100064 td 0xfffff80003a5d000
kdb_enter() at kdb_enter+0x37/frame 0xfffffe00614189e0
vpanic() at vpanic+0x151/frame 0xfffffe0061418a30
panic() at panic+0x43/frame 0xfffffe0061418a90
lab_sysctl() at lab_sysctl+0x40/frame 0xfffffe0061418be0
sysctl_root_handler_locked() at sysctl_root_handler_locked+0x9c/frame 0xfffffe006141
amd64_syscall() at amd64_syscall+0x10c/frame 0xfffffe0061418f30
db:0:kdb.enter.panic>  capture off
"""


def test_each_thread_is_read_once() -> None:
    threads = list(ddb_threads(TRACES + TRACES, 100064))

    assert [(t.tid, t.name, t.crashed) for t in threads] == [
        (100063, "lab", False),
        (100064, "sysctl", True),
    ]
    assert [f.function for f in threads[0].frames] == ["sched_switch", "mi_switch"]
    assert len(threads[1].frames) == 6


def test_a_text_dump_with_traces(tmp_path: Path) -> None:
    said = panics.REDZONE.partition("KDB: stack")[0]
    said += (
        "KDB: enter: panic\n[ thread pid 20 tid 100064 ]\nStopped at kdb_enter+0x37\n"
    )
    texts = {"ddb.txt": TRACES.encode(), "msgbuf.txt": said.encode()}
    texts |= {
        "panic.txt": b"Stopping here.",
        "version.txt": b"FreeBSD 13.2-RELEASE LAB",
    }
    dump = tmp_path / "textdump.tar.0"
    dump.write_bytes(vmcorewriter.textdump(texts))

    snapshot = coresnap.analyze(dump)

    assert [(t.tid, t.crashed) for t in snapshot.threads] == [
        (100064, True),
        (100063, False),
    ]
    assert snapshot.fingerprint_frames[0] == "kernel:lab_sysctl"
    assert "heap.overflow" in [c.name for c in snapshot.classifiers]
    assert snapshot.attributes["uname.release"] == "13.2-RELEASE"
