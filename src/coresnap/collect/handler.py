"""The kernel's handler in Python, for hosts without a C compiler.

It does what ``native/catch`` does, the plain way: ``/proc`` context into the assets,
the pipe into a sparse file, the links, the hint. ``coresnap install`` copies this file
alone to where the kernel runs it, so it imports nothing of coresnap and little of the
standard library: it starts as root, once per crash, with ``python -IS``.
"""

import contextlib
import errno
import fcntl
import json
import os
import re
import resource
import socket
import stat
import sys
import time

SETTINGS = "/var/coresnap/catch.conf"
PAGE = 4096
BUFFER = 1 << 20
MEMBER_LIMIT = 4 << 20
TASK_LIMIT = 256
DESCRIPTOR_LIMIT = 4096
SPACE_STEP = 64 << 20
"""Bytes stored between two looks at the free space."""
NUMBERS = ("pid", "tid", "signal", "time", "uid", "gid", "dump_mode", "core_limit")
PROCESS_FILES = (
    *("status", "stat", "limits", "cgroup", "io", "sched", "wchan", "comm", "auxv"),
    *("cmdline", "maps", "mountinfo"),
)
TASK_FILES = ("comm", "stat", "wchan")
SYSTEM_FILES = (
    *("meminfo", "loadavg", "pressure/cpu", "pressure/io", "pressure/memory"),
    *("version", "uptime", "vmstat"),
)
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
O_TMPFILE: int = getattr(os, "O_TMPFILE", 0)  # Linux, as is the pipe
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def parse_arguments(words: list[str]) -> tuple[str, dict[str, object]]:
    """Return the settings' path and what the kernel said, as in arguments.c."""
    settings = SETTINGS
    if words[:1] == ["-c"] and len(words) > 1:
        settings, words = words[1], words[2:]
    cut = words.index("--") if "--" in words else len(words)
    values: dict[str, object] = dict.fromkeys((*NUMBERS, "pidfd", "executable"))
    for name, word in zip((*NUMBERS, "pidfd"), words[:cut], strict=False):
        if word:
            values[name] = int(word)
    # Before Linux 5.3 a space in the path made two arguments of it.
    values["executable"] = " ".join(words[cut + 1 :]) or None
    if not values["pid"]:
        raise ValueError("no pid")
    return settings, values


def read_settings(path: str) -> dict[str, str]:
    """Read catch.conf, which only root may have written."""
    settings = {
        "spool": "/var/coresnap/archive",
        "socket": "/run/coresnap/notify",
        "environ": "PATH,LANG,LC_*,TZ",
        "quota": "10%",
    }
    try:
        fd = os.open(path, OPEN_FILE | os.O_NONBLOCK)
    except OSError:
        return settings
    with open(fd, errors="surrogateescape") as file:
        status = os.fstat(fd)
        trusted = status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022
        if trusted and stat.S_ISREG(status.st_mode):
            pairs = (line.rstrip("\n").partition("=") for line in file)
            settings |= {k: v for k, _, v in pairs if not k.startswith("#")}
    return settings


def log(message: str) -> None:
    """Say something where it can be read when nothing else works."""
    with contextlib.suppress(OSError), open("/dev/kmsg", "w") as file:
        file.write(f"coresnap: {message[:200]}\n")


def secure_descriptors() -> int:
    """Move the core away from the standard three, and return where it is."""
    # The kernel closes 1 and 2: the next file opened would get the log's text.
    core = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 10)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        if fd != null:
            os.dup2(null, fd)
    if null > 2:
        os.close(null)
    return core


def is_same_process(directory: int, arguments: dict[str, object]) -> bool:
    """Say whether ``directory``, of /proc, is the process that the pidfd holds."""
    try:
        with open(f"/proc/self/fdinfo/{arguments['pidfd']}") as file:
            held = re.search(r"^Pid:\t(-?\d+)", file.read(), re.MULTILINE)
        os.close(os.open("stat", OPEN_FILE, dir_fd=directory))
    except OSError:
        return False
    return held is not None and int(held[1]) == arguments["pid"]


