"""Names and meanings of signals and si_codes, by the system that raised them.

Numbers are those of the dead process's system, never the host's. Sources: Linux
``include/uapi/asm-generic/{signal,siginfo}.h``; FreeBSD ``sys/sys/signal.h``, and what
traps become in ``sys/amd64/amd64/trap.c``.
"""

from __future__ import annotations

import msgspec

from coresnap.model import Signal

__all__ = ["explain_signal", "is_fault", "is_sent"]

_COMMON = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    5: "SIGTRAP",
    6: "SIGABRT",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    13: "SIGPIPE",
    14: "SIGALRM",
    15: "SIGTERM",
    21: "SIGTTIN",
    22: "SIGTTOU",
    24: "SIGXCPU",
    25: "SIGXFSZ",
    26: "SIGVTALRM",
    27: "SIGPROF",
    28: "SIGWINCH",
}
_LINUX = _COMMON | {
    7: "SIGBUS",
    10: "SIGUSR1",
    12: "SIGUSR2",
    16: "SIGSTKFLT",
    17: "SIGCHLD",
    18: "SIGCONT",
    19: "SIGSTOP",
    20: "SIGTSTP",
    23: "SIGURG",
    29: "SIGIO",
    30: "SIGPWR",
    31: "SIGSYS",
}
_FREEBSD = _COMMON | {
    7: "SIGEMT",
    10: "SIGBUS",
    12: "SIGSYS",
    16: "SIGURG",
    17: "SIGSTOP",
    18: "SIGTSTP",
    19: "SIGCONT",
    20: "SIGCHLD",
    23: "SIGIO",
    29: "SIGINFO",
    30: "SIGUSR1",
    31: "SIGUSR2",
    32: "SIGTHR",
    33: "SIGLIBRT",
}
_NAMES = {"Linux": _LINUX, "FreeBSD": _FREEBSD}

_SENT_LINUX = {
    0: "SI_USER",
    -1: "SI_QUEUE",
    -2: "SI_TIMER",
    -3: "SI_MESGQ",
    -4: "SI_ASYNCIO",
    -5: "SI_SIGIO",
    -6: "SI_TKILL",
}
_SENT_FREEBSD = {
    0x10001: "SI_USER",
    0x10002: "SI_QUEUE",
    0x10003: "SI_TIMER",
    0x10004: "SI_ASYNCIO",
    0x10005: "SI_MESGQ",
    0x10007: "SI_LWP",
}
_SEGV = {
    1: ("SEGV_MAPERR", "the address is not mapped"),
    2: ("SEGV_ACCERR", "the mapping does not allow this access"),
}
_BUS = {
    1: ("BUS_ADRALN", "the address is not aligned for this access"),
    2: ("BUS_ADRERR", "there is no memory behind the address"),
    3: ("BUS_OBJERR", "the object behind the address failed"),
}
_LINUX_CODES: dict[str, dict[int, tuple[str, str]]] = {
    "SIGILL": {
        1: ("ILL_ILLOPC", "illegal opcode"),
        2: ("ILL_ILLOPN", "illegal operand"),
        3: ("ILL_ILLADR", "illegal addressing mode"),
        4: ("ILL_ILLTRP", "illegal trap"),
        5: ("ILL_PRVOPC", "privileged opcode"),
        6: ("ILL_PRVREG", "privileged register"),
        7: ("ILL_COPROC", "coprocessor error"),
        8: ("ILL_BADSTK", "internal stack error"),
    },
    "SIGFPE": {
        1: ("FPE_INTDIV", "integer division by zero or out of range"),
        2: ("FPE_INTOVF", "integer overflow"),
        3: ("FPE_FLTDIV", "floating-point division by zero"),
        4: ("FPE_FLTOVF", "floating-point overflow"),
        5: ("FPE_FLTUND", "floating-point underflow"),
        6: ("FPE_FLTRES", "inexact floating-point result"),
        7: ("FPE_FLTINV", "invalid floating-point operation"),
        8: ("FPE_FLTSUB", "subscript out of range"),
    },
    "SIGSEGV": _SEGV
    | {
        3: ("SEGV_BNDERR", "the bounds check failed"),
        4: ("SEGV_PKUERR", "the protection key does not allow this access"),
        5: ("SEGV_ACCADI", "ADI is not enabled for the mapping"),
        6: ("SEGV_ADIDERR", "disrupting ADI mismatch"),
        7: ("SEGV_ADIPERR", "precise ADI mismatch"),
        8: ("SEGV_MTEAERR", "asynchronous memory tag mismatch"),
        9: ("SEGV_MTESERR", "memory tag mismatch"),
        10: ("SEGV_CPERR", "control-flow protection fault"),
    },
    "SIGBUS": _BUS
    | {
        4: ("BUS_MCEERR_AR", "the hardware found a memory error in use"),
        5: ("BUS_MCEERR_AO", "the hardware found a memory error not yet in use"),
    },
    "SIGTRAP": {
        1: ("TRAP_BRKPT", "breakpoint"),
        2: ("TRAP_TRACE", "single step"),
        3: ("TRAP_BRANCH", "taken branch"),
        4: ("TRAP_HWBKPT", "hardware breakpoint"),
    },
    "SIGSYS": {1: ("SYS_SECCOMP", "seccomp forbids this system call")},
}
_FREEBSD_CODES: dict[str, dict[int, tuple[str, str]]] = {
    "SIGILL": _LINUX_CODES["SIGILL"],
    "SIGFPE": {
        1: ("FPE_INTOVF", "integer overflow"),
        2: ("FPE_INTDIV", "integer division by zero or out of range"),
        **{n: _LINUX_CODES["SIGFPE"][n] for n in range(3, 9)},
    },
    "SIGSEGV": _SEGV | {100: ("SEGV_PKUERR", "the protection key forbids it")},
    "SIGBUS": _BUS | {100: ("BUS_OOMERR", "the system ran out of memory")},
    "SIGTRAP": {
        1: ("TRAP_BRKPT", "breakpoint"),
        2: ("TRAP_TRACE", "single step"),
        3: ("TRAP_DTRACE", "DTrace induced trap"),
    },
}
_CODES = {"Linux": _LINUX_CODES, "FreeBSD": _FREEBSD_CODES}
_SENT = {"Linux": _SENT_LINUX, "FreeBSD": _SENT_FREEBSD}
_SI_KERNEL = {"Linux": 128, "FreeBSD": 0x10006}
_PROTECTION = "general protection fault: a non-canonical address or privileged act"
_FREEBSD_PAGE_FAULT = 12
"""T_PAGEFLT: the only trap whose siginfo has the address of data."""
_FAULTS = frozenset({"SIGILL", "SIGTRAP", "SIGFPE", "SIGSEGV", "SIGBUS", "SIGSYS"})
_WITH_ADDRESS = frozenset({"SIGILL", "SIGTRAP", "SIGFPE", "SIGSEGV", "SIGBUS"})
_PLAIN = {
    "SIGABRT": "the process gave up (abort)",
    "SIGQUIT": "someone asked for a core",
    "SIGXCPU": "the CPU time limit was reached",
    "SIGXFSZ": "the file size limit was reached",
}


