"""A crash without a core: what its context alone can say."""

from __future__ import annotations

import json
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.session import analyze_record
from coresnap.model import UnwindEnd
from coresnap.snapshot.container import write_snapshot
from coresnap.snapshot.json_form import to_bytes
from coresnap.snapshot.text import render

CRASH = {
    "id": "ab" * 16,
    "pid": 7,
    "tid": 9,
    "signal": 11,
    "time": 1_700_000_000_000_000_000,
    "uid": 1000,
    "executable": "!usr!bin!app",
    "hostname": "host",
    "kind": "0123456789abcdef",
    "suppressed": 12,
}
ASSETS = {
    "crash.json": json.dumps(CRASH).encode(),
    "process/status": b"Name:\tapp\nVmRSS:\t 512 kB\n",
    "process/comm": b"app-main\n",
    "process/cmdline": b"/usr/bin/app\0--fast\0",
    "process/exe": b"/usr/bin/app (deleted)",
    "process/maps": (
        b"55d0-55e0 r-xp 00001000 08:01 12  /usr/bin/app\n"
        b"7ffe-7fff rw-p 00000000 00:00 0 [stack]\nrubbish\n"
    ),
    "process/task/7/comm": b"app-main\n",
    "process/task/9/comm": b"worker\n",
    "system/uname": b"Linux\nhost\n6.18.1\n#1 SMP\nx86_64\n",
}


def test_the_context_says_which_program_crashed_and_how() -> None:
    found = analyze_record(ASSETS)

    assert (found.system, found.architecture) == ("Linux", "x86-64")
    assert (found.pid, found.command) == (7, "app-main")
    assert found.arguments == "/usr/bin/app --fast"
    assert found.signal is not None
    assert (found.signal.number, found.signal.name) == (11, "SIGSEGV")
    assert [c.name for c in found.classifiers] == ["segv"]
    assert found.core_size is None
    assert found.attributes["application"] == "app"
    assert found.attributes["capture.rung"] == "record"
    assert found.attributes["crash.suppressed"] == 12
    assert found.attributes["crash.kind"] == CRASH["kind"]
    assert found.attributes["vm.rss.size"] == 512 * 1024
    assert found.attributes["hostname"] == "host"


def test_the_threads_are_named_without_a_frame_and_the_crashed_one_is_first() -> None:
    threads = analyze_record(ASSETS).threads

    assert [(t.tid, t.name, t.crashed) for t in threads] == [
        (9, "worker", True),
        (7, "app-main", False),
    ]
    assert all(t.end is UnwindEnd.NO_REGISTERS and not t.frames for t in threads)


def test_the_address_space_is_known_and_none_of_it_stored() -> None:
    mappings = analyze_record(ASSETS).mappings

    assert [(m.start, m.permissions, m.path, m.stored) for m in mappings] == [
        (0x55D0, "r-x", "/usr/bin/app", 0),
        (0x7FFE, "rw-", "[stack]", 0),
    ]
    assert [m.offset for m in mappings] == [0x1000, None]


@pytest.mark.parametrize(
    ("capture", "reason", "said"),
    [
        (None, "killed", "killed before the core had its name"),
        ({"rung": "full"}, "killed", "killed before the core had its name"),
        ({"rung": "record", "rung_reason": "quota"}, "quota", "dump.quota"),
        ({"rung": "record", "rung_reason": "policy"}, "policy", "archive.keep"),
        ({"rung": "record", "rung_reason": "novel"}, "novel", "kept: novel"),
    ],
)
def test_the_snapshot_says_why_there_is_no_core(
    capture: dict[str, str] | None, reason: str, said: str
) -> None:
    assets = dict(ASSETS)
    if capture is not None:
        assets["capture.json"] = json.dumps(capture).encode()

    found = analyze_record(assets)

    assert found.attributes["capture.rung.reason"] == reason
    (note,) = [note for note in found.notes if note.step == "capture"]
    assert note.message.startswith("no core was kept: ")
    assert said in note.message
    assert found.quality_reason == note.message
    assert 0 < found.quality < 20


def test_equal_faults_share_a_fingerprint_and_others_do_not() -> None:
    def fingerprint(**changes: object) -> str:
        crash = json.dumps({**CRASH, **changes}).encode()
        return analyze_record({**ASSETS, "crash.json": crash}).fingerprint

    first = fingerprint()

    assert first == fingerprint(pid=8, time=1, hostname="other", suppressed=0)
    assert first != fingerprint(kind="fedcba9876543210")
    assert first != fingerprint(signal=6)
    assert len({first, fingerprint(kind=None), fingerprint(kind=None, pid=1)}) == 2
    assert analyze_record(ASSETS).fingerprint_frames == ("kind:0123456789abcdef",)


def test_without_a_process_the_kernel_s_words_are_all_there_is() -> None:
    found = analyze_record({"crash.json": ASSETS["crash.json"]})

    assert found.attributes["application"] == "app"
    assert found.threads == ()
    assert [note.step for note in found.notes] == ["capture", "record"]
    assert "gone before" in found.notes[-1].message


@pytest.mark.parametrize(
    "assets",
    [
        {},
        dict.fromkeys(ASSETS, b"\xff\0\0["),
        {"crash.json": b"[]"},
        {"crash.json": b'{"pid": "x", "signal": "y", "tid": null, "kind": 3}'},
        {"process/task/" + "9" * 30 + "/comm": b"x"},
        {"process/maps": b"%s-%s rwxp 0 0 0" % (b"f" * 30, b"f" * 30)},
        {"process/status": b"VmRSS: %s kB\nVmHWM: %s kB" % (b"9" * 5000, b"9" * 20)},
        {"capture.json": b'{"parked": 1%s}' % (b"0" * 5000)},
        {"crash.json": b'{"pid": %d, "uid": %d}' % (1 << 70, -(1 << 70))},
    ],
)
def test_whatever_the_assets_are_there_is_a_snapshot(assets: dict[str, bytes]) -> None:
    found = analyze_record(assets)

    assert found.fingerprint
    assert found.attributes["application"] in ("?", "\ufffd\0\0[", "[")
    assert render(found)
    with tempfile.TemporaryFile() as file:
        write_snapshot(found, file.fileno())


NUMBERS = st.integers() | st.integers(-(1 << 80), 1 << 80)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
KEYS = st.sampled_from([*CRASH, "rung", "rung_reason", "parked", "budget", "checks"])


@given(
    assets=st.dictionaries(
        st.sampled_from([*ASSETS, "capture.json", "process/stat"]), st.binary()
    ),
    crash=st.dictionaries(KEYS, JSON),
    capture=st.dictionaries(KEYS, JSON),
)
def test_no_assets_whatever_cost_the_snapshot(
    assets: dict[str, bytes], crash: dict[str, object], capture: dict[str, object]
) -> None:
    said = {
        "crash.json": json.dumps(crash).encode(),
        "capture.json": json.dumps(capture).encode(),
    }

    for chosen in (assets, {**assets, **said}):
        found = analyze_record(chosen)
        with tempfile.TemporaryFile() as file:
            write_snapshot(found, file.fileno())
        assert render(found)
        assert to_bytes(found)


def test_a_reader_is_shown_what_there_is() -> None:
    text = render(analyze_record(ASSETS))

    assert "app (pid 7) crashed by SIGSEGV on 2023-11-14" in text
    assert "no core was kept" in text
    assert "worker" in text
