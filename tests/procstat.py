"""What procstat(1) of FreeBSD 13.2 prints about a core, and the same from our facts.

The oracle is the recorded text; ``render`` writes each of its sections again, word by
word, after ``usr.bin/procstat``. Columns are words: how wide they are says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.freebsd_strings import read_process_strings
from coresnap.elfcore.process_state import OpenFile, ProcessState, ProcessStrings

HEADINGS = {
    "PID COMM OSREL PATH": "-b",
    "PID COMM ARGS": "-c",
    "PID COMM ENVIRONMENT": "-e",
    "PID COMM FD T V FLAGS REF OFFSET PRO NAME": "-f",
    "PID COMM SIG FLAGS": "-i",
    "PID TID COMM SIG FLAGS": "-j",
    "PID TID COMM TDNAME KSTACK": "-k",
    "PID COMM RESOURCE VALUE": "-r",
    "PID COMM RLIMIT SOFT HARD": "-l",
    "PID COMM EUID RUID SVUID EGID RGID SVGID UMASK FLAGS GROUPS": "-s",
    "PID TID COMM TDNAME CPU PRI STATE WCHAN": "-t",
    "PID START END PRT RES PRES REF SHD FLAG TP PATH": "-v",
    "PID COMM AUXV VALUE": "-x",
    "LWPID EVENT SIGNO CODE ERRNO PID UID ADDR TDNAME": "-L",
}
"""Option by the line that its output begins with."""

Lines = list[list[str]]

_KINDS = {"vnode": "v", "socket": "s", "pipe": "p", "fifo": "f", "kqueue": "k"}
_KINDS |= {"shm": "h", "mqueue": "m", "pts": "t", "procdesc": "P"}
_VNODES = {"regular": "r", "directory": "d", "character": "c", "fifo": "f", "": "-"}
_FLAGS = zip(
    ("read", "write", "append", "async", "fsync", "nonblock", "direct", "lock"),
    "rwasfndl",
    strict=True,
)
_FLAG_LETTERS = tuple(_FLAGS)
_SIGNALS = (
    *("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "EMT", "FPE", "KILL", "BUS"),
    *("SEGV", "SYS", "PIPE", "ALRM", "TERM", "URG", "STOP", "TSTP", "CONT", "CHLD"),
    *("TTIN", "TTOU", "IO", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "INFO"),
    *("USR1", "USR2"),
)
_USAGE = (
    ("maximum RSS", "peak_resident", "KB"),
    ("integral shared memory", "shared_text", "KB"),
    ("integral unshared data", "unshared_data", "KB"),
    ("integral unshared stack", "unshared_stack", "KB"),
    ("page reclaims", "reclaims", ""),
    ("page faults", "faults", ""),
    ("swaps", "swaps", ""),
    ("block reads", "blocks_read", ""),
    ("block writes", "blocks_written", ""),
    ("messages sent", "messages_sent", ""),
    ("messages received", "messages_received", ""),
    ("signals received", "signals", ""),
    ("voluntary context switches", "voluntary_switches", ""),
    ("involuntary context switches", "involuntary_switches", ""),
)
_LIMITS = {
    "cpu": ("cputime", "sec"),
    "fsize": ("filesize", "B"),
    "data": ("datasize", "B"),
    "stack": ("stacksize", "B"),
    "core": ("coredumpsize", "B"),
    "rss": ("memoryuse", "B"),
    "memlock": ("memorylocked", "B"),
    "nproc": ("maxprocesses", ""),
    "nofile": ("openfiles", ""),
    "sbsize": ("sbsize", "B"),
    "vmem": ("vmemoryuse", "B"),
    "npts": ("pseudo-terminals", ""),
    "swap": ("swapuse", "B"),
    "kqueues": ("kqueues", ""),
    "umtxp": ("umtxp", ""),
}
_STATES = {"running": "run", "sleeping": "sleep", "stopped": "stop"}
_MAPPINGS = {"none": "--", "default": "df", "vnode": "vn", "swap": "sw"}
_MAPPINGS |= {"device": "dv", "physical": "ph", "guard": "gd"}
_AUXV = {
    **{3: "PHDR x", 4: "PHENT d", 5: "PHNUM d", 6: "PAGESZ d", 7: "BASE x"},
    **{8: "FLAGS d", 9: "ENTRY x", 15: "EXECPATH x", 16: "CANARY x"},
    **{17: "CANARYLEN d", 18: "OSRELDATE d", 19: "NCPUS d", 20: "PAGESIZES x"},
    **{21: "PAGESIZESLEN d", 22: "TIMEKEEP x", 23: "STACKPROT s", 24: "EHDRFLAGS d"},
    **{27: "BSDFLAGS x", 28: "ARGC d", 29: "ARGV x", 30: "ENVC d", 31: "ENVV x"},
    **{32: "PS_STRINGS x", 34: "KPRELOAD x", 35: "USRSTACKBASE x"},
    **{36: "USRSTACKLIM x"},
}
_PROT_EXEC = 4


def sections(path: Path) -> dict[str, Lines]:
    """The recorded output by option, as words, without headings."""
    found: dict[str, Lines] = {}
    lines: Lines = []
    for line in path.read_text().splitlines():
        words = line.split()
        if option := HEADINGS.get(" ".join(words)):
            lines = found.setdefault(option, [])
        elif not line.startswith(("---", "procstat:")):
            lines.append(words)
    return found


def render(core: CoreFile, option: str) -> Lines:
    """The same from what we read; ``-k`` is the kernel's stacks, which no core has."""
    state = core.facts.state
    assert state is not None
    if option == "-L":
        return [line.split() for line in _signal(core)]
    head = [str(state.pid)]
    if option in _OF_STATE:
        lines = _OF_STATE[option](state)
    else:
        head.append(state.command)
        lines = _OF_PROCESS[option](core, state)
    return [head + line.split() for line in lines]


