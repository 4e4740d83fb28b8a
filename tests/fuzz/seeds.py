"""Makes the seed corpus anew: ``python tests/fuzz/seeds.py``. All bytes are our own."""

from __future__ import annotations

import io
import struct
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))


import foreigncores  # noqa: E402 - beside the tests, which are no package
import freebsd_corewriter as freebsd  # noqa: E402 - beside the tests, no package
import vmcorewriter  # noqa: E402 - beside the tests, which are no package
from coresnap.collect.admission import MAGIC, VERSION  # noqa: E402
from coresnap.collect.seekable import SeekableWriter  # noqa: E402
from coresnap.config.example import example  # noqa: E402
from coresnap.snapshot.container import pack_snapshot  # noqa: E402
from corewriter import (  # noqa: E402
    I386,
    X86_64,
    Section,
    Segment,
    auxv,
    mapped_files,
    note,
    prpsinfo,
    prstatus,
    siginfo,
    write_core,
    write_module,
)
from snapshot import specimens  # noqa: E402

SEEDS = HERE / "seeds"
CRASH = b'{"id": "x", "pid": 7, "signal": 11, "time": 5, "kind": "0011223344556677"}'
CFI = bytes.fromhex(
    "1400000000000000017a5200017810011b0c070890010000"
    "180000001c000000000000002000000000410e108602430d065c0c0708000000"
    "00000000"
)

FUNCTIONS = {
    "x86-64": (0, "554889e5415453 4881ec00010000 e800000000 488d65f0 5b415c5dc3"),
    "i386": (1, "8d4c2404 83e4f0 ff71fc 5589e5 53 51 83ec10 e8fbffffff 8d65f8 59c3"),
    "aarch64": (2, "fd7bbda9 fd030091 f30b00f9 00000094 f30b40f9 fd7bc3a8 c0035fd6"),
    "arm": (5, "f0482de9 18b08de2 40d04de2 000000eb 18d04be2 f088bde8"),
    "riscv64": (6, "011106ec22e80010ef000000e26042640561 8280"),
    "ppc64le": (7, "a602087c 100001f8 d1ff21f8 01000048 30002138 2000804e"),
    "s390x": (8, "ebbff0580024 e3f0ff60ff71 c0e500000000 ebbff0f80004 07fe"),
}
"""Number of a machine in ``ARCHITECTURES``, and a function of its code."""


def notes() -> list[bytes]:
    return [
        prstatus(X86_64, tid=7, registers={"rip": 0x1010, "rsp": 0x3000}, signal=11),
        prpsinfo(X86_64, pid=7),
        siginfo(X86_64, number=11, code=1, address=8),
        auxv(X86_64, {3: 0x1040, 9: 0x1010}),
        mapped_files(X86_64, [(0x1000, 0x2000, 0, b"/bin/prog")]),
    ]


def freebsd_core(target: freebsd.Target) -> bytes:
    info = freebsd.siginfo(target, number=11, code=1, address=8, trap=12)
    notes = [
        freebsd.prpsinfo(target, pid=7),
        *freebsd.thread(target, tid=9, registers={}, signal=11, info=info),
        freebsd.processes(target, [freebsd.process_entry(target, {})]),
        freebsd.files([freebsd.file_entry(3, 1, path=b"/x")]),
        freebsd.vmmap([freebsd.vm_entry(0x1000, 0x2000, path=b"/bin/prog")]),
        *(freebsd.groups(0, 5), freebsd.umask(18), freebsd.osrel(1302001)),
        freebsd.rlimits([(1, 2)] * 15),
        freebsd.psstrings(target, 0x1800),
        freebsd.auxv(target, {3: 0x1040, 9: 0x1010}),
    ]
    segments = [freebsd.Segment(0x1000, b"memory")]
    return freebsd.write_core(target, notes=notes, segments=segments)


def module() -> bytes:
    sections = [Section(".debug_info", b"\x07\0\0\0\4\0\0\0\0\0\x08")]
    return write_module(segments=[Segment(0x1000, b"code")], sections=sections)


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        members = [("crash.json", CRASH), ("maps", b"1000-2000 r-xp 0 0:0 0 /x\n")]
        for name, data in [*members, ("capture.json", b'{"rung": "full"}')]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def seekable() -> bytes:
    with tempfile.TemporaryFile() as file:
        writer = SeekableWriter(file.fileno())
        writer.append(b"content" * 100)
        writer.skip(1 << 20)
        writer.finish(b"facts")
        file.seek(0)
        return file.read()


def admission() -> bytes:
    layout = (4096, 4096, 128, 1024, 128, 256, 32)
    head = struct.pack("<8s8I", MAGIC, VERSION, *layout)
    slot = struct.pack("<QqqQqqqq", 7, 1000, 9, 3, 1, 1, 1, 1)
    return head.ljust(4096, b"\0") + slot + bytes(64)


