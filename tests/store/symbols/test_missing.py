"""Which symbol files a snapshot asks for."""

from __future__ import annotations

from coresnap.model import Frame, Module, Search, Thread, Trust, UnwindEnd
from coresnap.store.symbols.missing import missing_symbols


def module(path: str, **fields: object) -> Module:
    values = {"build_id": "ab" * 20, "symbols": "dynsym", **fields}
    return Module(path, 0x1000, 0x2000, 0, **values)  # type: ignore[arg-type]


def thread(*paths: str | None) -> Thread:
    frames = tuple(Frame(0x1000, Trust.CFI, module=path) for path in paths)
    return Thread(1, True, UnwindEnd.OUTERMOST, frames=frames)


def test_modules_that_frames_stand_in_are_asked_for_nearest_first() -> None:
    modules = [
        module("/lib/c.so", build_id="cc" * 20),
        module("/lib/a.so", build_id="aa" * 20),
        module("/lib/idle.so", build_id="dd" * 20),
    ]

    found = missing_symbols([thread("/lib/a.so", "/lib/c.so", "/lib/a.so")], modules)

    assert [one.path for one in found] == ["/lib/a.so", "/lib/c.so"]


def test_what_was_read_whole_and_what_has_no_build_id_is_not_asked_for() -> None:
    modules = [
        module("/bin/read", symbols="dwarf"),
        module("/bin/nameless", build_id=None),
        module("/bin/forged", build_id="../../etc"),
        module("[vdso]"),
    ]
    paths = [one.path for one in modules]

    assert missing_symbols([thread(*paths, None, "/gone")], modules) == ()


def test_it_says_what_is_wanted_and_why_the_host_did_not_have_it() -> None:
    mismatch = "has build-id 0102"
    modules = [
        module("/bin/gone", build_id="01" * 20, symbols="none", problem="not there"),
        module(
            "/bin/other",
            build_id="02" * 20,
            symbols="symtab",
            searches=(
                Search("debug-link", "/usr/lib/debug/other.debug", mismatch),
                Search("executable", "/bin/other", "used"),
            ),
        ),
        module("/bin/third", build_id="03" * 20),
    ]

    gone, other, third = missing_symbols(
        [thread("/bin/gone", "/bin/other", "/bin/third")], modules
    )

    assert (gone.wanted, gone.reason) == ("executable", "not there")
    assert other.wanted == "debuginfo"
    assert other.reason == f"/usr/lib/debug/other.debug {mismatch}"
    assert third.reason == "only dynsym was found"


def test_a_hostile_snapshot_asks_for_a_bounded_number_of_short_names() -> None:
    modules = [
        module("x" * 5000 + str(n), build_id=f"{n:040x}", problem="\0" * 5000)
        for n in range(100)
    ]

    found = missing_symbols([thread(*(one.path for one in modules))], modules)

    assert len(found) == 32
    assert {(len(one.path), len(one.reason)) for one in found} == {(256, 256)}
    assert "\0" not in found[0].reason