def _binary(state: ProcessState) -> Iterator[str]:
    text = state.file_of("text")
    assert text is not None
    assert text.path is not None
    yield f"{state.program_release} {text.path.decode()}"


def _strings(core: CoreFile) -> ProcessStrings:
    return read_process_strings(core.memory, core.facts.start.ps_strings)


def _joined(strings: tuple[bytes, ...]) -> Iterator[str]:
    yield b" ".join(strings).decode()


def _file(file: OpenFile) -> str:
    name = file.role if file.descriptor is None else str(file.descriptor)
    flags = "".join(c if word in file.flags else "-" for word, c in _FLAG_LETTERS)
    references = "-" if file.references is None else str(file.references)
    offset = "-" if file.offset is None else str(file.offset)
    head = f"{name} {_KINDS[file.kind]} {_VNODES[file.vnode]} {flags}"
    return f"{head} {references} {offset} {_name(file)}"


def _name(file: OpenFile) -> str:
    if file.socket is None:
        return f"- {file.path.decode() if file.path else '-'}"
    end = file.socket
    protocol = "UDS" if end.domain == "unix" else end.protocol.upper()
    queues = f" {end.received} {end.sent}" if end.type == "stream" else ""
    if end.domain == "unix":
        return f"{protocol}{queues} {end.local if end.local != '-' else end.peer}"
    return f"{protocol}{queues} {end.local} {end.peer}"


def _process_signals(state: ProcessState) -> Iterator[str]:
    pending = state.threads[0].pending
    for number in range(1, 129):
        flags = [
            "P" if number in pending else "-",
            "I" if number in state.ignored else "-",
            "C" if number in state.caught else "-",
        ]
        yield f"{_signal_name(number)} {''.join(flags)}"


def _thread_signals(state: ProcessState) -> Iterator[str]:
    for thread in state.threads:
        for number in range(1, 129):
            flags = "P" if number in thread.pending else "-"
            flags += "B" if number in thread.blocked else "-"
            yield f"{thread.tid} {state.command} {_signal_name(number)} {flags}"


def _signal_name(number: int) -> str:
    return _SIGNALS[number - 1] if number <= len(_SIGNALS) else str(number)


def _usage(state: ProcessState) -> Iterator[str]:
    usage = state.threads[0].usage
    for name, seconds in (("user time", usage.user), ("system time", usage.system)):
        whole, micro = divmod(round(seconds * 10**6), 10**6)
        hours, minutes = whole // 3600, whole // 60 % 60
        yield f"{name} {hours:02}:{minutes:02}:{whole % 60:02}.{micro:06}"
    for name, field, unit in _USAGE:
        yield f"{name} {getattr(usage, field)} {unit}"


