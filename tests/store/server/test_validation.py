"""What is sent is read where it cannot hurt, and refused for what is wrong with it."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from coresnap.errors import InputError, NetworkError, SnapshotFormatError
from coresnap.snapshot import layout
from coresnap.snapshot.layout import CODEC_STORED, CODEC_ZSTD, Section
from coresnap.snapshot.zstandard import zstd
from coresnap.store.accepting.arrival import Arrival
from coresnap.store.api.endpoint import Capability
from coresnap.store.server.staging import StagingFile
from coresnap.store.server.validation.pool import Validators
from coresnap.store.symbols.symbol_file import SymbolFile
from store.server.live import LiveServer
from store.server.snapshots import make_snapshot


@pytest.fixture
def validators() -> Iterator[Validators]:
    pool = Validators(count=1, memory=512 << 20, seconds=3)
    yield pool
    pool.close()


def read(pool: Validators, directory: Path, body: bytes) -> Arrival:
    file = StagingFile(directory)
    file.add(body)
    try:
        return pool.read(file.staged())
    finally:
        file.close()


def only_child(pool: Validators) -> subprocess.Popen[bytes]:
    (child,) = pool._idle.queue
    assert child is not None
    return child.process


def container(sections: dict[str, tuple[bytes, int, int]]) -> bytes:
    """A snapshot's file of sections by name: stored bytes, size told, codec."""
    table, offset = [], layout.front_size(len(sections))
    for name, (stored, size, codec) in sections.items():
        checksum = zlib.crc32(stored)
        table.append(Section(name, offset, len(stored), size, checksum, codec))
        offset += len(stored)
    bodies = b"".join(stored for stored, _, _ in sections.values())
    return layout.pack_front(table) + bodies


def stored(content: object) -> tuple[bytes, int, int]:
    body = msgspec.msgpack.encode(content)
    return body, len(body), CODEC_STORED


def summary(**fields: object) -> dict[str, object]:
    return {
        "system": "Linux",
        "architecture": "x86-64",
        "fingerprint": "ab" * 32,
        **fields,
    }


def test_what_a_snapshot_says_arrives(validators: Validators, tmp_path: Path) -> None:
    arrival = read(validators, tmp_path, make_snapshot(7, kind=3, version="1.2"))

    assert arrival.object == f"{7:032x}"
    assert arrival.fingerprint == f"{3:064x}"
    assert arrival.time == 1_700_000_007
    assert arrival.title == "simple: program ← main"
    assert arrival.callstack == ("program", "main")
    assert arrival.attributes["version"] == "1.2"


def test_every_cut_of_a_snapshot_is_refused(
    validators: Validators, tmp_path: Path
) -> None:
    body = make_snapshot()
    for size in range(0, len(body), 7):
        with pytest.raises(SnapshotFormatError):
            read(validators, tmp_path, body[:size])
    assert validators.replaced == 0


def test_every_changed_byte_of_a_snapshot_is_refused(
    validators: Validators, tmp_path: Path
) -> None:
    body = make_snapshot()
    for place in range(len(body)):
        changed = bytearray(body)
        changed[place] ^= 0x40
        with pytest.raises(InputError):
            read(validators, tmp_path, bytes(changed))
    assert validators.replaced == 0


