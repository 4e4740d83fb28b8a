"""Cores whose notes FreeBSD's own headers laid out, read by us, machine for machine.

The writer of test cores knows offsets as we do, from the same tables. Here the compiler
puts each value where ``sys/user.h`` and its like say, so that neither is believed. On
FreeBSD they are the headers of its release, elsewhere those that Zig carries.
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import cast

import attrs
import pytest
from elftools.elf.elffile import ELFFile

import freebsd_corewriter as w
from coresnap.backends.freebsd_process import read_process
from coresnap.backends.freebsd_sysctl import FreeBSDKernel, ProcessFact
from coresnap.elfcore.corefile import open_core
from coresnap.elfcore.facts import CoreFacts
from coresnap.elfcore.process_state import (
    Credentials,
    Limit,
    MappingState,
    OpenFile,
    Socket,
    WatchedEvent,
)
from coresnap.elfcore.registers import architecture_of
from coresnap.elfcore.vmcore.dump_header import parse_dump_header
from coresnap.errors import CaptureError
from freebsd_compiler import compiler

SOURCE = Path(__file__).with_name("freebsd_notes.c")
ARCHITECTURES = {"riscv64": "riscv"}
"""What the kernel calls itself where it is not as uname(1) -p says."""
ORDER = (3, 1, 7, 17, 8, 9, 10, 13, 18)
"""Of the notes, as the kernel writes them."""


@attrs.frozen
class Machine:
    name: str
    """As FreeBSD calls it."""
    writes: w.Target
    pc: str
    sp: str
    fp: str


MACHINES = [
    Machine("amd64", w.AMD64, "rip", "rsp", "rbp"),
    Machine("arm64", w.ARM64, "pc", "sp", "x29"),
    Machine("i386", w.I386, "eip", "esp", "ebp"),
    Machine("arm", w.ARM, "pc", "sp", "r11"),
    Machine("riscv64", w.RISCV64, "pc", "sp", "s0"),
]


@pytest.fixture(scope="module", params=MACHINES, ids=lambda machine: machine.name)
def machine(request: pytest.FixtureRequest) -> Machine:
    found: Machine = request.param
    return found


@pytest.fixture(scope="module")
def sections(
    machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """What the compiler made of the structures, by the note's type or its name."""
    output = tmp_path_factory.mktemp("notes") / "notes.o"
    line = [*compiler(machine.name), "-std=c11", "-Wall", "-Wextra", "-Werror"]
    run = subprocess.run(
        [*line, "-c", str(SOURCE), "-o", str(output)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[:4000]
    with output.open("rb") as stream:
        return {
            section.name.removeprefix("freebsd_"): section.data()
            for section in ELFFile(stream).iter_sections()
            if section.name.startswith("freebsd_")
        }


@pytest.fixture(scope="module")
def facts(
    machine: Machine,
    sections: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> CoreFacts:
    path = tmp_path_factory.mktemp("core") / "core"
    kinds = (kind for kind in ORDER if str(kind) in sections)
    notes = [w.note(kind, sections[str(kind)]) for kind in kinds]
    memory = [w.Segment(0x200000, bytes(w.PAGE))]
    path.write_bytes(w.write_core(machine.writes, notes=notes, segments=memory))
    with open_core(path) as core:
        assert not core.facts.problems
        return core.facts


def test_the_process(facts: CoreFacts) -> None:
    assert facts.process.pid == 4242
    assert facts.process.command == "worker"
    assert facts.process.arguments == "worker -n 4"
    assert facts.process.uid == 1002


def test_the_thread_its_registers_and_its_name(
    machine: Machine, facts: CoreFacts
) -> None:
    (thread,) = facts.threads
    assert (thread.tid, thread.name, thread.signal) == (100123, "reader", 11)
    architecture = architecture_of(
        machine.writes.machine, machine.writes.word, "little"
    )
    values = {
        name: thread.registers[architecture.numbers[name]]
        for name in (machine.pc, machine.sp, machine.fp)
    }
    assert list(values.values()) == [0x201234, 0x7FFFF000, 0x7FFFF100]


def test_the_signal(facts: CoreFacts) -> None:
    signal = facts.signal
    assert signal is not None
    assert (signal.number, signal.code, signal.address) == (11, 2, 0x1234560)
    assert signal.trap == 12


def test_the_state_of_the_process(facts: CoreFacts) -> None:
    state = facts.state
    assert state is not None
    assert (state.pid, state.parent, state.process_group) == (4242, 4200, 4201)
    assert (state.session, state.jail, state.thread_count) == (4202, 5, 1)
    assert (state.command, state.login, state.login_class) == (
        "worker",
        "alice",
        "staff",
    )
    assert state.emulation == "FreeBSD ELF"
    assert state.start_time == 1700000000.25
    assert (state.nice, state.flags, state.virtual_size) == (-3, 0x100, 0x100000)
    assert state.credentials == Credentials(
        user=1002,
        effective_user=1001,
        saved_user=1003,
        group=1004,
        effective_group=1006,
        saved_group=1005,
        is_set_id=True,
        is_confined=True,
    )
    assert state.groups == (1006, 1007)
    pages = (state.resident_pages, state.text_pages, state.data_pages)
    assert (*pages, state.stack_pages) == (301, 302, 303, 304)
    assert (state.caught, state.ignored) == (frozenset({15}), frozenset({13}))


def test_the_state_of_the_thread(facts: CoreFacts) -> None:
    assert facts.state is not None
    (thread,) = facts.state.threads
    assert (thread.tid, thread.name, thread.state) == (100123, "reader", "sleeping")
    assert (thread.waits_for, thread.priority) == ("kqread", 152)
    assert (thread.processor, thread.last_processor) == (None, 2)
    assert (thread.blocked, thread.pending) == (frozenset({30}), frozenset({1}))
    usage = thread.usage
    assert (usage.user, usage.system, usage.peak_resident) == (3.5, 1.125, 401)
    assert (usage.faults, usage.voluntary_switches) == (402, 403)
    assert usage.involuntary_switches == 404


def test_the_files(facts: CoreFacts) -> None:
    assert facts.state is not None
    plain, process, socket = facts.state.files
    assert plain == OpenFile(
        descriptor=7,
        role="",
        kind="vnode",
        vnode="regular",
        flags=("read", "write"),
        references=2,
        offset=4096,
        path=b"/var/db/worker",
        size=8192,
    )
    assert (process.kind, process.pid) == ("procdesc", 4300)
    assert socket.socket == Socket(
        domain="inet",
        type="stream",
        protocol="tcp",
        local="127.0.0.1:80",
        peer="10.0.0.9:8080",
        received=12,
        sent=11,
    )


def test_the_mappings(facts: CoreFacts) -> None:
    assert facts.state is not None
    (mapping,) = facts.state.mappings
    assert mapping == MappingState(
        start=0x200000,
        end=0x204000,
        offset=0x1000,
        permissions="r-x",
        kind="vnode",
        flags=("copy-on-write", "needs-copy"),
        resident=3,
        private_resident=1,
        references=5,
        shadows=6,
        path=b"/usr/local/bin/worker",
        file_size=12345,
    )


def test_the_limits(facts: CoreFacts) -> None:
    assert facts.state is not None
    limits = {limit.name: limit for limit in facts.state.limits}
    assert limits["core"] == Limit("core", 1 << 20, None)
    assert limits["nofile"] == Limit("nofile", 256, 1024)
    assert len(limits) in (15, 16)


def test_what_kqueues_were_asked_for(
    sections: dict[str, bytes], facts: CoreFacts
) -> None:
    if "18" not in sections:
        pytest.skip("the headers are of before 15")
    assert facts.state is not None
    assert facts.state.watched == (WatchedEvent(10, "read", 7, ("active",)),)


class OneProcess:
    """A kernel that knows one process and answers with its structure alone."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def process(self, fact: ProcessFact, pid: int, *more: int) -> bytes:
        assert (fact, pid, more) == (ProcessFact.PROCESS, 4242, ())
        return self.data


def test_the_living_process_as_sysctl_answers(
    machine: Machine, sections: dict[str, bytes]
) -> None:
    kernel = cast(FreeBSDKernel, OneProcess(sections["8"][4:]))
    if machine.name == "arm":  # where nothing of capture has been looked at
        with pytest.raises(CaptureError):
            read_process(kernel, 4242)
        return
    process = read_process(kernel, 4242)
    assert (process.pid, process.command, process.uid) == (4242, "worker", 1001)
    assert (process.gid, process.jid) == (1006, 5)
    assert process.started == 1700000000_250000000
    assert process.has_changed_ids
    assert process.is_in_capability_mode
    assert not process.is_traceless


def test_the_header_of_a_kernel_dump(
    machine: Machine, sections: dict[str, bytes]
) -> None:
    data = sections["header"]
    parity = 0
    for (word,) in struct.iter_unpack("<I", data):
        parity ^= word
    header = parse_dump_header(data[:-4] + parity.to_bytes(4, "little"))
    assert header is not None
    info = header.info
    assert info.architecture == ARCHITECTURES.get(machine.name, machine.name)
    assert info.architecture_version == 2
    assert (info.length, info.time, info.compression) == (65536, 1700000001, "zstd")
    assert (info.hostname, info.panic) == ("host.example.org", "page fault")
    assert info.version == "FreeBSD 15.0-RELEASE"
    assert (header.block_size, header.extent) == (512, 131072)
    assert not header.is_encrypted