def is_fault(name: str) -> bool:
    """Whether the hardware or the kernel raises signal ``name`` at an instruction."""
    return name in _FAULTS


def explain_signal(
    system: str,
    number: int,
    code: int | None,
    address: int | None,
    sender: tuple[int | None, int | None] = (None, None),
    pid: int | None = None,
    trap: int | None = None,
) -> Signal:
    """Name a signal as the crashed ``system`` (``Linux``, ``FreeBSD``) means it.

    ``sender`` is (pid, uid), ``pid`` the process's own, ``trap`` the siginfo's. The
    address is dropped where the code says that the kernel did not fill it in: for
    signals that were sent, and for ``SI_KERNEL``.
    """
    name = _NAMES.get(system, _LINUX).get(number) or _real_time_name(system, number)
    plain = Signal(number, name, code, description=_PLAIN.get(name, ""))
    if code is None:
        return plain
    if code == _SI_KERNEL.get(system):
        return _from_kernel(plain, system)
    if system == "FreeBSD" and code == 0:
        return msgspec.structs.replace(plain, code_name="SI_NOINFO")
    sent = _SENT.get(system, _SENT_LINUX).get(code)
    if sent is not None:
        return _sent(plain, sent, sender, pid)
    code_name, meaning = _CODES.get(system, {}).get(name, {}).get(code, (None, ""))
    other_trap = system == "FreeBSD" and trap not in (None, _FREEBSD_PAGE_FAULT)
    if other_trap and code_name in ("BUS_ADRERR", "BUS_OBJERR"):
        meaning = _PROTECTION
    return msgspec.structs.replace(
        plain,
        code_name=code_name,
        address=address if name in _WITH_ADDRESS else None,
        description=meaning or plain.description,
    )


def is_sent(system: str, code: int) -> bool:
    """Whether somebody sent the signal, and no instruction failed."""
    return code in _SENT_FREEBSD if system == "FreeBSD" else code <= 0


def _from_kernel(signal: Signal, system: str) -> Signal:
    meaning = signal.description
    if signal.name in {"SIGSEGV", "SIGBUS"} and system == "Linux":
        meaning = _PROTECTION
    elif signal.name == "SIGSYS":
        meaning = "there is no such system call"
    return msgspec.structs.replace(signal, code_name="SI_KERNEL", description=meaning)


def _sent(
    signal: Signal, code: str, sender: tuple[int | None, int | None], own: int | None
) -> Signal:
    pid, uid = sender
    meaning = signal.description
    if own is not None and pid is not None and pid != own:
        meaning = ""  # abort() was not what ended it
    if not meaning:
        who = f"process {pid}" if pid is not None else "a process"
        meaning = f"sent by {who}" + (f" of user {uid}" if uid is not None else "")
    return msgspec.structs.replace(
        signal, code_name=code, sender_pid=pid, sender_uid=uid, description=meaning
    )


def _real_time_name(system: str, number: int) -> str:
    first, last = (65, 126) if system == "FreeBSD" else (34, 64)
    if first <= number <= last:
        return f"SIGRTMIN+{number - first}" if number > first else "SIGRTMIN"
    return f"signal {number}"