BOMB = zstd.compress(bytes(255 << 20), 19)
HOSTILE = {
    "a zstd bomb": container({"summary": (BOMB, 255 << 20, CODEC_ZSTD)}),
    "a section larger than any": container({"summary": (BOMB, 1 << 60, CODEC_ZSTD)}),
    "a frame that is longer than told": container({"summary": (BOMB, 1, CODEC_ZSTD)}),
    "deep nesting": container({"summary": (b"\x91" * 300_000, 300_000, CODEC_STORED)}),
    "a huge count": container({"summary": (b"\xdf\xff\xff\xff\xff", 5, CODEC_STORED)}),
    "wrong types": container({"summary": stored(summary(attributes=[1, 2]))}),
    "an attribute that is a map": container(
        {"summary": stored(summary(attributes={"a": {"b": 1}}))}
    ),
    "no summary": container({"threads": stored({"threads": []})}),
    "a damaged section that nobody asks for": container(
        {"summary": stored(summary()), "findings": (b"\xc1", 1, CODEC_STORED)}
    ),
    "memory without its blocks": container(
        {
            "summary": stored(summary()),
            "memory": stored({"block_size": 16, "ranges": [{"address": 0, "size": 1}]}),
        }
    ),
    "an unknown codec": container({"summary": (b"", 0, 77)}),
    "a fingerprint that is a path": container(
        {"summary": stored(summary(fingerprint="../../../etc/passwd"))}
    ),
    "an object that is a path": container(
        {"summary": stored(summary(attributes={"coresnap.object": "../../etc/passwd"}))}
    ),
    "no bytes": b"",
    "a gzip file": b"\x1f\x8b" + bytes(100),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_snapshot_is_refused_and_the_next_one_is_read(
    validators: Validators, tmp_path: Path, what: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(validators, tmp_path, HOSTILE[what])

    assert str(caught.value)
    assert read(validators, tmp_path, make_snapshot())


def test_hostile_texts_arrive_without_nul_and_within_their_limits(
    validators: Validators, tmp_path: Path
) -> None:
    nasty = "a\0b\x1b[31m\u202e"
    body = container(
        {
            "summary": stored(
                summary(
                    attributes={
                        "application": nasty,
                        "long": "x" * 1_000_000,
                        "n\0me": 1,
                        "": 2,
                        "infinite": float("inf"),
                        "timestamp": -5,
                        "y" * 1000: 3,
                    },
                    callstack=[nasty] * 100_000,
                )
            )
        }
    )
    before = int(time.time())
    arrival = read(validators, tmp_path, body)

    attributes = {name: str(value) for name, value in arrival.attributes.items()}
    assert attributes.keys() == {"application", "long", "timestamp"}
    assert "\0" not in attributes["application"]
    assert len(attributes["long"]) < 100_000
    assert arrival.time >= before
    assert arrival.title.isprintable()
    assert len(arrival.callstack) < 1000


@pytest.mark.parametrize("told", [5, 86_400, 1 << 41])
def test_a_clock_that_was_never_set_does_not_say_when_it_was(
    told: int, validators: Validators, tmp_path: Path
) -> None:
    before = int(time.time())
    body = container({"summary": stored(summary(attributes={"timestamp": told}))})

    assert read(validators, tmp_path, body).time >= before


def test_a_hundred_thousand_attributes_are_capped(
    validators: Validators, tmp_path: Path
) -> None:
    many = {f"attribute.{n}": n for n in range(100_000)}
    body = container({"summary": stored(summary(attributes=many))})

    assert len(read(validators, tmp_path, body).attributes) <= 2000


def test_what_eats_memory_is_refused_and_its_reader_replaced(tmp_path: Path) -> None:
    # 60 million empty arrays: 60 MB that become gigabytes of objects.
    count = 60_000_000
    body = b"\x81\xa7threads\xdd" + struct.pack(">I", count) + b"\x80" * count
    packed = zstd.compress(body, 1)
    file = container(
        {"summary": stored(summary()), "threads": (packed, len(body), CODEC_ZSTD)}
    )
    pool = Validators(count=1, memory=256 << 20, seconds=20)
    try:
        with pytest.raises(InputError):
            read(pool, tmp_path, file)
        assert read(pool, tmp_path, make_snapshot())
    finally:
        pool.close()


def test_a_reader_that_hangs_is_killed_and_replaced(
    validators: Validators, tmp_path: Path
) -> None:
    assert read(validators, tmp_path, make_snapshot())
    child = only_child(validators)
    child.send_signal(signal.SIGSTOP)

    with pytest.raises(NetworkError, match="busy"):
        read(validators, tmp_path, make_snapshot())
    assert child.returncode == -signal.SIGKILL
    assert read(validators, tmp_path, make_snapshot())
    assert validators.replaced == 1


def test_a_reader_that_dies_costs_one_snapshot(
    validators: Validators, tmp_path: Path
) -> None:
    assert read(validators, tmp_path, make_snapshot())
    only_child(validators).kill()

    with pytest.raises(InputError, match="died"):
        read(validators, tmp_path, make_snapshot())
    assert read(validators, tmp_path, make_snapshot())


PROBE = """
import os, resource, socket, sys
from coresnap.store.server.validation import child
child._confine(int(sys.argv[1]), 1 << 30)
connection = socket.socket(fileno=3)
tried = os.dup(3)  # what stands for the snapshot
found = [str(os.getuid() != 0)]
for attempt in (
    lambda: socket.socket(),
    lambda: open("/etc/passwd"),
    lambda: os.fork() or os._exit(0),
    lambda: os.pipe(),
    lambda: os.write(1, b"x" * 10) and os.ftruncate(3, 1),
    lambda: bytes(2 << 30),
):
    try:
        attempt()
        found.append("done")
    except (OSError, MemoryError) as error:
        found.append(type(error).__name__)
connection.send(" ".join(found).encode())
"""


@pytest.mark.root
def test_a_reader_has_no_descriptors_no_processes_and_no_privileges() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        words = [sys.executable, "-c", PROBE, str(theirs.fileno())]
        path = os.pathsep.join(map(os.path.abspath, sys.path))
        environment = {"PYTHONPATH": path}
        subprocess.run(words, env=environment, pass_fds=[theirs.fileno()], check=True)
        is_nobody, *attempts = ours.recv(1000).decode().split()

    assert is_nobody == "True"
    assert attempts == [
        "OSError",
        "OSError",
        "BlockingIOError",
        "OSError",
        "OSError",
        "MemoryError",
    ]


def test_symbol_files_are_read_by_the_same_children(
    validators: Validators, tmp_path: Path
) -> None:
    def read_symbols(body: bytes) -> SymbolFile:
        file = StagingFile(tmp_path)
        file.add(body)
        try:
            return validators.read_symbols(file.staged())
        finally:
            file.close()

    with pytest.raises(InputError, match="ELF"):
        read_symbols(b"no ELF file")
    with pytest.raises(InputError):
        read_symbols(b"\x7fELF" + bytes(60))
    assert validators.replaced == 0


@pytest.mark.compiler
def test_a_program_with_a_build_id_is_recognised(
    validators: Validators, tmp_path: Path
) -> None:
    source, program = tmp_path / "p.c", tmp_path / "p"
    source.write_text("int main(void) { return 0; }\n")
    words = ["cc", "-g", "-Wl,--build-id=0xabcdef12", "-o", str(program), str(source)]
    subprocess.run(words, check=True)
    file = StagingFile(tmp_path)
    file.add(program.read_bytes())

    found = validators.read_symbols(file.staged())
    file.close()
    assert found.build_id == "abcdef12"


def test_a_hostile_snapshot_costs_its_sender_an_answer_and_nobody_else_anything(
    live: LiveServer,
) -> None:
    with live.client(Capability.POST) as client:
        for body in HOSTILE.values():
            answer = client.post("faults", content=body)
            assert answer.status_code == 422
            assert answer.json()["error"]["message"]
        assert client.post("faults", content=make_snapshot()).status_code == 200
    with live.client(Capability.QUERY) as client:
        status = client.get("/api/v1/status").json()
    assert status["invalid"] == len(HOSTILE)
    assert status["failed"] == 0
