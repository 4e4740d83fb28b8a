"""Finds the fault that ended a process, also behind a handler that gave up, or one that
sent its signal again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from coresnap.analysis.instruction.failed_instruction import BAD, with_instruction
from coresnap.analysis.instruction.families import family
from coresnap.analysis.instruction.fault import Fault
from coresnap.analysis.instruction.freebsd_traps import exception_of
from coresnap.analysis.instruction.machine import Machine, Trap
from coresnap.analysis.signals import explain_signal, is_fault, is_sent
from coresnap.analysis.unwind.stack import Stack
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.facts import SignalInfo
from coresnap.model import Signal

if TYPE_CHECKING:
    from coresnap.analysis.instruction.interrupted import Interrupted

__all__ = ["find_fault"]

_PRESENT, _MAPERR, _ACCERR = 1, 1, 2
_WITHOUT_SIGINFO = {
    "Linux": {0: (8, 1), 6: (4, 2), 13: (11, 128), 14: (11, _MAPERR)},
    "FreeBSD": {0: (8, 2), 6: (4, 5), 13: (10, 3), 14: (11, _MAPERR)},
}
"""Exception of x86 to signal and si_code, by system."""


def find_fault(
    core: CoreFile, signal: Signal | None, stacks: Sequence[Stack]
) -> Fault | None:
    """The fault that ended the process; None for a signal that was sent, for an abort
    outside a handler of a fault, and for a process that lives.

    A handler may return after it sent the fault's signal again, or let it be: then the
    signal that ended the process is a sent one, and comes at the instruction that
    failed, below whose stack the handled signal's frame is left.
    """
    if signal is None or not core.threads:
        return None
    if is_fault(signal.name) and signal.sender_pid is None:
        machine = Machine(core.architecture, core.threads[0].registers)
        if machine.pc is None:
            return None
        trap = Trap(exception_of(core.signal.trap if core.signal else None))
        return with_instruction(
            core, Fault(signal, machine, trap=trap, siginfo=core.signal)
        )
    return next(_handled(core, signal, stacks), None)


def _handled(
    core: CoreFile, signal: Signal, stacks: Sequence[Stack]
) -> Iterator[Fault]:
    """Faults that were being handled, the last one first, or that had been."""
    from coresnap.analysis.instruction.interrupted import (
        interrupted_frames,
        left_frames,
    )

    for stack in stacks[:1]:
        yield from _explained_frames(core, stack, interrupted_frames(core, stack))
    if not is_fault(signal.name) or not stacks or not stacks[0].frames:
        return
    if signal.sender_pid is not None and signal.sender_pid == core.process.pid:
        left = left_frames(core, core.threads[0].registers)
        for fault in _explained_frames(core, stacks[0], left):
            if fault.signal.number == signal.number:
                yield fault


def _explained_frames(
    core: CoreFile, stack: Stack, interrupted: Iterable[Interrupted]
) -> Iterator[Fault]:
    """The faults among what signals interrupted."""
    by_exception = _WITHOUT_SIGINFO.get(core.system, {})
    for found in interrupted:
        machine = Machine(core.architecture, stack.frames[found.frame].registers)
        info, trap = found.signal, found.trap
        signal = None if info is None else _explained(core, info)
        if signal is not None and trap.fits(signal.name, signal.address):
            fault = Fault(signal, machine, found.frame, trap, info)
            fault = with_instruction(core, fault)
            if _agrees(fault):
                yield fault
        elif trap.number in by_exception:
            raised = by_exception[trap.number]
            signal = _explained(core, _siginfo_of(raised, trap, machine))
            assert signal is not None
            fault = with_instruction(core, Fault(signal, machine, found.frame, trap))
            if _proves_itself(fault):
                yield fault


def _explained(core: CoreFile, info: SignalInfo) -> Signal | None:
    """What a siginfo means; None if the signal was sent."""
    code = info.code or 0
    signal = explain_signal(
        core.system, info.number, code, info.address, trap=info.trap
    )
    sent = code <= 0 or is_sent(core.system, code)
    return signal if not sent and is_fault(signal.name) else None


def _siginfo_of(raised: tuple[int, int], trap: Trap, machine: Machine) -> SignalInfo:
    """What the kernel said, for a handler that did not ask for it (SA_SIGINFO)."""
    number, code = raised
    if trap.kind is None:
        return SignalInfo(number, code, machine.pc)
    code = _ACCERR if (trap.error or 0) & _PRESENT else _MAPERR
    return SignalInfo(number, code, trap.address)


def _agrees(fault: Fault) -> bool:
    """Whether nothing of the instruction speaks against the siginfo, which may be an
    older one: without SA_SIGINFO the kernel leaves on the stack what was there."""
    if fault.decoded is None:
        return True
    if fault.signal.name in ("SIGSEGV", "SIGBUS"):
        return fault.access is not None or fault.kernel_address is None
    if fault.signal.code_name == "FPE_INTDIV":
        return family(fault.machine).divides(fault.decoded)
    return True


def _proves_itself(fault: Fault) -> bool:
    """Whether the instruction does what the exception is about, of which nobody says
    that it is the last one."""
    if fault.access is not None:
        return fault.kernel_address == fault.trap.address or fault.trap.kind is None
    if fault.signal.name == "SIGFPE":
        return _agrees(fault) and fault.decoded is not None
    text = fault.instruction.text if fault.instruction is not None else ""
    return fault.signal.name == "SIGILL" and text.startswith(("ud", BAD))