def seeds() -> Iterator[tuple[str, str, bytes]]:
    """Yield the directory, the name and the bytes of each."""
    segment = Segment(0x1000, b"memory")
    core = write_core(notes=notes(), segments=[segment])
    yield "core", "x86-64", core
    narrow = [prstatus(I386, tid=7, registers={"eip": 0x1010}, signal=6)]
    yield "core", "i386", write_core(I386, notes=narrow, segments=[segment])
    many = write_core(notes=notes(), segments=[segment], extended_count=True)
    yield "core", "extended", many
    for name, target in (("freebsd", freebsd.AMD64), ("freebsd-arm64", freebsd.ARM64)):
        yield "core", name, freebsd_core(target)
    for name, dump in kernel_dumps():
        yield "vmcore", name, dump
    yield "elf", "module", module()
    yield "debuginfo", "module", module()
    yield "snapshot", "small", pack_snapshot(specimens.small())
    yield "snapshot", "full", pack_snapshot(specimens.full())
    yield "assets", "tar", tar()
    yield "crash", "record", CRASH
    yield "admission", "table", admission()
    yield "config", "example", example().encode()
    yield (
        "config",
        "rules",
        b"[application /usr/*]\nkeep = notes\nlimit.physical = 1GiB\n",
    )
    yield "expression", "frame", bytes.fromhex("91687206231806301c9f")
    yield "expression", "pieces", bytes.fromhex("509304519304")
    yield "expression", "branch", bytes.fromhex("31122800002ffcff9f")
    yield "cfi", "frame", CFI
    for machine, (number, code) in FUNCTIONS.items():
        yield "unwind", machine, bytes([number]) + bytes(256) + bytes.fromhex(code)
    yield "exidx", "entry", bytes.fromhex("970c84b0f0ffff7f01000000b0b0a880")
    # Build, then section, place, size and bytes of each edit: see reading.py.
    yield "reading", "location", bytes([0, 2, 9, 0, 0, 0x91])
    yield "reading", "form", bytes([1, 1, 40, 0, 1, 0x0F, 0x11])
    yield (
        "reading",
        "many",
        bytes([4, 0, 80, 0, 0, 7, 6, 30, 0, 1, 0, 5, 15, 64, 0, 0, 1]),
    )
    yield "annotations", "pairs", b"team=storage\nbuild.id=7\n\0A1=x=y\0B=key=value\n"
    yield "seekable", "frames", seekable()
    small = foreigncores.small_core(memory=b"m")[:4096]
    yield "apport", "report", foreigncores.apport_report(small)
    entry = foreigncores.journal_entry()
    yield "journal", "export", foreigncores.journal_export([entry])
    yield "elf_notes", "notes", b"\0" + b"".join(notes())
    yield "elf_notes", "property", b"\1" + note(X86_64, b"GNU", 5, bytes(16))
    spans = struct.pack("<8Q", *(16, 32, 64, 65, 99, 1 << 40, 1 << 47, 1 << 63))
    yield "pointer_scan", "words", b"\3" + spans + struct.pack("<40Q", *range(40))
    yield "pointer_scan", "narrow", b"\5" + spans + struct.pack("<80I", *range(80))
    rule = b"rule=/usr/*\tkeep=notes\tbudget=500\tlogical=\tphysical=1\trate=1/2\n"
    head = (
        b"spool=/a\nsocket=/b\nquota=10\nadmission=/c\nkeep=full\nrate.global=60/600\n"
    )
    yield "settings", "rules", head + rule
    maps = b"1000-2000 r-xp 00000000 08:01 77      /bin/a b\\012c (deleted)\n"
    yield "address_map", "maps", maps + b"3000-4000 rw-p 0 00:00 0 [heap]\n"
    yield "request", "first", struct.pack("=IIQQQQQ", 32, 16, 15, 0, 0, 0, 0)
    yield "request", "agreed", struct.pack("=IIQQQI", 32, 16, 15, 0, 0, 0)
    yield "json", "text", 'a"\\\n\0é\U0001f600'.encode() + b"\xff\xc0\x80\xed\xa0\x80"
    yield "sparse_writer", "pieces", b"\xff\0\x0f\0\xff\1\0\0\0\7" * 9


def kernel_dumps() -> Iterator[tuple[str, bytes]]:
    """What FreeBSD's kernels leave: one of each kind."""
    dump = vmcorewriter.Minidump(messages=b"<6>said\n".ljust(4024, b"\0"), written=8)
    dump.memory.write(0x3000, b"page")
    dump.virtual[vmcorewriter.MAP_BASE] = 0x3000
    yield "minidump", dump.packed()
    memory = vmcorewriter.Physical()
    memory.write(0x2000, vmcorewriter.msgbuf(b"said\n".ljust(1024), 0x2000, 5))
    vmcorewriter.map_amd64(memory, 0x1000, vmcorewriter.KERNBASE, 0x2000)
    yield "full", vmcorewriter.full_dump(memory)
    texts = {"ddb.txt": b"db> bt\n", "msgbuf.txt": b"said\n"}
    yield "texts", vmcorewriter.textdump(texts)
    yield "info", vmcorewriter.info_text(panic_string="it", bounds="0").encode()
    header = vmcorewriter.dump_header(512)
    yield "device", header + bytes(512) + header


def main() -> None:
    for target, name, data in seeds():
        path = SEEDS / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
