"""The paragraph leads with what is most certain and useful, and stays readable."""

from __future__ import annotations

import msgspec

from coresnap.analysis.signals import explain_signal
from coresnap.analysis.summary import summarise
from coresnap.model import Classifier, Frame, Thread, Trust, UnwindEnd

SEGV = explain_signal("Linux", 11, 1, 0x10)
FREED = Classifier(
    "use-after-free", "strong", (), 1, summary="wrote 1 byte to freed memory"
)
WRITE = Classifier("memory.write", "certain", (), 1, summary="wrote 1 byte to 0x10")
SIGNAL = Classifier("segv", "certain", ("SIGSEGV",), 1)
FLIP = Classifier("bit-flip", "hint", (), 1, summary="met a flipped bit in rax")
FRAMES = (
    Frame(0x1, Trust.CONTEXT, function="__libc_strlen", module="/lib/libc.so.6"),
    Frame(0x2, Trust.CFI, function="run", file="/src/a/run.c", line=7),
)
THREAD = Thread(1, True, UnwindEnd.OUTERMOST, frames=FRAMES)


def paragraph(*classifiers: Classifier, threads: tuple[Thread, ...] = (THREAD,)) -> str:
    return summarise("victim", SEGV, threads, classifiers)


def test_a_cause_leads_and_what_it_explains_follows() -> None:
    text = paragraph(SIGNAL, WRITE, FREED)
    assert text.startswith(
        "victim wrote 1 byte to freed memory. It wrote 1 byte to 0x10. "
    )


def test_hints_and_circumstances_are_not_told_beside_a_cause() -> None:
    where = Classifier("memory.unmapped", "certain", (), 1, summary="met nothing there")
    text = paragraph(FLIP, where, FREED)
    assert "flipped" not in text
    assert "nothing there" not in text


def test_the_place_is_the_programs_own_and_what_it_called() -> None:
    text = paragraph(FREED)
    assert text.endswith("It happened in run (run.c:7), in a call of strlen.")


def test_the_innermost_function_is_the_place_if_no_library_was_called() -> None:
    own = msgspec.structs.replace(THREAD, frames=FRAMES[1:])
    assert paragraph(FREED, threads=(own,)).endswith("It happened in run (run.c:7).")
    alien = msgspec.structs.replace(THREAD, frames=FRAMES[:1])
    text = paragraph(FREED, threads=(alien,))
    assert text.endswith("It happened in __libc_strlen (libc.so.6).")


def test_a_function_without_a_name_is_a_place_in_its_module() -> None:
    nameless = Frame(2, Trust.CFI, module="/opt/libffi.so.8", module_offset=0x7E2E)
    thread = msgspec.structs.replace(THREAD, frames=(FRAMES[0], nameless))
    text = paragraph(FREED, threads=(thread,))
    assert text.endswith("It happened in libffi.so.8+0x7e2e, in a call of strlen.")


def test_a_doubtful_conclusion_does_not_lead() -> None:
    text = paragraph(SIGNAL, FLIP, threads=())
    assert text.startswith("victim was stopped by SIGSEGV (the address is not mapped).")
    assert text.endswith("Perhaps it met a flipped bit in rax.")


def test_nothing_concluded_is_said_by_the_signal() -> None:
    assert paragraph(SIGNAL, threads=()) == (
        "victim was stopped by SIGSEGV (the address is not mapped)."
    )
    assert summarise("victim", None, (), ()) == (
        "victim was alive when this core was taken."
    )


def test_one_of_many_threads_is_named() -> None:
    other = msgspec.structs.replace(THREAD, tid=2, crashed=False)
    named = msgspec.structs.replace(THREAD, name="worker")
    assert "in thread 1 “worker” of 2." in paragraph(FREED, threads=(named, other))


def test_an_endless_name_does_not_make_an_endless_paragraph() -> None:
    endless = msgspec.structs.replace(FREED, summary="x" * 100_000)
    assert len(paragraph(endless)) <= 1200
