"""Attributes are drawn from what is there, in the units that are documented."""

from __future__ import annotations

import json

import pytest

from coresnap.analysis.attributes import Facts, attributes_of
from coresnap.analysis.capture import capture_facts
from coresnap.analysis.signals import explain_signal
from coresnap.model import Frame, Trust
from coresnap.model.attributes import ATTRIBUTES

STATUS = (
    b"Name:\tapp\nFDSize:\t64\nVmPeak:\t    2048 kB\nVmRSS:\t     512 kB\n"
    b"voluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t4\n"
)
# comm may hold anything, a closing parenthesis included.
STAT = b"7 (a) b) S " + b" ".join(b"%d" % n for n in range(4, 53))
ASSETS = {
    "crash.json": json.dumps(
        {"id": "ab" * 16, "hostname": "host", "time": 1700000000_000000000, "uid": 1000}
    ).encode(),
    "process/status": STATUS,
    "process/stat": STAT,
    "system/meminfo": b"MemTotal:       1000 kB\nMemFree:  10 kB\n",
    "system/loadavg": b"0.50 0.25 0.10 1/100 99\n",
    "system/uptime": b"100.00 50.00\n",
    "system/uname": b"Linux\nhost\n6.18.1\n#1 SMP\nx86_64\n",
    "capture.json": json.dumps(
        {
            "parked": 2500000,
            "budget": 120_000_000_000,
            "rung": "stacks",
            "rung_reason": "budget",
            "door": "socket",
            "way": "memory",
        }
    ).encode(),
}


def facts(assets: dict[str, bytes]) -> Facts:
    frames = [
        Frame(0x10, Trust.CONTEXT, function="fault", file="/s/a.c", module="/b/app"),
        Frame(0x20, Trust.CFI, module="/b/app"),
    ]
    signal = explain_signal("Linux", 11, 1, 0x1234)
    capture = capture_facts(assets)
    return Facts(7, "app", signal, frames, ["segv"], 2, assets, capture)


def test_kib_of_proc_become_bytes() -> None:
    found = attributes_of(facts(ASSETS))
    assert found["vm.rss.size"] == 512 * 1024
    assert found["vm.vma.peak"] == 2048 * 1024
    assert found["system.memory.total"] == 1000 * 1024


def test_counts_stay_counts() -> None:
    found = attributes_of(facts(ASSETS))
    assert (
        found["descriptor.count"],
        found["sched.cs.voluntary"],
        found["sched.cs.involuntary"],
    ) == (64, 3, 4)


def test_age_is_uptime_minus_start_even_with_a_hostile_name() -> None:
    # Field 22 of STAT is 22 ticks of 1/100 s after boot.
    assert attributes_of(facts(ASSETS))["process.age"] == 99.78


def test_the_kernel_and_the_capture_are_attributes() -> None:
    found = attributes_of(facts(ASSETS))
    assert (
        found["uname.sysname"],
        found["uname.release"],
        found["uname.machine"],
    ) == ("Linux", "6.18.1", "x86_64")
    assert (found["timestamp"], found["capture.parked"]) == (1700000000, 0.0025)


def test_how_much_was_kept_and_why_are_attributes() -> None:
    found = attributes_of(facts(ASSETS))
    assert {k: v for k, v in found.items() if k.startswith("capture.")} == {
        "capture.budget": 120.0,
        "capture.door": "socket",
        "capture.parked": 0.0025,
        "capture.rung": "stacks",
        "capture.rung.reason": "budget",
        "capture.way": "memory",
    }


def test_a_whole_core_has_no_reason_to_give() -> None:
    whole = {**ASSETS, "capture.json": b'{"rung": "full", "rung_reason": null}'}
    found = attributes_of(facts(whole))
    assert found["capture.rung"] == "full"
    assert "capture.rung.reason" not in found


def test_the_fault_and_the_stack_are_attributes() -> None:
    found = attributes_of(facts(ASSETS))
    assert found["fault.address"] == 0x1234
    assert found["callstack"] == "fault\n0x20"
    assert found["callstack.files"] == "a.c"
    assert (
        found["hostname"],
        found["user.id"],
        found["coresnap.object"],
    ) == ("host", 1000, "ab" * 16)


@pytest.mark.parametrize("junk", [b"", b"\xff\x00)(", b"[1]", b"VmRSS: lots\n)", b"{"])
def test_damaged_assets_cost_only_their_own_attributes(junk: bytes) -> None:
    found = attributes_of(facts(dict.fromkeys(ASSETS, junk)))
    assert found["application"] == "app"
    assert "vm.rss.size" not in found


def test_every_attribute_is_declared() -> None:
    assert set(attributes_of(facts(ASSETS))) <= set(ATTRIBUTES)
