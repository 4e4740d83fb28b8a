"""What a confined worker cannot do any more, whatever it is made to try."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from coresnap.backends.linux_confinement import (
    confine,
    confine_sender,
    confine_watcher,
)
from coresnap.backends.linux_landlock import landlock_version, restrict_files
from coresnap.backends.linux_seccomp import (
    dangerous_program,
    filter_program,
    filter_system_calls,
)
from coresnap.backends.linux_syscalls import DANGEROUS, HARMLESS, NUMBERS

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/seccomp_filter").exists()
    and not Path("/proc/sys/kernel/seccomp").exists(),
    reason="this kernel has no seccomp filters",
)

NOBODY = 65534
NO_NEW_PRIVILEGES = 38
SUCCEEDED, REFUSED = 0, 7
# Linux, as is all that these tests are about.
TMPFILE: int = getattr(os, "O_TMPFILE", 0)
NETLINK: int = getattr(socket, "AF_NETLINK", 0)


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: int | bytes | None) -> int:
    """Make a system call by name; raises OSError as ``os`` does."""
    number = NUMBERS[os.uname().machine][name]
    values = (ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)
    answer = int(libc().syscall(ctypes.c_long(number), *values))
    if answer < 0:
        raise OSError(ctypes.get_errno(), name)
    return answer


def memory_file() -> int:
    fd: int = getattr(os, "memfd_create")("module")  # noqa: B009 - Linux
    return fd


def only_landlock() -> None:
    libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if not restrict_files(libc()):
        raise AssertionError("Landlock was not there after all")


def only_seccomp() -> None:
    libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if not filter_system_calls(libc()):
        raise AssertionError("seccomp was not there after all")


def end_of(
    act: Callable[[], object], confinement: Callable[[], object] = confine
) -> int:
    """Return the exit code of a confined child that acts; minus a signal's number."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if os.geteuid() == 0 and confinement is confine:
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            confinement()
            act()
            code = SUCCEEDED
        except OSError as error:
            code = REFUSED if error.errno in (errno.EPERM, errno.EACCES) else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def refuses(end: int) -> bool:
    return end in (REFUSED, -signal.SIGSYS)


def fork_and_leave() -> None:
    if os.fork() == 0:
        os._exit(0)


def start_a_thread() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.set)
    thread.start()
    thread.join()
    if not done.is_set():
        raise AssertionError("the thread did not run")


FORBIDDEN: dict[str, Callable[[], object]] = {
    "open for writing": lambda: os.open("/dev/null", os.O_WRONLY),
    "open for both": lambda: os.open("/dev/null", os.O_RDWR),
    "truncate by opening": lambda: os.open("/dev/null", os.O_TRUNC),
    "create": lambda: os.open("/tmp/coresnap-made", os.O_CREAT, 0o600),
    "unnamed file": lambda: os.open("/tmp", TMPFILE | os.O_RDWR),
    "unlink": lambda: os.unlink("/tmp/coresnap-nothing"),
    "rename": lambda: os.rename("/tmp/coresnap-nothing", "/tmp/coresnap-made"),
    "directory": lambda: os.mkdir("/tmp/coresnap-made"),
    "symbolic link": lambda: os.symlink("/", "/tmp/coresnap-made"),
    "permissions": lambda: os.chmod("/tmp", 0o1777),
    "times": lambda: os.utime("/tmp"),
    "TCP": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "pair of sockets": socket.socketpair,
    "netlink": lambda: socket.socket(NETLINK, socket.SOCK_RAW),
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "fork": fork_and_leave,
    "kill the parent": lambda: os.kill(os.getppid(), 0),
    "kill everybody": lambda: os.kill(-1, 0),
    "trace the parent": lambda: call("ptrace", 16, os.getppid(), 0, 0),
    "read the parent": lambda: call("process_vm_readv", os.getppid(), 0, 0, 0, 0, 0),
    "new namespaces": lambda: call("unshare", 0x10000000),
    "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "io_uring": lambda: call("io_uring_setup", 1, bytes(128)),
    "bpf": lambda: call("bpf", 0, bytes(128), 128),
    "keys": lambda: call("keyctl", 0, -3, 0),
    "write and execute": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | 4),
    "become root": lambda: os.setuid(0),
    "nice": lambda: os.nice(-5),
}

