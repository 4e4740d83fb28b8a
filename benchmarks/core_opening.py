"""How fast a core is opened: FreeBSD's beside one of Linux of the same shape.

Opening is everything before the analysis: headers, notes, registers of all threads, the
state of the process, mappings and modules. Both cores are written by the tests' own
writers, with the same threads and mappings, and hold what each kernel writes: Linux the
first page of every file, FreeBSD more about each thread (name, siginfo, segment bases,
kinfo_proc) and mapping. No file is there, so each is looked for in vain.
"""

from __future__ import annotations

import argparse
import functools
import gc
import sys
import tempfile
import time
from pathlib import Path

from measure import Series, interleaved

from coresnap.elfcore.corefile import open_core

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import corewriter
import freebsd_corewriter

FIRST_THREAD, STACKS, FILES = 100_000, 0x7F00_0000_0000, 0x4000_0000
SHAPES = ((1, 30), (64, 200), (1000, 2000))
"""Threads, each with a stack; mapped files, each with three mappings."""
XSTATE_SIZE = 2696
"""As in the cores of a machine with AVX and protection keys."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    print("| threads, mappings | | notes, kB | ms, median [min–max] | × Linux |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for threads, files in SHAPES:
            compare(Path(name), threads, files, options.runs)


def compare(directory: Path, threads: int, files: int, runs: int) -> None:
    notes = {"Linux": linux(threads, files), "FreeBSD": freebsd(threads, files)}
    cores = {
        "Linux": corewriter.write_core(
            notes=notes["Linux"], segments=linux_segments(threads, files)
        ),
        "FreeBSD": freebsd_corewriter.write_core(
            notes=notes["FreeBSD"],
            segments=[
                freebsd_corewriter.Segment(start, b"x" * 64)
                for start in written(threads, files)
            ],
        ),
    }
    contenders = {}
    for system, data in cores.items():
        path = directory / f"{system}.{threads}"
        path.write_bytes(data)
        require_opened(path, threads, files)
        contenders[system] = functools.partial(opened, path)
    results = {series.name: series for series in interleaved(contenders, runs)}
    for system, series in results.items():
        size = sum(map(len, notes[system])) / 1e3
        print(row(threads, files, system, size, series, results["Linux"]))


def row(
    threads: int, files: int, system: str, size: float, series: Series, linux: Series
) -> str:
    ratio = series.median / linux.median
    shape = f"{threads:,}, {3 * files + threads:,}"
    return (
        f"| {shape} | {system} | {size:,.0f} | {series.milliseconds()} | {ratio:.2f} |"
    )


def opened(path: Path) -> tuple[float, int]:
    gc.collect()
    before = time.perf_counter()
    open_core(path).close()
    return time.perf_counter() - before, 0


def require_opened(path: Path, threads: int, files: int) -> None:
    with open_core(path) as core:
        assert len(core.threads) == threads, len(core.threads)
        assert len(core.modules) == files, len(core.modules)
        assert core.signal is not None
        assert not core.notes_to_reader, core.notes_to_reader


def written(threads: int, files: int) -> list[int]:
    """Where each file's data and each stack begins."""
    data = [FILES + index * 0x10000 + 0x8000 for index in range(files)]
    return data + [STACKS + index * 0x200000 for index in range(threads)]


def linux_segments(threads: int, files: int) -> list[corewriter.Segment]:
    """All mappings; of files the first page, which says what the file is, and data."""
    read, code = corewriter.PF_R, corewriter.PF_R | corewriter.PF_X
    layout = [
        corewriter.Segment(0, flags=read, memory_size=0x2000),
        corewriter.Segment(0x2000, b"\xc3" * 16, flags=code, memory_size=0x6000),
        corewriter.Segment(0x8000, b"data"),
    ]
    page = corewriter.write_module(segments=layout)[: corewriter.PAGE]
    found = []
    for index in range(files):
        start = FILES + index * 0x10000
        found += [
            corewriter.Segment(start, page, flags=read, memory_size=0x2000),
            corewriter.Segment(start + 0x2000, flags=code, memory_size=0x6000),
        ]
    found += [corewriter.Segment(start, b"x" * 64) for start in written(threads, files)]
    return sorted(found, key=lambda segment: segment.address)


def file_mappings(files: int) -> list[tuple[int, int, int, bytes]]:
    """Start, end, offset in bytes, path: read-only, code, data."""
    found = []
    for index in range(files):
        start, path = FILES + index * 0x10000, b"/nowhere/lib/module-%d.so" % index
        found += [
            (start, start + 0x2000, 0, path),
            (start + 0x2000, start + 0x8000, 0x2000, path),
            (start + 0x8000, start + 0x9000, 0x8000, path),
        ]
    return found


def linux(threads: int, files: int) -> list[bytes]:
    target = corewriter.X86_64
    notes = [
        corewriter.prpsinfo(target, pid=FIRST_THREAD),
        corewriter.siginfo(target, number=11, code=1, address=0),
        corewriter.auxv(target, {6: 4096, 9: FILES}),
        corewriter.mapped_files(
            target, [(s, e, o // 4096, p) for s, e, o, p in file_mappings(files)]
        ),
    ]
    for index in range(threads):
        registers = {"rip": FILES + index, "rsp": STACKS + index * 0x200000}
        status = corewriter.prstatus(
            target,
            tid=FIRST_THREAD + index,
            registers=registers,
            signal=11 * (not index),
        )
        floats = corewriter.note(target, b"CORE", corewriter.NT_PRFPREG, bytes(512))
        xstate = corewriter.note(target, b"LINUX", 0x202, bytes(XSTATE_SIZE))
        notes += [status, floats, xstate]
    return notes


def freebsd(threads: int, files: int) -> list[bytes]:
    w = freebsd_corewriter
    info = w.siginfo(w.AMD64, number=11, code=1, trap=12)
    notes = [w.prpsinfo(w.AMD64, pid=999)]
    for index in range(threads):
        registers = {"rip": FILES + index, "rsp": STACKS + index * 0x200000}
        notes += w.thread(
            w.AMD64,
            tid=FIRST_THREAD + index,
            registers=registers,
            name=b"worker-%d" % index,
            signal=11,
            info=info if not index else None,
            bases=(0x800000000 + index * 4096, 0),
        )
    entry: w.Fields = {72: ("i", 999), 447: ("19s", b"prog"), 596: ("i", threads)}
    records = [
        w.process_entry(w.AMD64, {**entry, 600: ("i", FIRST_THREAD + index)})
        for index in range(threads)
    ]
    mapped = [
        w.vm_entry(start, end, protection=p, kind=2, offset=offset, path=path)
        for (start, end, offset, path), p in zip(
            file_mappings(files), (1, 5, 3) * files, strict=True
        )
    ]
    stacks = [STACKS + index * 0x200000 for index in range(threads)]
    mapped += [w.vm_entry(start, start + 0x20000) for start in stacks]
    return [
        *notes,
        w.processes(w.AMD64, records),
        w.vmmap(mapped),
        w.groups(0),
        w.umask(0o22),
        w.rlimits([(1 << 30, 1 << 30)] * 15),
        w.osrel(w.RELEASE_13),
        w.auxv(w.AMD64, {6: 4096, 9: FILES}),
    ]


if __name__ == "__main__":
    main()