class Assets:
    """A ustar archive, written member by member."""

    def __init__(self, fd: int, when: int) -> None:
        """Begin it in the empty file ``fd``."""
        self.fd = fd
        self.when = max(when, 0)

    def add(self, name: str, data: bytes) -> None:
        """Append a member."""
        header = b"".join(
            (
                name.encode("ascii", "replace")[:99].ljust(100, b"\0"),
                b"0000600\0" + b"0000000\0" * 2,
                b"%011o\0%011o\0" % (len(data), self.when),
                b" " * 8 + b"0" + bytes(100) + b"ustar\00000" + bytes(247),
            )
        )
        sum_ = b"%06o\0 " % sum(header)
        header = header[:148] + sum_ + header[156:]
        write_all(self.fd, header + data + bytes(-len(data) % 512))

    def add_file(self, directory: int | None, path: str, name: str) -> None:
        """Append a file of /proc; one that is not there is left out."""
        try:
            fd = os.open(path, OPEN_FILE, dir_fd=directory)
        except OSError:
            return
        try:
            self.add(name, read_all(fd))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
        finally:
            os.close(fd)


def read_all(fd: int) -> bytes:
    """Read a file of /proc up to the limit."""
    pieces = []
    size = 0
    while size < MEMBER_LIMIT and (piece := os.read(fd, MEMBER_LIMIT - size)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data``."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def add_process(assets: Assets, directory: int, settings: dict[str, str]) -> None:
    """Append what /proc says about the process."""
    for name in PROCESS_FILES:
        assets.add_file(directory, name, f"process/{name}")
    for name in ("exe", "cwd", "root"):
        try:
            target = os.readlink(name, dir_fd=directory)
        except OSError:
            continue
        assets.add(f"process/{name}", os.fsencode(target))
    assets.add("process/environ", allowed_environment(directory, settings["environ"]))
    assets.add("process/fd", describe_descriptors(directory))
    for tid in list_numbers(directory, "task")[:TASK_LIMIT]:
        for name in TASK_FILES:
            path = f"task/{tid}/{name}"
            assets.add_file(directory, path, f"process/{path}")


def allowed_environment(directory: int, allowed: str) -> bytes:
    """Return the variables that policy lets us keep, each with its NUL."""
    try:
        fd = os.open("environ", OPEN_FILE, dir_fd=directory)
    except OSError:
        return b""
    with open(fd, "rb", buffering=0):
        variables = read_all(fd).split(b"\0")
    names = [os.fsencode(name) for name in allowed.split(",") if name]
    kept = []
    for variable in variables:
        name, equals, _ = variable.partition(b"=")
        if equals and any(
            name.startswith(n[:-1]) if n.endswith(b"*") else name == n for n in names
        ):
            kept.append(variable + b"\0")
    return b"".join(kept)


def list_numbers(directory: int, path: str) -> list[int]:
    """Return the numbers that are names in a directory of /proc."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY, dir_fd=directory)
    except OSError:
        return []
    try:
        return sorted(int(name) for name in os.listdir(fd) if name.isdigit())
    finally:
        os.close(fd)


def describe_descriptors(directory: int) -> bytes:
    """Return ``NUMBER TARGET`` and a NUL for each open descriptor."""
    lines = []
    for number in list_numbers(directory, "fd")[:DESCRIPTOR_LIMIT]:
        try:
            target = os.readlink(f"fd/{number}", dir_fd=directory)
        except OSError:
            continue
        lines.append(b"%d %s\0" % (number, os.fsencode(target)))
    return b"".join(lines)


def has_space(directory: int, quota: int) -> bool:
    """Say whether blocks and inodes are above the quota."""
    free = os.fstatvfs(directory)
    blocks = free.f_bavail * 100 >= free.f_blocks * quota
    return blocks and (not free.f_files or free.f_favail * 100 >= free.f_files * quota)


def copy_sparse(
    source: int, target: int, directory: int, quota: int
) -> dict[str, object]:
    """Copy the pipe to its end, pages of zeros as holes, and say what happened."""
    came = stored = checked = 0
    cut = None
    zero = bytes(PAGE)
    while data := read_some(source):
        for at in range(0, len(data), PAGE):
            page = data[at : at + PAGE]
            if cut is None and page != zero[: len(page)]:
                try:
                    os.pwrite(target, page, came + at)
                except OSError as error:
                    cut = errno.errorcode.get(error.errno or 0, "error").lower()
                stored += len(page)
        came += len(data)
        if cut is None and stored - checked >= SPACE_STEP:
            checked = stored
            cut = None if has_space(directory, quota) else "quota"
        if cut is not None:
            break
    os.ftruncate(target, came)
    record: dict[str, object] = {"bytes_in": came, "bytes_stored": stored}
    return record | {"size": came, "truncated": cut is not None, "cut": cut}


def read_some(source: int) -> bytes:
    """Read whole pages from the pipe, less only at its end."""
    pieces = []
    size = 0
    while size < BUFFER and (piece := os.read(source, BUFFER - size)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def open_spool(path: str) -> tuple[int, int]:
    """Open ``pending`` and ``assets``, which only root and their owner may write."""
    found = []
    for name in ("pending", "assets"):
        fd = os.open(f"{path}/{name}", OPEN_DIRECTORY)
        if os.fstat(fd).st_mode & 0o022:
            raise PermissionError(errno.EPERM, "others can write in the spool", name)
        found.append(fd)
    return found[0], found[1]


def create(directory: int) -> int:
    """Create a file without a name."""
    return os.open(".", O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=directory)


def commit(directory: int, fd: int, name: str, owner: tuple[int, int]) -> None:
    """Put the file on the disk, then give it its name."""
    os.fchown(fd, *owner)
    os.fsync(fd)
    os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=directory, follow_symlinks=True)
    os.fsync(directory)


def notify(path: str, text: str) -> None:
    """Tell the daemon, if it is there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        with contextlib.suppress(OSError):
            sender.sendto(text.encode(), path)


def describe_crash(archive_id: str, arguments: dict[str, object]) -> bytes:
    """Return crash.json."""
    names = os.uname()
    record = {k: v for k, v in arguments.items() if k != "pidfd"}
    if isinstance(record["time"], int):
        record["time"] = record["time"] * 1_000_000_000
    record |= {"version": 1, "id": archive_id, "hostname": names.nodename}
    record |= {"realtime": time.time_ns(), "monotonic": time.monotonic_ns()}
    return json.dumps(record).encode("utf-8", "replace")


def archive(core: int, settings: dict[str, str], arguments: dict[str, object]) -> str:
    """Archive the crash whose core comes from ``core``; return its id."""
    started = time.monotonic_ns()
    pending, assets_directory = open_spool(settings["spool"])
    quota = int(settings["quota"].rstrip("%"))
    if not has_space(pending, quota):
        raise OSError(errno.ENOSPC, "quota")
    archive_id = os.urandom(16).hex()
    core_file, assets_file = create(pending), create(assets_directory)
    assets = Assets(assets_file, time.time_ns() // 1_000_000_000)
    assets.add("crash.json", describe_crash(archive_id, arguments))
    same = False
    try:
        directory = os.open(f"/proc/{arguments['pid']}", OPEN_DIRECTORY)
        same = arguments["pidfd"] is None or is_same_process(directory, arguments)
        if same:
            add_process(assets, directory, settings)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
    for name in SYSTEM_FILES:
        assets.add_file(None, f"/proc/{name}", f"system/{name}")
    assets.add("system/uname", os.fsencode("\n".join([*os.uname(), ""])))
    record = copy_sparse(core, core_file, pending, quota)
    os.close(core)
    record |= {"version": 1, "way": "pipe", "parked": time.monotonic_ns() - started}
    verdict = "passed" if same else "failed"
    check = {"name": "process", "result": verdict, "expected": "same process"}
    record["checks"] = [
        check | {"found": "same process" if same else "gone or another"}
    ]
    assets.add("capture.json", json.dumps(record).encode())
    write_all(assets_file, bytes(1024))
    uid, _, gid = settings.get("owner", "").partition(":")
    status = os.fstat(pending)
    owner = (int(uid), int(gid)) if gid else (status.st_uid, status.st_gid)
    # Until we end: whoever reads the spool now learns that a core may still come.
    with contextlib.suppress(OSError):
        fcntl.flock(assets_file, fcntl.LOCK_EX)
    commit(assets_directory, assets_file, archive_id, owner)
    commit(pending, core_file, archive_id, owner)
    return archive_id


def main() -> int:
    """Handle one crash."""
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    core = secure_descriptors()
    try:
        path, arguments = parse_arguments(sys.argv[1:])
    except ValueError:
        log("the arguments in kernel.core_pattern make no sense")
        return 2
    settings = read_settings(path)
    said = f"pid={arguments['pid']} signal={arguments['signal']}"
    try:
        archive_id = archive(core, settings, arguments)
    except (OSError, ValueError) as error:
        log(f"crash of pid {arguments['pid']} is not archived: {error}")
        notify(settings["socket"], f"refused {said}")
        return 1
    notify(settings["socket"], f"{archive_id} {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