NEEDED: dict[str, Callable[[], object]] = {
    "read": lambda: Path("/etc/passwd").read_bytes(),
    "list": lambda: os.listdir("/usr/lib"),
    "status": lambda: os.stat("/usr/bin"),
    "map": lambda: mmap.mmap(
        os.open("/etc/passwd", os.O_RDONLY), 0, prot=mmap.PROT_READ
    ),
    "memory": lambda: bytearray(1 << 26),
    "threads": start_a_thread,
    "memory file": lambda: os.write(memory_file(), b"x"),
    "load a library": lambda: ctypes.CDLL("libm.so.6"),
    "signal itself": lambda: os.kill(os.getpid(), 0),
}


@pytest.mark.parametrize("act", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_forbidden_act_fails(act: Callable[[], object]) -> None:
    assert refuses(end_of(act))


@pytest.mark.parametrize("act", NEEDED.values(), ids=NEEDED)
def test_what_analysis_needs_still_works(act: Callable[[], object]) -> None:
    assert end_of(act) == SUCCEEDED


def test_nothing_of_it_is_refused_without_confinement(tmp_path: Path) -> None:
    assert end_of(lambda: os.open("/dev/null", os.O_RDWR), lambda: None) == SUCCEEDED
    assert end_of(fork_and_leave, lambda: None) == SUCCEEDED
    assert end_of(lambda: socket.socketpair(), lambda: None) == SUCCEEDED


def test_a_file_that_is_open_already_can_be_written(tmp_path: Path) -> None:
    target = os.open(tmp_path / "snapshot", os.O_RDWR | os.O_CREAT)

    assert end_of(lambda: os.write(target, b"snapshot")) == SUCCEEDED
    os.close(target)
    assert (tmp_path / "snapshot").read_bytes() == b"snapshot"


def test_its_own_memory_file_can_be_opened_by_path() -> None:
    def act() -> None:
        fd = memory_file()
        os.write(fd, b"module")
        if Path(f"/proc/self/fd/{fd}").read_bytes() != b"module":
            raise AssertionError("not what was written")

    assert end_of(act) == SUCCEEDED


@pytest.mark.skipif(not landlock_version(libc()), reason="this kernel has no Landlock")
def test_landlock_holds_where_there_is_no_seccomp(tmp_path: Path) -> None:
    for act in (
        lambda: os.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT),
        lambda: os.mkdir(tmp_path / "new"),
        lambda: os.unlink(__file__),
        lambda: os.execv("/bin/true", ["true"]),
    ):
        assert end_of(act, only_landlock) == REFUSED
    assert end_of(lambda: os.listdir("/"), only_landlock) == SUCCEEDED


@pytest.mark.skipif(landlock_version(libc()) < 4, reason="Landlock before ABI 4")
def test_landlock_denies_tcp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        address = ("127.0.0.1", port)

        def connect() -> None:
            socket.create_connection(address).close()

        assert end_of(connect, only_landlock) == REFUSED
        assert end_of(connect, lambda: None) == SUCCEEDED


@pytest.mark.skipif(landlock_version(libc()) < 6, reason="Landlock before ABI 6")
def test_landlock_denies_signals_to_others() -> None:
    assert end_of(lambda: os.kill(os.getppid(), 0), only_landlock) == REFUSED


def test_seccomp_holds_where_there_is_no_landlock(tmp_path: Path) -> None:
    for act in (
        lambda: os.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT),
        lambda: os.mkdir(tmp_path / "new"),
        lambda: os.kill(os.getppid(), 0),
        fork_and_leave,
    ):
        assert end_of(act, only_seccomp) == REFUSED
    assert end_of(lambda: os.listdir("/"), only_seccomp) == SUCCEEDED


def test_r13_dangerous_calls_end_the_worker() -> None:
    act = FORBIDDEN["run a program"]

    assert end_of(act, only_seccomp) == -signal.SIGSYS


def test_the_filter_holds_for_threads_that_are_there_already() -> None:
    def act() -> None:
        ready, end = threading.Event(), []

        def wait() -> None:
            ready.wait()
            try:
                getattr(os, "getxattr")("/", "user.none")  # noqa: B009 - Linux
            except OSError as error:
                end.append(error.errno)

        thread = threading.Thread(target=wait)
        thread.start()
        only_seccomp()
        ready.set()
        thread.join()
        raise OSError(end[0] if end else 0, "in the other thread")

    assert end_of(act, lambda: None) == REFUSED


