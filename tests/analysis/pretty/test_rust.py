"""Values of Rust's standard library against what containers.rs puts into them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from shown import crashed_in, held

from conftest import SOURCES, KernelCore
from coresnap.model import Variable

pytestmark = [pytest.mark.core_pattern, pytest.mark.libdw]

Crashed = Callable[[str], dict[str, Variable]]


@pytest.fixture(scope="module")
def crashed(
    kernel_core: KernelCore, tmp_path_factory: pytest.TempPathFactory
) -> Crashed:
    """Gives the variables of a function of containers.rs that crashed."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    rustc = shutil.which("rustc") or shutil.which(home / "bin" / "rustc")
    if rustc is None:
        pytest.skip("not installed: rustc")
    program = tmp_path_factory.mktemp("rust") / "containers"
    options = ["--edition", "2021", "-g", "-C", "opt-level=0"]
    source = SOURCES / "containers.rs"
    subprocess.run([rustc, *options, "-o", program, source], check=True)
    return lambda part: crashed_in(kernel_core([program, part]), part)


def test_strings_are_their_text(crashed: Crashed) -> None:
    part = crashed("texts")
    expected = {
        "empty": "",
        "string": "owned text ä",
        "slice": "a slice",
        "path": "/tmp/file",
        "os": "os text",
        "boxed": "boxed",
    }
    assert {name: held(part[name]) for name in expected} == expected


def test_collections_are_their_elements(crashed: Crashed) -> None:
    part = crashed("collections")
    expected = {
        "none": "Vec of 0, capacity 0",
        "numbers": [1, 2, 3],
        "words": ["one", "two"],
        "points": [{"x": 1, "y": 2}],
        "queue": [3, 4, 5],
        "ages": {'["ann"]': 41, '["bob"]': 42},
        "no_map": "HashMap of 0",
        "tree": {f"[{i}]": f"n{i}" for i in range(40)},
        "small": {"[1]": 10, "[2]": 20},
        "sorted": [1, 2, 3],
        "part": [2, 3],
    }
    found = {name: held(part[name]) for name in expected}
    found["tree"] = {item.name: held(item) for item in part["tree"].items}
    assert found == expected
    assert sorted(held(part["set"])) == [7, 8, 9]
    assert part["numbers"].text == "Vec of 3, capacity 8"
    assert part["units"].text == "Vec of 2"
    assert len(part["units"].items) == 2
    assert (part["queue"].text or "").startswith("VecDeque of 3, capacity ")


def test_enums_are_written_as_in_the_source(crashed: Crashed) -> None:
    part = crashed("wrappers")
    texts = {
        "some": "Some(3)",
        "absent": "None",
        "some_text": 'Some("text")',
        "no_text": "None",
        "good": "Ok(4)",
        "bad": 'Err("bad")',
    }
    assert {name: part[name].text for name in texts} == texts
    assert [held(item) for item in part["some_text"].items] == ["text"]
    assert (part["reference"].text or "").startswith("Some(0x")
    assert part["reference"].items[0].value == part["boxed"].value


def test_trait_objects_say_whose_they_are(crashed: Crashed) -> None:
    part = crashed("wrappers")
    assert part["label"].text == "dyn of containers::Label"
    assert part["plain"].text == "dyn of containers::Point"


def test_wrappers_say_who_holds_what(crashed: Crashed) -> None:
    part = crashed("wrappers")
    texts = {
        "shared": "Rc, strong 2, weak 1",
        "weak": "Weak, strong 2, weak 1",
        "atomic": "Arc, strong 1, weak 0",
        "ref_cell": "RefCell, borrowed once",
        "mutex": "Mutex, locked",
        "lock": "RwLock, not locked",
        "duration": "1.5 s",
    }
    assert {name: part[name].text for name in texts} == texts
    expected = {
        "boxed": 7,
        "shared": 8,
        "also": 8,
        "weak": 8,
        "atomic": {"x": 5, "y": 6},
        "cell": 9,
        "ref_cell": [10],
        "borrowed": 10,
        "mutex": [11],
        "lock": [12],
    }
    assert {name: held(part[name]) for name in expected} == expected
