"""What FreeBSD's notes say of the process, against procstat(1) and written notes."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import freebsd_corewriter as w
import procstat
from conftest import Corpus
from coresnap.collect.plain_core import restored
from coresnap.elfcore.corefile import open_core
from coresnap.elfcore.elfheader import parse_header
from coresnap.elfcore.notes_freebsd_process import read_process_state
from coresnap.elfcore.process_state import Limit, ProcessState
from freebsd_cases import FREEBSD, cases, expected

PROC, FILES, VMMAP, GROUPS, UMASK, RLIMIT, OSREL, KQUEUES = *range(8, 15), 18
INFINITY = (1 << 63) - 1


def _with_text() -> list[dict[str, Any]]:
    # A 64-bit procstat does not open 32-bit cores.
    return [c for c in cases() if c.get("oracle") and c["elf_class"] == 64]


# --- the corpus ---------------------------------------------------------------


@pytest.mark.corpus
@pytest.mark.parametrize("case", _with_text(), ids=lambda c: c["case"])
def test_every_line_of_procstat_is_what_we_read(
    corpus: Corpus, case: dict[str, Any]
) -> None:
    text = procstat.sections(FREEBSD / case["oracle"])
    with restored(FREEBSD / case["core"]) as plain, open_core(plain) as core:
        for option in text.keys() - {"-k"}:
            ours = procstat.render(core, option)
            known = text[option]
            if not case["pr_cursig"]:
                ours = _as_before_gcore(option, ours)
                known = _as_before_gcore(option, known)
            assert ours == known, option


def _as_before_gcore(option: str, lines: procstat.Lines) -> procstat.Lines:
    """procstat looked at the process while it slept; gcore(1) then stopped it. Of the
    living it tells what the process used, a core has what its threads did."""
    if option == "-t":
        return [words[:-3] for words in lines]
    if option == "-v":  # without resident pages, and whether they are large ones
        return [words[:4] + words[6:8] + words[9:] for words in lines]
    return [] if option == "-r" else lines


@pytest.mark.corpus
@pytest.mark.parametrize("case", cases(), ids=lambda c: c["case"])
def test_every_core_has_the_files_and_numbers_that_are_known(
    corpus: Corpus, case: dict[str, Any]
) -> None:
    with restored(FREEBSD / case["core"]) as plain, open_core(plain) as core:
        state = core.facts.state
        files = procstat.render(core, "-f")
        arguments = procstat.render(core, "-c")
    assert state is not None
    assert state.problems == ()
    assert len(files) == case["note_file_records"]
    assert len(state.mappings) == case["note_vmmap_records"]
    assert sorted(t.tid for t in state.threads) == sorted(case["thread_ids"])
    assert {t.name for t in state.threads} == set(case["thread_names"])
    assert state.thread_count == case["threads"]
    assert f"{state.umask:03o}" == case["umask"]
    assert state.program_release == case["osrel"]
    assert " ".join(arguments[0][2:]) == case.get("args", case["psargs"])
    # Those without a text of procstat did the same as others, which have one.
    twin = "threads" if case["case"] == "threads_zst" else "segv_null"
    other = expected(twin)
    open_files = case.get("open_files") or other["open_files"]
    for words, known in zip(files, open_files, strict=True):
        _, _, name, kind, vnode, flags, *_ = words
        assert (name, kind) == (known["fd"], known["type"])
        if not case["case"].startswith("idx"):  # these wrote to /dev/null
            assert (vnode, flags) == (known["vnode"], known["flags"])


# --- written notes ------------------------------------------------------------


def read(notes: Mapping[int, bytes], release: int | None = None) -> ProcessState:
    header = parse_header(w.write_core(), "core")
    views = {kind: memoryview(data) for kind, data in notes.items()}
    return read_process_state(views, header, release)


def limits(count: int) -> bytes:
    pairs = [(n, INFINITY if n % 2 else n + 100) for n in range(count)]
    data = b"".join(struct.pack("<qq", *pair) for pair in pairs)
    return struct.pack("<i", len(data)) + data


@pytest.mark.parametrize(
    ("count", "last"), [(13, "swap"), (15, "umtxp"), (16, "pipebuf"), (17, "16")]
)
def test_limits_are_counted_by_the_size_of_the_note(count: int, last: str) -> None:
    state = read({RLIMIT: limits(count)})
    assert len(state.limits) == count
    assert state.limits[0] == Limit("cpu", 0, 100)
    assert state.limits[7] == Limit("nproc", 7, None)
    assert state.limits[-1].name == last
    assert state.problems == ()


def test_a_limit_below_zero_is_none() -> None:
    data = struct.pack("<iqq", 16, -1, INFINITY)
    assert read({RLIMIT: data}).limits == (Limit("cpu", None, None),)


def test_limits_without_an_end_are_cut() -> None:
    state = read({RLIMIT: limits(100)})
    assert len(state.limits) == 64
    assert state.problems == ("only 64 limits are read",)


def test_groups_of_their_own_note_count_before_those_of_the_process() -> None:
    record = w.process_entry(w.AMD64, {188: ("h", 1), 192: ("I", 5)})
    proc = struct.pack("<i", 1088) + record
    assert read({PROC: proc}).groups == (5,)
    many = struct.pack("<i", 4) + struct.pack("<40I", *range(40))
    assert read({PROC: proc, GROUPS: many}).groups == tuple(range(40))


def test_numbers_and_releases_are_read() -> None:
    state = read(
        {UMASK: struct.pack("<iH", 2, 0o27), OSREL: struct.pack("<ii", 4, 1400097)},
        release=1500068,
    )
    assert (state.umask, state.program_release) == (0o27, 1400097)
    assert state.kernel_release == 1500068


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (struct.pack("<i", 64) + bytes(128), 2),
        (struct.pack("<i", 64), 0),
        (struct.pack("<i", 0) + bytes(128), None),
        (struct.pack("<i", -1) + bytes(128), None),
        (b"", None),
    ],
)
def test_events_of_kqueues_are_counted(data: bytes, events: int | None) -> None:
    state = read({KQUEUES: data})
    assert state.kqueue_events == events
    assert state.watched == ()


def test_nothing_is_known_without_notes() -> None:
    state = read({})
    assert state.umask is None
    assert state.credentials is None
    assert not any((state.limits, state.files, state.mappings, state.threads))
    assert state.problems == ()


@pytest.mark.parametrize("kind", [PROC, FILES, VMMAP, GROUPS, UMASK, RLIMIT, OSREL])
@given(data=st.binary(max_size=1200))
def test_no_bytes_of_any_note_raise(kind: int, data: bytes) -> None:
    read({kind: data})