def _limits(state: ProcessState) -> Iterator[str]:
    for limit in state.limits:
        name, unit = _LIMITS[limit.name]
        yield f"{name} {_humanized(limit.soft, unit)} {_humanized(limit.hard, unit)}"


def _humanized(value: int | None, unit: str) -> str:
    """humanize_number(3) with room for seven digits."""
    if value is None:
        return "infinity"
    scale = 0
    while round(value / 1024**scale) >= 10**7:
        scale += 1
    return f"{round(value / 1024**scale)} {'KMGT'[scale - 1] if scale else ''}{unit}"


def _credentials(state: ProcessState) -> Iterator[str]:
    ids = state.credentials
    assert ids is not None
    assert state.umask is not None
    users = f"{ids.effective_user} {ids.user} {ids.saved_user}"
    groups = f"{ids.effective_group} {ids.group} {ids.saved_group}"
    flags = "C" if ids.is_confined else "-"
    listed = ",".join(map(str, state.groups))
    yield f"{users} {groups} {state.umask:03o} {flags} {listed}"


def _threads(state: ProcessState) -> Iterator[str]:
    for t in state.threads:
        # A name that is the program's own is none (ki_tdname).
        name = "-" if t.name == state.command else t.name
        # Threads that were stopped for the dump have no processor.
        processor = -1 if t.processor is None else t.processor
        waits = t.waits_for or "-"
        state_name = _STATES[t.state]
        yield (
            f"{t.tid} {state.command} {name} {processor} {t.priority} {state_name}"
            f" {waits}"
        )


def _mappings(state: ProcessState) -> Iterator[str]:
    for m in state.mappings:
        growth = "U" if "grows-up" in m.flags else "-"
        flags = [
            "C" if "copy-on-write" in m.flags else "-",
            "N" if "needs-copy" in m.flags else "-",
            "S" if "superpages" in m.flags else "-",
            "D" if "grows-down" in m.flags else growth,
            "W" if "wired" in m.flags else "-",
        ]
        counts = (m.resident, m.private_resident, m.references, m.shadows)
        numbers = " ".join(map(str, counts))
        yield (
            f"{m.start:#x} {m.end:#x} {m.permissions} {numbers} {''.join(flags)}"
            f" {_MAPPINGS[m.kind]} {m.path.decode()}"
        )


def _auxv(core: CoreFile) -> Iterator[str]:
    for kind, value in core.auxv.items():
        name, form = _AUXV[kind].split()
        text = f"{value:#x}" if form == "x" else str(value)
        if form == "s":
            text = "EXECUTABLE" if value & _PROT_EXEC else "NONEXECUTABLE"
        yield f"AT_{name} {text}"


def _signal(core: CoreFile) -> Iterator[str]:
    signal = core.signal
    assert signal is not None
    for index, thread in enumerate(core.threads):
        said = "none - - - - - -"
        if index == 0:
            pid, uid = signal.sender_pid or 0, signal.sender_uid or 0
            said = f"signal {signal.number} {signal.code} 0 {pid} {uid}"
            said += f" {signal.address or 0:#x}"
        yield f"{thread.tid} {said} {thread.name}"


_OF_STATE: dict[str, Callable[[ProcessState], Iterator[str]]] = {
    "-v": _mappings,
    "-t": _threads,
    "-j": _thread_signals,
}
_OF_PROCESS: dict[str, Callable[[CoreFile, ProcessState], Iterator[str]]] = {
    "-b": lambda _, state: _binary(state),
    "-c": lambda core, _: _joined(_strings(core).arguments),
    "-e": lambda core, _: _joined(_strings(core).environment),
    "-f": lambda _, state: map(_file, state.files),
    "-i": lambda _, state: _process_signals(state),
    "-r": lambda _, state: _usage(state),
    "-l": lambda _, state: _limits(state),
    "-s": lambda _, state: _credentials(state),
    "-x": lambda core, _: _auxv(core),
}
"""These begin with the pid and the command."""
