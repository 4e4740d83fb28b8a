"""The socket's server: as the pipe's helper, and whole whatever comes to it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import psutil
import pytest

import catcher as catching
from catcher import SPECIFIERS, Catcher, Caught
from conftest import CompileProgram
from kernel import CORE_PATTERN, core_pattern
from livecore import core_of

MODES = Path("/proc/sys/kernel/core_modes")
NATIVE_TESTS = Path(__file__).parents[1] / "native"
pytestmark = [
    pytest.mark.core_pattern,
    pytest.mark.compiler,
    pytest.mark.root,
    pytest.mark.skipif(
        not MODES.exists() or "socket" not in MODES.read_text(),
        reason="this kernel sends no cores to sockets (Linux 6.16 does)",
    ),
]

KERNEL, REJECT, WAIT = 1, 4, 8
OFFER = 0xF


@attrs.define
class Server:
    process: subprocess.Popen[bytes]
    path: Path
    connection: socket.socket
    way_back: str

    @property
    def pattern(self) -> str:
        return f"@@{self.path}"

    def connect(self) -> socket.socket:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        peer.settimeout(60)
        peer.connect(str(self.path))
        return peer


@contextlib.contextmanager
def serving(catcher: Catcher, program: Path) -> Iterator[Server]:
    path = catcher.directory / "door"
    ours, theirs = socket.socketpair()
    way_back = f"|{program} -c {catcher.settings_file} {SPECIFIERS}"
    words: list[str | Path] = [
        program,
        "-c",
        catcher.settings_file,
        "-l",
        f"@@{path}",
        way_back,
    ]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, theirs:
        listener.bind(str(path))
        listener.listen(4096)
        process = subprocess.Popen(
            words, stdin=listener.fileno(), stdout=theirs.fileno()
        )
    try:
        ours.settimeout(60)
        assert ours.recv(1) == b"\0"
        yield Server(process, path, ours, way_back)
    finally:
        ours.close()
        # Told to end it would linger for a second, for whom nobody waits here.
        process.kill()
        process.wait(timeout=60)
        # Those that it started for a crash write into a directory that will be removed.
        every = psutil.process_iter(["exe"])
        left = [p for p in every if p.info["exe"] == str(program)]
        psutil.wait_procs(left, timeout=60)


@pytest.fixture
def server(catcher: Catcher) -> Iterator[Server]:
    with serving(catcher, catcher.program) as result:
        yield result


@pytest.fixture(scope="module")
def credulous_program() -> Iterator[Path]:
    """The helper, to which every peer is a process that crashed."""
    with tempfile.TemporaryDirectory(prefix="coresnap-") as directory:
        wrap = ["-Wl,--wrap=peer_find", str(NATIVE_TESTS / "any_peer.c")]
        include = f"-I{catching.NATIVE / 'catch'}"
        yield catching.build(Path(directory) / "catch", "-O2", include, *wrap)


@pytest.fixture
def credulous(catcher: Catcher, credulous_program: Path) -> Iterator[Server]:
    with serving(catcher, credulous_program) as result:
        yield result


@pytest.fixture
def crash(compile_program: CompileProgram) -> Path:
    return compile_program("simple.c", "-O0", "-g", "-pthread")


def end_of(program: Path) -> int:
    """Let ``program`` crash, and return its status as wait(2) tells it."""
    words = ["/bin/sh", "-c", 'ulimit -c unlimited; exec "$0"', str(program)]
    pid = os.posix_spawn(words[0], words, dict(os.environ))
    return os.waitpid(pid, 0)[1]


def names(caught: Caught) -> set[str]:
    """Names of members, without the numbers that each process has of its own."""
    return {re.sub(r"/task/\d+/", "/task/TID/", name) for name in caught.members}


def test_a_crash_is_archived_as_the_pipe_does(
    catcher: Catcher, server: Server, crash: Path
) -> None:
    by_pipe = catcher.catch([crash])
    with core_pattern(server.pattern, pipe_limit=16):
        status = end_of(crash)
        message = catcher.wait()
    by_socket = catcher.read(message.split()[0])

    assert os.WCOREDUMP(status)
    assert by_socket.capture["door"] == "socket"
    assert by_pipe.capture["door"] == "pipe"
    assert names(by_socket) == names(by_pipe)
    assert by_socket.crash.keys() == by_pipe.crash.keys()
    assert by_socket.checks == by_pipe.checks
    for key in ("signal", "uid", "gid", "executable", "dump_mode", "core_limit"):
        if key in by_pipe.crash:
            assert by_socket.crash[key] == by_pipe.crash[key], key
    for key in ("rung", "rung_reason", "way", "cut"):
        assert by_socket.capture[key] == by_pipe.capture[key], key
    assert by_socket.crash["tid"] is not None
    assert by_socket.core.read_bytes()[:4] == b"\x7fELF"
    size = by_pipe.core.stat().st_size
    assert abs(by_socket.core.stat().st_size - size) <= 1 << 16


def test_a_suppressed_crash_is_refused_before_it_is_dumped(
    catcher: Catcher, server: Server, crash: Path
) -> None:
    catcher.write_settings(
        admission=str(catcher.directory / "admission"),
        rate="2/100000",
        **{"rate.global": "60/100000", "kinds": "100/100000"},
    )
    with core_pattern(server.pattern, pipe_limit=16):
        ends = [end_of(crash) for _ in range(6)]
        while not catcher.wait().startswith("suppressed pid="):
            pass

    dumped = [os.WCOREDUMP(end) for end in ends]
    archived = len(catcher.wait_for_archives(sum(dumped)))
    assert 0 < archived < 6
    assert dumped == [True] * archived + [False] * (6 - archived)


def test_many_at_once_are_all_archived(
    catcher: Catcher, server: Server, crash: Path
) -> None:
    """More than the sixteen that are handled at once: the others wait."""
    with core_pattern(server.pattern, pipe_limit=16):
        running = [subprocess.Popen([crash]) for _ in range(40)]
        for process in running:
            assert process.wait(timeout=60) < 0
    # Messages are hints, of which a full queue drops some.
    catcher.wait_for_archives(len(running))


@pytest.mark.parametrize("end", ["warden", "SIGTERM"])
def test_the_pipe_is_back_before_the_server_ends(
    catcher: Catcher, server: Server, crash: Path, end: str
) -> None:
    with core_pattern(server.pattern, pipe_limit=16):
        if end == "warden":
            server.connection.close()
        else:
            server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
        assert CORE_PATTERN.read_text() == server.way_back + "\n"
        end_of(crash)
        message = catcher.wait()

    assert catcher.read(message.split()[0]).capture["door"] == "pipe"


def test_a_pattern_of_somebody_else_stays(server: Server) -> None:
    with core_pattern("/cores/%p"):
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=60)
        assert CORE_PATTERN.read_text() == "/cores/%p\n"


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF" * 100, struct.pack("=IIQ", 16, 16, 15)]
)
def test_a_peer_that_does_not_dump_is_shut_out(
    catcher: Catcher, server: Server, data: bytes
) -> None:
    with server.connect() as peer:
        with contextlib.suppress(BrokenPipeError):
            peer.sendall(data)
        with contextlib.suppress(ConnectionResetError):
            assert peer.recv(1) == b""

    catching.assert_empty(catcher)
    assert server.process.poll() is None


def request(size: int = 16, size_ack: int = 16, mask: int = OFFER) -> bytes:
    return struct.pack("=IIQ", size, size_ack, mask)


HOSTILE = {
    "nothing": b"",
    "half a size": b"\x10\0",
    "a size alone": b"\x10\0\0\0",
    "size 0": request(size=0),
    "size 8": request(size=8),
    "size 4097": request(size=4097) + bytes(4097),
    "size 4 GiB": request(size=0xFFFFFFFF),
    "more promised than sent": request(size=64),
    "no room for an answer": request(size_ack=8),
    "nothing on offer": request(mask=0),
    "no core on offer": request(mask=REJECT),
    "unknown offers alone": request(mask=1 << 63),
    "a mark without an answer": request() + b"\4\0\0\0",
    "an unknown mark": request() + b"\xff\xff\xff\xff",
    "a core that is none": request() + bytes(4) + b"no core" * 1000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_question_ends_its_own_connection_only(
    catcher: Catcher,
    credulous: Server,
    child: subprocess.Popen[bytes],
    data: bytes,
) -> None:
    with credulous.connect() as peer:
        with contextlib.suppress(BrokenPipeError):
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while peer.recv(4096):
                pass
    catcher.wait()  # of what there was of it

    assert credulous.process.poll() is None
    assert_takes(catcher, credulous, core_of(child.pid))


def assert_takes(catcher: Catcher, server: Server, core: bytes, more: int = 0) -> None:
    """A question as the kernel's is answered, and the core archived."""
    with server.connect() as peer:
        peer.sendall(request(size=16 + more) + bytes(more))
        assert peer.recv(16, socket.MSG_WAITALL) == struct.pack(
            "=IIQ", 16, 0, KERNEL | WAIT
        )
        peer.sendall(bytes(4) + core)
        peer.shutdown(socket.SHUT_WR)
        message = catcher.wait()
    assert catcher.read(message.split()[0]).capture["door"] == "socket"


def test_a_later_kernel_may_ask_in_more_words(
    catcher: Catcher, credulous: Server, child: subprocess.Popen[bytes]
) -> None:
    assert_takes(catcher, credulous, core_of(child.pid), more=48)


def test_a_crash_that_hangs_holds_up_no_other(
    catcher: Catcher, credulous: Server, child: subprocess.Popen[bytes]
) -> None:
    core = core_of(child.pid)
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            peer = stack.enter_context(credulous.connect())
            peer.sendall(request())
            peer.recv(16, socket.MSG_WAITALL)
            peer.sendall(bytes(4) + core[:100])
        time.sleep(0.1)
        assert_takes(catcher, credulous, core)
