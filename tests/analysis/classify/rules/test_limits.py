"""Limits that were reached, by what was kept of /proc."""

from __future__ import annotations

import msgspec
import pytest

from coresnap.analysis.classify.rules.limits import RULES

from ..cases import case, concluded

HEADER = (
    "Limit                     Soft Limit           Hard Limit           Units     "
)


def assets(
    limits: dict[str, object], status: str = "", descriptors: int = 0
) -> dict[str, bytes]:
    lines = [
        HEADER,
        *(f"{name:<26}{value:<21}unlimited" for name, value in limits.items()),
    ]
    fd = "".join(f"{number} /dev/null\0" for number in range(descriptors))
    return {
        "process/limits": "\n".join(lines).encode(),
        "process/status": status.encode(),
        "process/fd": fd.encode(),
    }


@pytest.mark.parametrize(
    ("limits", "status", "descriptors", "expected"),
    [
        ({"Max open files": 16}, "", 16, {"limit.nofile": "strong"}),
        ({"Max open files": 100}, "", 96, {"limit.nofile": "probable"}),
        ({"Max open files": 16}, "", 3, {}),
        ({"Max open files": "unlimited"}, "", 2000, {}),
        ({"Max processes": 8}, "Threads:\t8\n", 0, {"limit.nproc": "strong"}),
        ({"Max processes": 8}, "Threads:\t7\n", 0, {}),
        (
            {"Max stack size": 8 << 20},
            "VmStk:\t8192 kB\n",
            0,
            {"limit.stack": "strong"},
        ),
        ({"Max stack size": 8 << 20}, "VmStk:\t132 kB\n", 0, {}),
        ({"Max stack size": "unlimited"}, "VmStk:\t9000 kB\n", 0, {}),
        (
            {"Max address space": 1 << 30},
            "VmSize:\t1040000 kB\n",
            0,
            {"limit.as": "probable"},
        ),
        ({"Max address space": 1 << 30}, "VmSize:\t40000 kB\n", 0, {}),
        (
            {"Max locked memory": 65536},
            "VmLck:\t64 kB\n",
            0,
            {"limit.memlock": "probable"},
        ),
        ({"Max locked memory": 0}, "VmLck:\t0 kB\n", 0, {}),
        (
            {"Max data size": 1 << 20},
            "VmData:\t1024 kB\n",
            0,
            {"limit.data": "probable"},
        ),
        ({"Max data size": "9" * 30}, "VmData:\t" + "9" * 30 + " kB\n", 0, {}),
    ],
)
def test_a_limit_is_reached_or_not(
    limits: dict[str, object], status: str, descriptors: int, expected: dict[str, str]
) -> None:
    kept = assets(limits, status, descriptors)
    assert concluded(case(6, -6, None, assets=kept), *RULES) == expected


def test_only_linux_counts_threads_as_processes() -> None:
    kept = assets({"Max processes": 8}, "Threads:\t8\n")
    other = case(6, -6, None, assets=kept)
    core = msgspec.structs.replace(other.core, system="FreeBSD")
    assert concluded(msgspec.structs.replace(other, core=core), *RULES) == {}


def test_nothing_is_concluded_without_assets() -> None:
    assert concluded(case(11, 1, 0), *RULES) == {}
    assert (
        concluded(case(11, 1, 0, assets={"process/limits": b"\xff\n\n"}), *RULES) == {}
    )


@pytest.mark.parametrize(
    ("number", "code", "expected"),
    [
        (24, 128, {"limit.cpu": "certain"}),
        (25, 128, {"limit.fsize": "certain"}),
        (24, 0, {}),
        (11, 1, {}),
    ],
)
def test_the_kernels_own_signals_say_which_limit(
    number: int, code: int, expected: dict[str, str]
) -> None:
    assert concluded(case(number, code, 0), *RULES) == expected