def test_calls_of_another_architecture_end_the_worker() -> None:
    # int 0x80 and x32 numbers reach the kernel past the numbers of x86-64.
    if os.uname().machine != "x86_64":
        pytest.skip("x32 is a matter of x86-64")

    def act() -> None:
        libc().syscall(ctypes.c_long(0x40000000 | 39))  # getpid of x32

    assert end_of(act, only_seccomp) == -signal.SIGSYS


# --- the sender's -----------------------------------------------------------------


def run_a_program() -> None:
    words = [sys.executable, "-c", "import socket; socket.socket().close()"]
    subprocess.run(words, stdin=subprocess.DEVNULL, check=True)


def confine_a_confined_program() -> None:
    program = "from coresnap.backends.linux_confinement import confine; confine()"
    env = {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=env, check=True)


def leave_a_new_file(directory: Path) -> None:
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"scrubbed")
    (directory / "new").write_bytes(b"x")
    (directory / "new").unlink()


def connect_to(address: tuple[str, int]) -> None:
    socket.create_connection(address).close()


def test_a_sender_does_what_it_has_to(tmp_path: Path) -> None:
    def only_sender() -> object:
        return confine_sender((tmp_path,))

    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert end_of(lambda: connect_to(address), only_sender) == SUCCEEDED
    for act in (
        run_a_program,
        confine_a_confined_program,
        fork_and_leave,
        lambda: Path("/etc/passwd").read_bytes(),
        lambda: leave_a_new_file(tmp_path),
    ):
        assert end_of(act, only_sender) == SUCCEEDED


@pytest.mark.skipif(not landlock_version(libc()), reason="this kernel has no Landlock")
def test_a_sender_changes_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "file").touch()
    for act in (
        lambda: leave_a_new_file(tmp_path),
        lambda: os.unlink(tmp_path / "file"),
        lambda: os.truncate(tmp_path / "file", 1),
        lambda: os.rename(tmp_path / "file", tmp_path / "spool" / "file"),
        lambda: os.mkdir(tmp_path / "spool" / "directory"),
        lambda: os.symlink("/etc/passwd", tmp_path / "spool" / "link"),
    ):
        assert end_of(act, lambda: confine_sender((tmp_path / "spool",))) == REFUSED


def test_a_sender_ends_with_what_nobody_there_has_to_do(tmp_path: Path) -> None:
    def attach() -> None:
        libc().ptrace(16, os.getppid(), None, None)  # PTRACE_ATTACH

    assert end_of(attach, lambda: confine_sender((tmp_path,))) == -signal.SIGSYS


def test_nobody_reads_the_memory_of_a_sender() -> None:
    def is_dumpable() -> None:
        if libc().prctl(3, 0, 0, 0, 0):  # PR_GET_DUMPABLE
            raise AssertionError("a process of the same user may look into it")

    assert end_of(is_dumpable, lambda: confine_sender(())) == SUCCEEDED


# --- who watches ------------------------------------------------------------------


@pytest.mark.skipif(not landlock_version(libc()), reason="this kernel has no Landlock")
def test_who_watches_reads_no_crash_and_changes_nothing(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    (spool / "pending").mkdir(parents=True)
    for file in (spool / "pending" / "core", tmp_path / "file"):
        file.write_bytes(b"x")
    (tmp_path / "link").symlink_to(spool)
    (tmp_path / "journal").mkdir()

    def only_watcher() -> object:
        return confine_watcher(spool, (tmp_path / "journal",))

    allowed: tuple[Callable[[], object], ...] = (
        lambda: (tmp_path / "file").read_bytes(),
        lambda: Path("/proc/self/stat").read_bytes(),
        lambda: os.listdir(spool / "pending"),
        lambda: leave_a_new_file(tmp_path / "journal"),
    )
    for act in allowed:
        assert end_of(act, only_watcher) == SUCCEEDED
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        denied: tuple[Callable[[], object], ...] = (
            lambda: (spool / "pending" / "core").read_bytes(),
            lambda: (tmp_path / "link" / "pending" / "core").read_bytes(),
            lambda: (tmp_path / "file").write_bytes(b""),
            lambda: os.unlink(tmp_path / "file"),
            lambda: leave_a_new_file(tmp_path),
            run_a_program,
            lambda: connect_to(address),
        )
        for act in denied:
            assert end_of(act, only_watcher) == REFUSED


@pytest.mark.parametrize("machine", NUMBERS)
def test_the_senders_filter_answers_as_the_list_says(machine: str) -> None:
    program = dangerous_program(machine)
    numbers = NUMBERS[machine]
    architecture = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]

    def answer(name: str, first: int = 0, arch: int = architecture) -> int:
        data = struct.pack("=IIQ6Q", numbers[name], arch, 0, first, *[0] * 5)
        return interpret(program, data)

    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
    spared = {"execve", "execveat", "unshare"}
    deadly = [n for n in DANGEROUS if n in numbers and n not in spared]
    assert all(answer(name) == kill for name in deadly)
    assert all(answer(name) == allow for name in HARMLESS if name in numbers)
    assert answer("read", arch=0x40000003) == kill
    assert answer("execve") == allow
    assert answer("unshare") == refuse
    assert answer("clone", 17) == allow
    assert answer("clone", 0x10000000 | 17) == refuse
    assert answer("clone3") == 0x00050000 | errno.ENOSYS


