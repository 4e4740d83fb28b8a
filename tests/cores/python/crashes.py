"""Crashes of a Python program: crashes.py SCENARIO FILE_FOR_FAULTHANDLER.

Runs under every CPython from 3.9 on; faulthandler says what the stacks were.
"""

# ruff: noqa: F841, SIM115

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import importlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

COMPARE = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)
)


def crash() -> None:
    ctypes.string_at(1)


def read() -> None:
    """The simplest: a C function reads nothing."""
    crash()


def abort() -> None:
    def outer(depth: int) -> object:
        if depth:
            return outer(depth - 1)
        return (lambda: [os.abort() for _ in range(1)])()

    outer(3)


def callback() -> None:
    """Python, C, Python, C: a comparison that qsort calls."""
    array = (ctypes.c_int * 3)(3, 1, 2)

    def compare(left: object, right: object) -> int:
        try:
            raise ValueError("no good", 3)
        except ValueError:
            crash()
        return 0

    ctypes.CDLL(None).qsort(array, 3, 4, COMPARE(compare))


def generator() -> None:
    def count() -> Iterator[int]:
        yield 1
        callback()
        yield 2

    def delegate() -> Iterator[int]:
        yield from count()

    for _ in delegate():
        pass


def coroutine() -> None:
    async def inner() -> None:
        await asyncio.sleep(0)
        crash()

    async def outer() -> None:
        await inner()

    asyncio.run(outer())


def thread() -> None:
    def wait() -> None:
        while True:
            time.sleep(1000)

    def run() -> None:
        time.sleep(0.3)
        crash()

    threading.Thread(target=wait, daemon=True).start()
    crashing = threading.Thread(target=run)
    crashing.start()
    crashing.join()


def recursion(depth: int = 500) -> None:
    if depth:
        recursion(depth - 1)
    else:
        crash()


class Account:
    limit = 7

    def __init__(self, number: int) -> None:
        self.number = number
        if number == 999:
            crash()


def constructor() -> None:
    """Calls that the evaluator has specialised by the time of the crash."""
    for number in range(1000):
        Account(number)


def class_body() -> None:
    class Broken:
        value = 1
        crash()


def executed() -> None:
    text = "def made() -> None:\n    pass\n    crash()\nmade()\n"
    exec(compile(text, "<made>", "exec"), {"crash": crash})


def operators() -> object:
    """C code of the interpreter itself calls Python."""

    class Key:
        def __init__(self, value: int) -> None:
            self.value = value

        def __lt__(self, other: object) -> bool:
            crash()
            return False

        @property
        def fails(self) -> list[Any]:
            return sorted([self, Key(3)])

    return max(map(lambda key: key.fails, [Key(1)]))


def subinterpreter() -> None:
    try:
        interpreters = importlib.import_module("_interpreters")
    except ImportError:
        interpreters = importlib.import_module("_xxsubinterpreters")
    identity = interpreters.create()
    interpreters.run_string(
        identity, "import os\ndef within() -> None:\n    os.abort()\nwithin()\n"
    )


def extension() -> None:
    sys.path.insert(0, sys.argv[3])
    crasher = importlib.import_module("crasher")
    crasher.call(lambda value: crasher.crash(value))


class Point:
    def __init__(self, x: object, y: object) -> None:
        self.x, self.y = x, y


class Slotted:
    __slots__ = ("a",)


class Text(str):
    pass


def values(
    positional: int = -3,
    /,
    normal: int = 2**70,
    *rest: object,
    keyword: float = 1.5,
    **more: object,
) -> None:
    nothing = None
    truth = True
    zero = 0
    small = 255
    word = 2**31
    largest = 2**64 - 1
    huge = -(10**40)
    infinite = float("inf")
    ascii = "plain"
    latin = "gr\u00fcn"
    wide = "\u65e5\u672c"
    astral = "\U0001f389!"
    own_text = Text("derived")
    raw = b"a\x00\xff"
    empty = ()
    pair = (1, "two")
    numbers = [1, 2, [3, [4]]]
    many = list(range(100))
    table = {"a": 1, 2: (3,), None: "none", (1, 2): b"x"}
    unique = {5}
    frozen = frozenset({"f"})
    point = Point(1, [2])
    later = Point(3, 4)
    setattr(later, "z", 5)  # noqa: B010
    vars(later)
    slotted = Slotted()
    error = KeyError("missing", 7)
    kind = Point
    function = crash
    captured = "in a cell"

    def inner() -> str:
        return captured

    del zero
    loop: list[Any] = [1]
    loop.append(loop)
    crash()
    unbound = inner


if __name__ == "__main__":
    faulthandler.enable(open(sys.argv[2], "w"), all_threads=True)
    if sys.argv[1] == "values":
        values(-3, 2**70, "rest", more=1)
    else:
        globals()[sys.argv[1]]()
