"""Snapshots of kernels: fingerprints, attributes, words, and the way through assets."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest

import kernel_panics as panics
from coresnap.analysis.kernel.evidence import (
    Evidence,
    pack_evidence,
    unpack_evidence,
)
from coresnap.analysis.kernel.snapshot import snapshot_of_kernel
from coresnap.analysis.record import snapshot_of_record
from coresnap.elfcore.vmcore.dump_info import DumpInfo
from coresnap.model import Frame, Thread, Trust, UnwindEnd, Variable, VariableKind
from coresnap.model.attributes import ATTRIBUTES
from coresnap.snapshot.container import write_snapshot
from coresnap.snapshot.text import headline, render
from coresnap.store.server.validation.reading import read_arrival
from coresnap.views.cli.explain import make_fingerprint

INFO = DumpInfo(
    architecture="amd64",
    hostname="fbsdlab",
    version="FreeBSD 13.2-RELEASE CORESNAP",
    panic="general protection fault",
    time=1795382728,
    status="good",
)


def evidence(text: str, info: DumpInfo = INFO) -> Evidence:
    return Evidence("FreeBSD", "minidump", "x86-64", info, text)


def test_a_panic_as_people_read_it() -> None:
    snapshot = snapshot_of_kernel(evidence(panics.PROTECTION_FAULT))

    assert headline(snapshot) == (
        "kernel panic: general protection fault on 2026-11-22 21:25:28 UTC"
    )
    text = render(snapshot)
    assert "It happened in lab_sysctl (kernel)" in text
    assert "FreeBSD x86-64 13.2-RELEASE fbsdlab" in text
    assert "#4   lab_sysctl+0x40 in kernel\n" in text
    assert "system call 202, FreeBSD ELF64, sys___sysctl" in text


def test_its_attributes() -> None:
    found = snapshot_of_kernel(evidence(panics.PROTECTION_FAULT)).attributes

    assert found["application"] == "kernel"
    assert found["kernel.panic"] == "general protection fault"
    assert found["kernel.process.name"] == "sysctl"
    assert found["kernel.process.id"] == 20
    assert found["kernel.cpu"] == 1
    assert found["kernel.trap"] == "general protection fault"
    assert found["hostname"] == "fbsdlab"
    assert found["timestamp"] == 1795382728
    assert set(found) <= set(ATTRIBUTES)


def test_machinery_is_no_part_of_the_fingerprint() -> None:
    snapshot = snapshot_of_kernel(evidence(panics.PROTECTION_FAULT))

    assert snapshot.fingerprint_frames == (
        "kernel:lab_sysctl",
        "kernel:sysctl_root_handler_locked",
        "kernel:sys___sysctl",
    )
    assert snapshot.attributes["fingerprint.family"] == "kernel-trap"


def test_one_fault_of_two_machines_and_releases_is_one() -> None:
    # Another release copies by another function, and prints stacks in another way.
    one = snapshot_of_kernel(evidence(panics.PAGE_FAULT))
    other = snapshot_of_kernel(evidence(panics.PAGE_FAULT_BY_STACK, DumpInfo()))

    assert one.fingerprint_frames == ("kernel:lab_rx", "kernel:usb_process")
    assert one.fingerprint == other.fingerprint


def test_addresses_and_lines_are_no_part_of_a_panics_words() -> None:
    def digest(address: str, line: int, name: str = "lab") -> str:
        text = f"panic: {name}: bad {address} at /usr/src/sys/x.c:{line}\n"
        return snapshot_of_kernel(evidence(text, DumpInfo())).fingerprint

    assert digest("0xfffff80001", 7) == digest("0xfffff80002", 8)
    assert digest("0xfffff80001", 7) != digest("0xfffff80001", 7, "other")


def test_a_damaged_heap_is_late_a_double_free_is_not() -> None:
    late = snapshot_of_kernel(evidence(panics.REDZONE, DumpInfo()))
    text = panics.REDZONE[panics.REDZONE.index("panic:") :].replace(
        "Stopping here.", "MemGuard detected double-free of 0xfffffe0001234000"
    )
    prompt = snapshot_of_kernel(evidence(text, DumpInfo()))

    assert late.attributes["fingerprint.family"] == "heap"
    assert late.attributes["fingerprint.late"] == 1
    assert "fingerprint.late" not in prompt.attributes
    assert late.fingerprint_frames[0] == "kernel:lab_release"


def test_info_alone_says_what_it_can() -> None:
    snapshot = snapshot_of_kernel(Evidence("FreeBSD", "info", "", INFO))

    assert snapshot.attributes["kernel.panic"] == "general protection fault"
    assert snapshot.architecture == "x86-64"
    assert [c.name for c in snapshot.classifiers] == ["panic"]
    assert "no message buffer" in " ".join(n.message for n in snapshot.notes)
    assert snapshot.quality < 50


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (panics.PROTECTION_FAULT, "kernel: lab_sysctl ← sysctl_root_handler_locked ← "),
        ("", "kernel: general protection fault"),
    ],
)
def test_a_store_takes_it(text: str, title: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csnap"
    snapshot = snapshot_of_kernel(evidence(text))
    write_snapshot(snapshot, path)

    arrival = read_arrival(os.open(path, os.O_RDONLY), "d" * 64, 7)

    assert arrival.title.startswith(title)
    assert arrival.time == 1795382728
    assert arrival.fingerprint == snapshot.fingerprint
    assert arrival.attributes["kernel.panic"] == "general protection fault"


def test_a_dump_that_is_not_good_is_said_to_be() -> None:
    bad = DumpInfo(status="CORRUPT")

    snapshot = snapshot_of_kernel(Evidence("FreeBSD", "info", "", bad))

    assert any("CORRUPT" in note.message for note in snapshot.notes)


def test_it_travels_without_its_dump() -> None:
    first = evidence(panics.PAGE_FAULT)
    members = pack_evidence(first)

    assert unpack_evidence(members) == first
    again = snapshot_of_record(members)
    assert again == snapshot_of_kernel(first)
    assert all(re.fullmatch(r"system(/[a-z.]+){2}", name) for name in members)


def test_members_that_make_no_sense_are_no_kernels() -> None:
    members = pack_evidence(evidence(panics.PAGE_FAULT))
    name = next(iter(members))

    for broken in (b"", b"{", b"[]", b'{"system": 3}', b"[" * 100_000):
        assert unpack_evidence({**members, name: broken}) is None
        snapshot_of_record({**members, name: broken})


@pytest.mark.parametrize(
    "text", [panics.PAGE_FAULT, panics.REDZONE, panics.MODIFIED_SINCE_14, ""]
)
def test_the_fingerprint_can_be_made_again(text: str) -> None:
    snapshot = snapshot_of_kernel(evidence(text))

    assert make_fingerprint(snapshot, ()).digest == snapshot.fingerprint


def test_what_travels_has_a_limit() -> None:
    variable = Variable("text", "char *", VariableKind.LOCAL, text="x" * 2000)
    frame = Frame(1, Trust.CFI, function="f", module="kernel", variables=(variable,))
    threads = [Thread(n, n == 0, UnwindEnd.OUTERMOST, None, (frame,)) for n in range(9)]
    whole = msgspec.structs.replace(evidence(panics.PAGE_FAULT), threads=tuple(threads))

    def kept(limit: int) -> Evidence:
        members = pack_evidence(whole, limit)
        assert all(len(data) <= limit for data in members.values())
        found = unpack_evidence(members)
        assert found is not None
        return found

    assert kept(1 << 20) == whole
    bare = kept(8000)
    assert [len(t.frames[0].variables) for t in bare.threads] == [1] + [0] * 8
    assert "variables" in bare.notes[-1].message
    alone = kept(1200)
    assert [t.tid for t in alone.threads] == [0]
