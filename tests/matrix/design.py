"""Which programs the matrix is made of: factors, what excludes what, and the choice.

A cell has one value of each factor. The choice is a pairwise one: every two values of
two factors that any allowed cell has together, one chosen cell has together. Most
faults of a reader need one factor or two, seldom three.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator

import attrs

__all__ = ["FACTORS", "Cell", "choose_cells", "is_allowed"]

TOOLCHAINS = ("gcc C", "clang C", "gcc C++", "clang C++", "rustc Rust")
OPTIMISATIONS = ("-O0", "-O1", "-O2", "-O3")
DEBUG_LEVELS = ("-g1", "-g2", "-g3")
DWARF_VERSIONS = ("2", "3", "4", "5")
WAYS = ("write", "abort", "thread", "callback", "handler", "own", "catch")
"""How it dies: writes to address 8, aborts, writes in a thread, in a callback of qsort
or std::sort, in a signal handler, in its language's own way (below tail calls, by an
exception that nobody catches, by a panic), in a catch block."""
FORMS = (
    "plain",
    "split",
    "package",
    "compressed",
    "type-units",
    "debug-link",
    "build-id",
    "mini-debuginfo",
    "dwz",
    "non-pie",
    "static",
    "static-pie",
    "musl",
    "lto",
    "fat-lto",
    "thin-lto",
    "asan",
    "ubsan",
    "deleted-library",
    "gc-sections",
    "no-unwind-tables",
    "i386",
    "frame-pointer",
    "no-frame-pointer",
    "cf-protection",
    "stack-protector",
    "libc++",
)
"""What else is particular about how it is compiled, linked and shipped."""
FACTORS = {
    "toolchain": TOOLCHAINS,
    "optimisation": OPTIMISATIONS,
    "debug": DEBUG_LEVELS,
    "dwarf": DWARF_VERSIONS,
    "form": FORMS,
    "way": WAYS,
}

_OWN_WAYS = {"C": "tail", "C++": "exception", "Rust": "panic"}
_CATCHING = ("plain", "static", "lto", "libc++")
_TOOLCHAINS_OF = {
    "musl": {"gcc C"},
    "fat-lto": {"gcc C", "gcc C++"},
    "thin-lto": {"clang C", "clang C++", "rustc Rust"},
    "libc++": {"clang C++"},
    "no-unwind-tables": {"gcc C", "clang C"},
}
_NOT_RUST = {
    "type-units",
    "static-pie",
    "fat-lto",
    "asan",
    "ubsan",
    "deleted-library",
    "gc-sections",
    "i386",
    "no-frame-pointer",
    "cf-protection",
    "stack-protector",
}
_SPLIT = ("split", "package")


@attrs.frozen
class Cell:
    """One program: a value of each factor."""

    toolchain: str
    optimisation: str
    debug: str
    dwarf: str
    form: str
    way: str

    @property
    def name(self) -> str:
        """All values, as ``--cell`` takes them."""
        return " ".join(attrs.astuple(self))

    @property
    def argument(self) -> str:
        """What tells the program how to die."""
        return _OWN_WAYS[self.language] if self.way == "own" else self.way

    @property
    def compiler(self) -> str:
        """``gcc``, ``clang`` or ``rustc``."""
        return self.toolchain.partition(" ")[0]

    @property
    def language(self) -> str:
        """``C``, ``C++`` or ``Rust``."""
        return self.toolchain.partition(" ")[2]


def is_allowed(cell: Cell) -> bool:
    """Whether there can be such a program."""
    if cell.way == "catch" and (cell.language != "C++" or cell.form not in _CATCHING):
        return False
    if cell.toolchain not in _TOOLCHAINS_OF.get(cell.form, {cell.toolchain}):
        return False
    old = cell.dwarf in ("2", "3")
    if cell.language == "Rust" and (
        cell.form in _NOT_RUST or cell.debug == "-g3" or old
    ):
        return False
    if cell.form == "dwz" and cell.compiler != "gcc" and cell.dwarf == "5":
        return False  # dwz 0.15 knows neither .debug_addr nor .debug_str_offsets
    if cell.form == "package" and cell.language == "Rust" and cell.dwarf == "5":
        return (
            False  # gdb 13 dies of packages in DWARF 5, and rustc leaves nothing else
        )
    if cell.form in _SPLIT and cell.compiler == "gcc" and cell.debug == "-g3":
        return False  # gdb 13 ends at macros of split units: "DW_FORM_strp outside"
    return not old or cell.form in ("plain", "i386")


def choose_cells() -> list[Cell]:
    """The cells of the matrix, in the order of the factors; always the same ones.

    Greedy: the cell that brings the most pairs not met before comes next. What a cell
    brings only shrinks, so the heap's top, counted anew, is the best if it stays on
    top.
    """
    missing: set[tuple[str, str]] = set()
    heap: list[tuple[int, int, Cell, frozenset[tuple[str, str]]]] = []
    # Shuffled, lest the first values of all factors stand in most cells.
    everything = [Cell(*values) for values in itertools.product(*FACTORS.values())]
    random.Random(4).shuffle(everything)
    for cell in filter(is_allowed, everything):
        pairs = frozenset(_pairs(cell))
        missing |= pairs
        heap.append((-len(pairs), len(heap), cell, pairs))
    heapq.heapify(heap)
    chosen = []
    while missing:
        _, number, cell, pairs = heapq.heappop(heap)
        gain = len(pairs & missing)
        if gain and (not heap or -gain <= heap[0][0]):
            chosen.append(cell)
            missing -= pairs
        elif gain:
            heapq.heappush(heap, (-gain, number, cell, pairs))
    return sorted(chosen, key=_position)


def _pairs(cell: Cell) -> Iterator[tuple[str, str]]:
    return itertools.combinations(attrs.astuple(cell), 2)


def _position(cell: Cell) -> tuple[int, ...]:
    values = attrs.asdict(cell)
    order = ["toolchain", "form", "optimisation", "debug", "dwarf", "way"]
    return tuple(FACTORS[factor].index(values[factor]) for factor in order)
