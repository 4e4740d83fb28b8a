"""What assets say of the process, taken apart and printed."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from coresnap.model import Snapshot
from coresnap.snapshot.display import Display
from coresnap.snapshot.json_form import to_bytes
from coresnap.snapshot.process_context import (
    Descriptor,
    LimitLine,
    ProcessContext,
    process_context,
)
from coresnap.snapshot.process_lines import process_lines
from coresnap.snapshot.text import render

ROWS = (
    ("Limit", "Soft Limit", "Hard Limit", "Units"),
    ("Max cpu time", "unlimited", "unlimited", "seconds"),
    ("Max stack size", "8388608", "unlimited", "bytes"),
    ("Max open files", "1024", "1024", "files"),
    ("Max nice priority", "0", "0", ""),
)
LIMITS = "".join(f"{a:25} {b:20} {c:20} {d:10}\n" for a, b, c, d in ROWS).encode()
ASSETS = {
    "process/cwd": b"/srv",
    "process/status": b"Name:\tapp\nUmask:\t0022\n",
    "process/fd": b"0 /dev/null\0001 /tmp/a b\00012 socket:[9]\0",
    "process/environ": b"LANG=C\0A=\xff\0",
    "process/limits": LIMITS,
}


def snapshot(assets: dict[str, bytes]) -> Snapshot:
    return Snapshot("FreeBSD", "x86-64", None, None, None, None, assets=assets)


def lines(assets: dict[str, bytes]) -> list[str]:
    return list(process_lines(snapshot(assets), Display()))


def test_assets_are_taken_apart() -> None:
    found = process_context(ASSETS)
    assert (found.directory, found.umask) == ("/srv", "0022")
    assert found.descriptors == (
        Descriptor(0, "/dev/null"),
        Descriptor(1, "/tmp/a b"),
        Descriptor(12, "socket:[9]"),
    )
    assert found.limits == (
        LimitLine("cpu time", None, None, "seconds"),
        LimitLine("stack size", 8388608, None, "bytes"),
        LimitLine("open files", 1024, 1024, "files"),
        LimitLine("nice priority", 0, 0, ""),
    )
    assert found.environment == ("LANG=C", "A=\udcff")


def test_they_are_printed_without_what_is_unlimited() -> None:
    assert lines(ASSETS) == [
        "process",
        "  directory    /srv",
        "  umask        0022",
        "  environment",
        "    LANG=C",
        "    A=\\xff",
        "  limits",
        "    stack size: 8,388,608 bytes, at most unlimited",
        "    open files: 1,024 files",
        "    nice priority: 0",
        "  open files (3)",
        "        0 /dev/null",
        "        1 /tmp/a b",
        "       12 socket:[9]",
    ]


def test_of_many_files_the_rest_is_counted() -> None:
    many = b"".join(b"%d /f\0" % n for n in range(100))
    found = lines({"process/fd": many})
    assert found[1] == "  open files (100)"
    assert len(found) == 2 + 64 + 1
    assert found[-1].strip() == "and 36 more"


def test_nothing_is_printed_where_nothing_was_kept() -> None:
    assert lines({}) == []
    assert "process" not in render(snapshot({})).split()


def test_the_section_is_a_detail() -> None:
    shown = snapshot(ASSETS)
    assert "open files (3)" in render(shown)
    assert "open files" not in render(shown, display=Display(details=False))


def test_names_of_files_move_no_terminal() -> None:
    text = "\n".join(lines({"process/fd": b"3 /tmp/\x1b[2Jx\ny\0"}))
    assert "\x1b" not in text
    assert "/tmp/\\e[2Jx\\ny" in text


def test_the_json_has_them_too() -> None:
    found = json.loads(to_bytes(snapshot(ASSETS)))["process"]
    assert found["directory"] == "/srv"
    assert found["descriptors"][2] == {"number": 12, "target": "socket:[9]"}
    assert found["limits"][0]["soft"] is None
    assert found["environment"] == ["LANG=C", "A=\\xff"]
    empty = json.loads(to_bytes(snapshot({})))["process"]
    assert empty["directory"] is None
    assert empty["descriptors"] == []


@given(st.dictionaries(st.sampled_from(sorted(ASSETS)), st.binary(max_size=200)))
def test_no_bytes_raise(assets: dict[str, bytes]) -> None:
    assert isinstance(process_context(assets), ProcessContext)
    for line in lines(assets):
        assert "\n" not in line