# --- the filter as data ---------------------------------------------------------


@pytest.mark.parametrize("machine", NUMBERS)
def test_the_filter_is_well_formed(machine: str) -> None:
    program = filter_program(machine, 4711)
    instructions = list(struct.iter_unpack("=HBBI", program))

    assert len(instructions) <= 4096  # BPF_MAXINSNS
    assert instructions[-1][0] == 0x06
    for index, (code, yes, no, _) in enumerate(instructions):
        if code & 0x07 == 0x05:
            assert index + 1 + max(yes, no) < len(instructions)


@pytest.mark.parametrize("machine", NUMBERS)
def test_the_filter_answers_as_the_lists_say(machine: str) -> None:
    program = filter_program(machine, 4711)
    numbers = NUMBERS[machine]
    architecture = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]

    def answer(name: str, *arguments: int, arch: int = architecture) -> int:
        padded = (*arguments, *[0] * (6 - len(arguments)))
        data = struct.pack("=IIQ6Q", numbers[name], arch, 0, *padded)
        return interpret(program, data)

    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
    assert all(answer(name) == allow for name in HARMLESS if name in numbers)
    assert all(answer(name) == kill for name in DANGEROUS if name in numbers)
    assert answer("read", arch=0x40000003) == kill
    assert answer("openat", 0, 0, os.O_RDONLY | os.O_CLOEXEC) == allow
    assert answer("openat", 0, 0, os.O_RDWR) == refuse
    assert answer("mmap", 0, 4096, 5) == allow
    assert answer("mmap", 0, 4096, 6) == refuse
    assert answer("mprotect", 0, 4096, 4) == refuse
    assert answer("clone", 0x3D0F00) == allow
    assert answer("clone", 17) == refuse
    assert answer("clone", 0x3D0F00 | 0x10000000) == refuse
    assert answer("clone3") == 0x00050000 | errno.ENOSYS
    assert answer("kill", 4711, 9) == allow
    assert answer("kill", 4712, 9) == refuse
    assert answer("kill", 0xFFFFFFFF, 9) == refuse


def interpret(program: bytes, data: bytes) -> int:
    """Run classic BPF over one ``struct seccomp_data``."""
    instructions = list(struct.iter_unpack("=HBBI", program))
    at = accumulator = 0
    while True:
        code, yes, no, value = instructions[at]
        at += 1
        if code == 0x20:
            accumulator = int(struct.unpack_from("=I", data, value)[0])
        elif code == 0x54:
            accumulator &= value
        elif code == 0x15:
            at += yes if accumulator == value else no
        elif code == 0x35:
            at += yes if accumulator >= value else no
        else:
            return int(value)


def test_names_say_what_was_achieved() -> None:
    reader, writer = os.pipe()
    assert end_of(lambda: None, lambda: os.write(writer, repr(confine()).encode())) == 0
    os.close(writer)
    with os.fdopen(reader) as stream:
        names = stream.read()

    assert "'seccomp'" in names
    assert ("'landlock-files'" in names) == bool(landlock_version(libc()))


def test_a_machine_without_a_table_gets_no_filter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uname = os.uname()
    other = os.uname_result((*uname[:4], "vax"))
    monkeypatch.setattr(os, "uname", lambda: other)

    assert not filter_system_calls(libc())
    with contextlib.suppress(KeyError):
        filter_program("vax", 1)
        pytest.fail("a filter for no machine")
    assert restrict_files(libc()) == ()
