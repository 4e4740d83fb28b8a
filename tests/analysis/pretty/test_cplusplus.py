"""Containers against what containers.cc puts into them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest
from shown import crashed_in, held

from conftest import CompileProgram, KernelCore
from coresnap.model import Variable

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]

BUILDS = {
    "libstdc++": ("c++", "-std=c++20"),
    "libstdc++, debug mode, old ABI": (
        *("c++", "-std=c++17", "-gdwarf-4"),
        *("-D_GLIBCXX_DEBUG", "-D_GLIBCXX_USE_CXX11_ABI=0"),
    ),
    "libstdc++, clang": ("clang++", "-std=c++20"),
    "libstdc++, names without arguments": (
        *("clang++", "-std=c++20"),
        *("-gsimple-template-names", "-fstandalone-debug"),
    ),
    "libc++": ("clang++", "-std=c++20", "-stdlib=libc++"),
}

LONG = "longer than what fits into the object itself"


def why_no(build: tuple[str, ...]) -> str | None:
    """What this machine lacks of a compiler and its library."""
    if shutil.which(build[0]) is None:
        return f"not installed: {build[0]}"
    trial = subprocess.run(
        [*build, "-xc++", "-", "-o", "/dev/null"],
        input="#include <string>\nint main() { return std::string().size(); }",
        capture_output=True,
        text=True,
        check=False,
    )
    return None if trial.returncode == 0 else f"{' '.join(build)} does not build"


@pytest.fixture(params=list(BUILDS.values()), ids=list(BUILDS), scope="module")
def build(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    if reason := why_no(found):
        pytest.skip(reason)
    return found


Crashed = Callable[[str], dict[str, Variable]]


@pytest.fixture(scope="module")
def crashed(
    build: tuple[str, ...], compile_program: CompileProgram, kernel_core: KernelCore
) -> Crashed:
    """Gives the variables of a function of containers.cc that crashed."""
    compiler, *flags = build
    program = compile_program(
        "containers.cc", *flags, "-g", "-O0", "-pthread", compiler=compiler
    )
    return lambda part: crashed_in(kernel_core([program, part]), part)


def test_strings_are_their_text(crashed: Crashed) -> None:
    part = crashed("texts")
    expected = {
        "empty": "",
        "brief": "brief",
        "lengthy": LONG,
        "zeros": "a\0b",
        "wide": "wide ä",
        "two": "two €",
        "four": "four 😀",
        "view": LONG[:11],
        "path": "/tmp/some/file.txt",
        "reference": "brief",
        "pointer": LONG,
    }
    assert {name: held(part[name]) for name in expected} == expected


def test_sequences_are_their_elements(crashed: Crashed) -> None:
    part = crashed("sequences")
    expected = {
        "none": "std::vector of 0, capacity 0",
        "numbers": [1, 2, 3],
        "words": ["one", "two", "a word too long to be short"],
        "points": [{"x": 1, "y": 2}, {"x": 3, "y": 4}],
        "thousand": [7] * 100,
        "queue": list(range(200, 300)),
        "padded": [{"tag": 97, "weight": 1.5}, {"tag": 98, "weight": 2.5}],
        "chain": ["x", "y"],
        "no_chain": "std::list of 0",
        "forward": [5, 6, 7],
        "fixed": [4, 5, 6],
        "pile": [1, 2],
        "line": [3, 4],
        "ranked": [9, 1],
        "listed": [10, 11],
        "second": 2,
        "wide": [1.5, 2.5],
        "window": [2, 3],
        "whole": [1, 2, 3],
    }
    found = {name: held(part[name]) for name in expected if name in part}
    assert found == {name: expected[name] for name in found}
    # Only C++20 has spans.
    assert expected.keys() - found.keys() <= {"window", "whole"}
    assert [held(row) for row in part["nested"].items][::2] == [[1], [2, 3]]
    bits = "".join("1" if i % 3 == 0 else "0" for i in range(70))
    assert part["bits"].text == f"std::vector of 70 bits: {bits}"
    assert part["flags"].text == f"std::bitset of 70: {5:070b}"


def test_sequences_say_how_long_they_are(crashed: Crashed) -> None:
    part = crashed("sequences")
    assert part["numbers"].text == "std::vector of 3, capacity 8"
    assert part["thousand"].text == "std::vector of 1000, capacity 1000"
    assert part["thousand"].truncated
    assert not part["queue"].truncated
    assert part["queue"].text == "std::deque of 100"
    assert part["fixed"].text == "std::array of 3"


def test_associations_are_their_keys_and_values(
    build: tuple[str, ...], crashed: Crashed
) -> None:
    part = crashed("associations")
    expected = {
        "names": {"[1]": "one", "[2]": "two", "[3]": "three"},
        "lists": {'["even"]': [2], '["odd"]': [1, 3]},
        "small": {"[97 'a']": 65},
        "nothing": "std::map of 0",
        "many": [("[1]", 0.5), ("[1]", 1.5)],
        "numbers": [10, 20, 30],
        "repeated": ["a", "b", "b"],
        "ages": {'["ann"]': 41, '["bob"]': 42},
        "squares": {"[2]": 4},
        "few": [17],
        "same": [8, 8],
        "found": {"first": 2, "second": "two"},
        "place": {"first": 5, "second": "five"},
        "places": {"[5]": "five"},
        "big": list(range(100)),
        "wide": [2.5],
    }
    assert {name: held(part[name]) for name in expected} == expected
    assert sorted(held(part["several"])) == [("[1]", 2), ("[1]", 3)]
    assert part["big"].text == "std::set of 250"
    assert part["big"].truncated
    if "-stdlib=libc++" not in build:
        assert held(part["end"]) == "past the end"
    (pair,) = part["pairs"].items
    assert pair.name == "[{first = 1, second = 2}]"
    assert pair.value == 3


def test_wrappers_are_what_they_hold(crashed: Crashed) -> None:
    part = crashed("wrappers")
    expected = {
        "pair": {"first": 7, "second": "seven"},
        "tuple": [1, "two", 3.5],
        "unit": "std::tuple of 0",
        "maybe": [5],
        "some_text": ["text"],
        "absent": "std::optional, empty",
        "anything": "std::any of int",
        "any_text": "std::any of std::string",
        "no_thing": "std::any, empty",
        "caught": "std::exception_ptr to std::out_of_range: thrown and caught",
        "unique": {"x": 5, "y": 6},
        "unique_array": 1,
        "shared": {"x": 7, "y": 8},
        "weak": {"x": 7, "y": 8},
        "function": "std::function of twice",
        "no_function": "std::function, empty",
        "wrapped": 3,
        "z": "1.5 + -2.0i",
        "counter": 12,
        "ready": True,
        "error": "std::error_code 13",
        "no_error": "std::error_code 0, no error",
        "owner": {"name": "owner", "numbers": [1, 2]},
        "to_owner": {"name": "owner", "numbers": [1, 2]},
    }
    assert {name: held(part[name]) for name in expected} == expected
    assert held(part["either"]) in ({"[1]": "or"}, ["or"])
    assert held(part["number"]) == [3]
    lambda_text = part["lambda"].text or ""
    assert lambda_text.startswith("std::function of wrappers()::")


def test_smart_pointers_say_who_holds_them(crashed: Crashed) -> None:
    part = crashed("wrappers")
    assert part["shared"].text == "std::shared_ptr, use count 2, weak count 1"
    assert part["weak"].text == "std::weak_ptr, use count 2, weak count 1"
    assert part["shared_none"].text == "std::shared_ptr, empty"
    assert part["shared"].value == part["also"].value
    assert part["unique_none"].value == 0


def test_times_have_units(crashed: Crashed) -> None:
    part = crashed("times")
    expected = {
        "seconds": "90 s",
        "milliseconds": "1500 ms",
        "nanoseconds": "42 ns",
        "hours": "30 h",
        "fraction": "0.25 s",
        "frames": "61 × 1/30 s = 2.03333 s",
        "moment": "2023-11-14 22:13:20.25 UTC",
        "since_boot": "12.345 s after its clock began",
    }
    assert {name: held(part[name]) for name in expected} == expected


def test_locks_say_who_holds_them(crashed: Crashed) -> None:
    part = crashed("synchronisation")
    held_text = part["held"].text or ""
    assert held_text.startswith("std::mutex, locked by thread ")
    assert part["free"].text == "std::mutex, not locked"
    assert part["none"].text == "std::thread of no thread"


def test_damage_is_told_and_the_raw_view_kept(
    build: tuple[str, ...], crashed: Crashed
) -> None:
    if "-D_GLIBCXX_DEBUG" in build:
        pytest.skip("the program damages containers that begin with their pointers")
    part = crashed("damage")
    backwards = part["to_backwards"].target
    unmapped = part["to_unmapped"].target
    assert backwards is not None
    assert unmapped is not None
    assert (backwards.text or "").startswith("corrupt or not initialised: it begins at")
    assert backwards.members
    assert "corrupt: 0 of 1000000000 elements readable" in (unmapped.text or "")
    assert unmapped.members
    tree = part["tree"]
    assert "corrupt: 1 of 3 elements readable" in (tree.text or "")
    assert [held(item) for item in tree.items] == [2]
    forward = part["forward"].text or ""
    assert "corrupt: 2 elements readable: its nodes lead back to" in forward
