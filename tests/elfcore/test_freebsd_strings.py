"""Arguments and environment through struct ps_strings, believed with care."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import freebsd_corewriter as w
from coresnap.elfcore.corefile import open_core
from coresnap.elfcore.freebsd_strings import read_process_strings
from coresnap.elfcore.memory import Memory

TARGETS = {"x86-64": w.AMD64, "i386": w.I386}
BASE = 0x7000_0000
POINTERS, STRINGS = BASE + 0x100, BASE + 0x800

on_every_target = pytest.mark.parametrize("name", TARGETS)


@contextmanager
def memory(tmp_path: Path, target: w.Target, data: bytes) -> Iterator[Memory]:
    path = tmp_path / "core"
    notes = [w.prstatus(target, tid=1, registers={})]
    path.write_bytes(
        w.write_core(target, notes=notes, segments=[w.Segment(BASE, data)])
    )
    with open_core(path) as core:
        yield core.memory


def stack(
    target: w.Target,
    arguments: list[bytes],
    environment: list[bytes],
    counts: tuple[int, int] | None = None,
) -> bytes:
    """struct ps_strings at BASE, the pointers and the strings behind it."""
    places, strings = [], b""
    for text in [*arguments, *environment]:
        places.append(STRINGS + len(strings))
        strings += text + b"\0"
    arrays = [*places[: len(arguments)], 0, *places[len(arguments) :], 0]
    first, second = counts or (len(arguments), len(environment))
    environ = POINTERS + target.word * (len(arguments) + 1)
    head = target.pack(
        "PIxxxxPI" if target.bits == 64 else "PIPI", POINTERS, first, environ, second
    )
    data = head.ljust(0x100, b"\xff")
    data += target.pack(f"{len(arrays)}P", *arrays)
    return data.ljust(0x800, b"\0") + strings


@on_every_target
def test_arguments_and_environment_are_read(tmp_path: Path, name: str) -> None:
    target = TARGETS[name]
    data = stack(target, [b"prog", b"two words", b""], [b"A=1", b"B=\xff"])
    with memory(tmp_path, target, data) as found:
        strings = read_process_strings(found, BASE)
    assert strings.arguments == (b"prog", b"two words", b"")
    assert strings.environment == (b"A=1", b"B=\xff")
    assert strings.problems == ()


@on_every_target
def test_counts_that_lie_end_at_the_first_pointer_to_nothing(
    tmp_path: Path, name: str
) -> None:
    target = TARGETS[name]
    data = stack(target, [b"prog"], [b"A=1"], counts=(0xFFFFFFFF, 2))
    with memory(tmp_path, target, data) as found:
        strings = read_process_strings(found, BASE)
    assert strings.arguments == (b"prog",)
    assert strings.environment == (b"A=1",)
    assert strings.problems == (
        "only 1 strings of the arguments could be read",
        "only 1 strings of the environment could be read",
    )


def test_a_string_that_never_ends_is_cut_and_counts_for_all(tmp_path: Path) -> None:
    target = w.AMD64
    data = stack(target, [b"x" * (2 << 20)], [b"A=1"])
    with memory(tmp_path, target, data) as found:
        strings = read_process_strings(found, BASE)
    assert sum(map(len, strings.arguments)) == 1 << 20
    assert strings.environment == ()
    assert strings.problems == ("only 0 strings of the environment could be read",)


def test_many_pointers_to_one_long_string_are_bounded(tmp_path: Path) -> None:
    target = w.AMD64
    text = STRINGS + 0x80000
    head = target.pack("PIxxxxPI", POINTERS, 60_000, 0, 0).ljust(0x100, b"\0")
    data = head + target.pack("60000P", *[text] * 60_000)
    data = data.ljust(text - BASE, b"\0") + b"y" * 100_000 + b"\0"
    with memory(tmp_path, target, data) as found:
        strings = read_process_strings(found, BASE)
    assert sum(map(len, strings.arguments)) <= 1 << 20


def test_without_its_memory_the_core_says_so(tmp_path: Path) -> None:
    with memory(tmp_path, w.AMD64, bytes(64)) as found:
        strings = read_process_strings(found, 0xDEAD_0000)
        nothing = read_process_strings(found, None)
        cut = read_process_strings(found, BASE + 64 - 8)
    said = ("the core does not have the strings of arguments and environment",)
    assert strings.problems == cut.problems == said
    assert strings.arguments == strings.environment == ()
    assert nothing.problems == ()
