"""What a core's notes say about the process beside threads, signal and registers.

The same words for every operating system; what a system does not keep in its cores is
None or empty.
"""

from __future__ import annotations

import msgspec

__all__ = [
    "Clock",
    "Credentials",
    "Limit",
    "MappingState",
    "OpenFile",
    "ProcessState",
    "ProcessStrings",
    "Socket",
    "ThreadState",
    "Usage",
    "WatchedEvent",
]


class Socket(msgspec.Struct, frozen=True):
    """The socket behind a descriptor."""

    domain: str
    """``unix``, ``inet``, ``inet6``, …; the number of one that is not known."""
    type: str
    """``stream``, ``datagram``, ``raw``, ``rdm`` or ``seqpacket``; or the number."""
    protocol: str
    """``tcp``, ``udp``, …, the number of another; empty for the domain's own."""
    local: str
    """``*:80``, ``127.0.0.1:80``, ``::1.80``, a path, or ``-`` for none; as
    procstat(1) writes it. Empty where it is of another domain."""
    peer: str
    received: int
    """Bytes that wait to be read."""
    sent: int
    """Bytes that wait to be sent."""


class OpenFile(msgspec.Struct, frozen=True):
    """A file that the process held, by a descriptor or otherwise."""

    descriptor: int | None
    """None for one that no descriptor holds: its ``role`` says what does."""
    role: str
    """``text`` (the executable), ``cwd``, ``root``, ``jail``, ``trace`` or
    ``terminal``; empty for a descriptor."""
    kind: str
    """``vnode``, ``socket``, ``pipe``, ``kqueue``, …"""
    vnode: str
    """Of a vnode: ``regular``, ``directory``, ``character``, ``block``, ``link``,
    ``socket``, ``fifo`` or ``bad``; else empty."""
    flags: tuple[str, ...]
    """``read``, ``write``, ``append``, ``async``, ``fsync``, ``nonblock``, ``direct``,
    ``lock``, …"""
    references: int | None
    """How many descriptors, of all processes, share it."""
    offset: int | None
    path: bytes | None
    """As the kernel named it; None where it knew none, which does not mean that the
    file was gone."""
    socket: Socket | None = None
    size: int | None = None
    """Bytes of a regular file."""
    pid: int | None = None
    """Of the process that a process descriptor is for."""


class MappingState(msgspec.Struct, frozen=True):
    """A mapping by the kernel's own list, with what it knew about its pages."""

    start: int
    end: int
    offset: int
    """Bytes into the file."""
    permissions: str
    """``r``, ``w``, ``x``, or ``-`` for what is not allowed."""
    kind: str
    """``default``, ``vnode``, ``swap``, ``device``, ``physical``, ``guard``, …"""
    flags: tuple[str, ...]
    """``copy-on-write``, ``needs-copy``, ``no-core``, ``superpages``, ``grows-up``,
    ``grows-down``, ``wired``, …"""
    resident: int
    """Pages."""
    private_resident: int
    """Pages."""
    references: int
    shadows: int
    path: bytes
    """Empty for memory of no file, and where the kernel knew none."""
    file_size: int | None = None
    """Bytes of the regular file behind it when the core was written."""


class Limit(msgspec.Struct, frozen=True):
    """A limit on a resource; None is unlimited. Its unit is that of setrlimit(2)."""

    name: str
    """As after ``RLIMIT_``, in small letters: ``cpu``, ``nofile``, …"""
    soft: int | None
    hard: int | None


class Usage(msgspec.Struct, frozen=True):
    """What was used until the crash: getrusage(2)."""

    user: float
    """Seconds of processor time."""
    system: float
    """The same, in the kernel."""
    peak_resident: int
    """KiB, of the whole process."""
    shared_text: int
    """KiB times ticks of the clock, as the next two."""
    unshared_data: int
    unshared_stack: int
    reclaims: int
    """Page faults without reading, and ``faults`` those with."""
    faults: int
    swaps: int
    blocks_read: int
    blocks_written: int
    messages_sent: int
    messages_received: int
    signals: int
    voluntary_switches: int
    involuntary_switches: int


