from __future__ import annotations

import json
import os
from typing import Any

import msgspec

from coresnap.model import (
    Frame,
    Module,
    Signal,
    Snapshot,
    Thread,
    Variable,
    VariableKind,
)
from coresnap.snapshot.json_form import to_bytes, to_json
from snapshot import specimens
from snapshot.specimens import frame, thread, variable

# The shape that scripts rely on. Keys may be added to what is written, never here.
TOP = {
    "signal",
    "threads",
    "modules",
    "classifiers",
    "fingerprint",
    "quality",
    "attributes",
    "notes",
    "truncated",
}
SIGNAL = {"number", "name", "code", "address"}
THREAD = {"tid", "name", "crashed", "frames"}
FRAME = {
    "function",
    "file",
    "line",
    "module",
    "build_id",
    "pc",
    "inline",
    "trust",
    "variables",
}
VARIABLE = {"name", "type", "value", "kind"}
CLASSIFIER = {"name", "confidence", "evidence"}


def read(snapshot: Snapshot) -> Any:  # noqa: ANN401 - JSON
    return json.loads(to_bytes(snapshot))


def test_the_promised_keys_are_there_even_when_nothing_is_known() -> None:
    bare = specimens.small(
        signal=Signal(11, "SIGSEGV"),
        threads=(thread(frames=(frame(variables=(variable(),)),)),),
    )
    for snapshot in (bare, specimens.full()):
        form = read(snapshot)
        first = form["threads"][0]
        assert form.keys() >= TOP
        assert form["signal"].keys() >= SIGNAL
        assert first.keys() >= THREAD
        assert first["frames"][0].keys() >= FRAME
        for shown in first["frames"][0]["variables"]:
            assert shown.keys() >= VARIABLE
    assert form["classifiers"][0].keys() >= CLASSIFIER


def test_numbers_are_numbers_and_addresses_are_integers() -> None:
    form = read(specimens.full())

    assert form["signal"]["address"] == 0xFFFF_FFFF_FFFF_FFF8
    assert form["threads"][0]["frames"][0]["pc"] == 0x401136
    assert form["threads"][0]["registers"]["rip"] == 0xFFFF_FFFF_FFFF_FFFF
    assert form["modules"][0]["start"] == 0x400000
    assert form["attributes"]["process.age"] == 1.5
    assert form["truncated"] is True


def test_what_is_not_known_is_null() -> None:
    form = read(specimens.small(signal=None))

    assert form["signal"] is None
    assert form["threads"][0]["name"] is None
    assert form["threads"][0]["frames"][0]["line"] is None


def test_an_address_of_zero_is_not_left_out() -> None:
    shown = to_json(specimens.small(globals=(variable(value=0, address=0),)))

    assert shown["globals"][0] == {
        "name": "count",
        "type": "int",
        "kind": "local",
        "value": 0,
        "address": 0,
    }


def test_nested_variables_keep_their_nesting() -> None:
    form = read(specimens.full())
    head = form["threads"][0]["frames"][0]["variables"][1]

    assert head["target"]["members"][0]["value"] == 7
    assert head["target"]["truncated"] is True


def test_every_field_of_every_noun_is_named() -> None:
    form = read(specimens.full())
    first = form["threads"][0]
    nouns: list[tuple[type[msgspec.Struct], Any]] = [
        (Snapshot, form),
        (Thread, first),
        (Frame, first["frames"][0]),
        (Module, form["modules"][0]),
        (Signal, form["signal"]),
    ]
    for kind, shown in nouns:
        # What the assets say of the process is no field, it is taken from them.
        derived = {"process"} if kind is Snapshot else set()
        names = {field.name for field in msgspec.structs.fields(kind)}
        assert names | derived == shown.keys()
    seen = {key for v in _walk(first["frames"][0]["variables"]) for key in v}
    assert seen == {field.name for field in msgspec.structs.fields(Variable)}


def _walk(variables: list[Any]) -> list[Any]:
    found = []
    for shown in variables:
        inner = [
            *shown.get("members", []),
            *shown.get("items", []),
            *filter(None, [shown.get("target")]),
        ]
        found += [shown, *_walk(inner)]
    return found


def test_memory_and_assets_are_listed_without_their_bytes() -> None:
    form = read(specimens.full())

    assert form["memory"][0] == {"address": 0x1000, "size": 76_800}
    assert form["assets"] == {"proc/maps": 23}


def test_numbers_that_json_lacks_are_words() -> None:
    odd = tuple(
        variable(value=number, kind=VariableKind.GLOBAL)
        for number in (float("nan"), float("inf"), float("-inf"))
    )
    form = read(specimens.small(globals=odd))

    assert [shown["value"] for shown in form["globals"]] == ["nan", "inf", "-inf"]


def test_stray_bytes_and_controls_make_valid_json() -> None:
    form = read(specimens.small(command=os.fsdecode(b"\xff\x1b")))

    assert form["command"] == "\\xff\x1b"


def test_the_form_is_plain_python() -> None:
    kinds = set()

    def walk(value: object) -> None:
        kinds.add(type(value))
        if isinstance(value, dict):
            for key, item in value.items():
                kinds.add(type(key))
                walk(item)
        if isinstance(value, list):
            for item in value:
                walk(item)

    walk(to_json(specimens.full()))
    assert kinds <= {dict, list, str, int, float, bool, type(None)}


def test_nesting_that_no_analysis_makes_is_cut() -> None:
    deep = variable(kind=VariableKind.GLOBAL)
    for _ in range(5000):
        deep = variable(kind=VariableKind.GLOBAL, members=(deep,))

    (shown,) = read(specimens.small(globals=(deep,)))["globals"]
    while "members" in shown:
        (shown,) = shown["members"]
    assert shown["truncated"] is True