class ThreadState(msgspec.Struct, frozen=True):
    """One thread as the scheduler saw it."""

    tid: int
    name: str
    """The program's where it has none of its own."""
    state: str
    """``running``, ``sleeping``, ``stopped``, ``waiting``, ``locked``, ``idle`` or
    ``zombie``; the number of another."""
    waits_for: str
    """The kernel's word for it, with ``*`` before a lock's; empty for nothing."""
    processor: int | None
    """Where it was running; None if it was not."""
    last_processor: int | None
    priority: int
    """The kernel's: the lower, the sooner."""
    usage: Usage
    pending: frozenset[int] = frozenset()
    """Signals sent to this thread and not delivered."""
    blocked: frozenset[int] = frozenset()


class WatchedEvent(msgspec.Struct, frozen=True):
    """An event that the process asked a kqueue for: kevent(2)."""

    kqueue: int
    """Descriptor of the kqueue."""
    filter: str
    """As after ``EVFILT_``, in small letters; the number of another."""
    ident: int
    """What is watched: by its filter a descriptor, a process, a signal, …"""
    status: tuple[str, ...]
    """``active``, ``queued``, ``disabled``, ``detached``, ``kqueue``."""
    path: bytes | None = None
    """Of a vnode."""


class Credentials(msgspec.Struct, frozen=True):
    """Whose process it was."""

    user: int
    """The real one."""
    effective_user: int
    saved_user: int
    group: int
    effective_group: int
    saved_group: int
    is_set_id: bool
    """It has changed its user or group, or its program does."""
    is_confined: bool
    """It could open nothing by name any more (Capsicum)."""


class ProcessState(msgspec.Struct, frozen=True, eq=False):
    """The process at the moment of the dump; None or empty is unknown."""

    pid: int | None = None
    parent: int | None = None
    process_group: int | None = None
    session: int | None = None
    jail: int | None = None
    """The jail's number; 0 outside of any."""
    command: str = ""
    login: str = ""
    """Name that the session's user gave."""
    login_class: str = ""
    emulation: str = ""
    """Whose system calls it spoke: ``FreeBSD ELF64``, ``Linux ELF64``, …"""
    start_time: float | None = None
    """Seconds since the epoch, UTC."""
    nice: int | None = None
    flags: int | None = None
    """The kernel's p_flag, uninterpreted."""
    thread_count: int | None = None
    """By the kernel, whatever the core has."""
    virtual_size: int | None = None
    """Bytes."""
    resident_pages: int | None = None
    text_pages: int | None = None
    data_pages: int | None = None
    stack_pages: int | None = None
    credentials: Credentials | None = None
    groups: tuple[int, ...] = ()
    """The effective one first."""
    umask: int | None = None
    program_release: int | None = None
    """The system that the program was built for; on FreeBSD as ``1302001``, 0 where
    the program does not say."""
    kernel_release: int | None = None
    """The system that it ran on, in the same form."""
    limits: tuple[Limit, ...] = ()
    files: tuple[OpenFile, ...] = ()
    """In the order of the notes: first what no descriptor holds."""
    threads: tuple[ThreadState, ...] = ()
    """In the process's own order."""
    mappings: tuple[MappingState, ...] = ()
    """By start address."""
    ignored: frozenset[int] = frozenset()
    """Signals."""
    caught: frozenset[int] = frozenset()
    """Signals that have a handler."""
    kqueue_events: int | None = None
    """How many events its kqueues were asked for."""
    watched: tuple[WatchedEvent, ...] = ()
    """Those events."""
    problems: tuple[str, ...] = ()
    """What the reader should know about damaged notes."""

    def file_of(self, role: str) -> OpenFile | None:
        """What the process held as its ``text``, ``cwd``, …"""
        return next((file for file in self.files if file.role == role), None)


class Clock(msgspec.Struct, frozen=True):
    """What time the machine had when the core was written."""

    boot: float
    """Seconds since the epoch, UTC."""
    uptime: float
    """Seconds since the boot."""

    @property
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return self.boot + self.uptime


class ProcessStrings(msgspec.Struct, frozen=True):
    """Arguments and environment, as they lie in the process's own memory.

    The process may have changed them, as setproctitle(3) does.
    """

    arguments: tuple[bytes, ...] = ()
    environment: tuple[bytes, ...] = ()
    """``NAME=value`` each."""
    problems: tuple[str, ...] = ()
