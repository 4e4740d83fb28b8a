"""Exception objects in memory that a test lays out: both run-times, other machines."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.messages.cplusplus import find_exception
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.thrown import GNU, LLVM
from coresnap.elfcore.elfheader import ByteOrder

from .memories import HEAP, STACK, TLS, dead

HEADER = HEAP + 0x100
TYPE, NAME, VTABLE = HEAP + 0x1000, HEAP + 0x1100, HEAP + 0x1200
THROWING = ("abort", "std::terminate", "__cxa_throw", "main")
POINTER = TLS + 0x8000


def words(*values: int, order: str = "<") -> bytes:
    return struct.pack(f"{order}{len(values)}Q", *values)


def exception(
    kind: int = GNU,
    name: bytes = b"i",
    value: bytes = struct.pack("<i", 42),
    handlers: int = 1,
    order: str = "<",
) -> dict[int, bytes]:
    end = HEADER + 0x50
    owners = 0x60 if kind == GNU else 0x58
    return {
        end - owners: struct.pack(f"{order}i", 1),
        HEADER: words(TYPE, order=order),
        end - 0x28: struct.pack(f"{order}i", handlers),
        end: words(kind, order=order),
        end + 0x20: value,
        TYPE: words(VTABLE, NAME, order=order),
        NAME: name + b"\0",
        VTABLE: words(VTABLE, order=order),
    }


def found(
    contents: dict[int, bytes],
    functions: tuple[str | None, ...] = THROWING,
    byte_order: ByteOrder = "little",
    machine: str = "x86-64",
) -> list[Message]:
    registers = {"fs.base": POINTER} if machine == "x86-64" else {}
    process = dead(
        contents,
        functions=functions,
        machine=machine,
        byte_order=byte_order,
        registers=registers,
    )
    return list(find_exception(process))


def test_the_threads_list_leads_to_the_object() -> None:
    (message,) = found(exception() | {POINTER - 0x40: words(HEADER)})
    assert message.text == "int: 42"
    assert message.found_by == "handler list"
    assert message.parts["state"] == "uncaught"
    assert message.address == HEADER + 0x70


def test_libcxxs_header_begins_earlier() -> None:
    listed = {POINTER - 0x40: words(HEADER - 0x10)}
    (message,) = found(exception(LLVM) | listed)
    assert message.found_by == "handler list"


def test_freebsds_run_time_has_libstdcxxs_name_and_libcxxs_header() -> None:
    contents = exception(name=b"i")
    del contents[HEADER - 0x10]
    contents[HEADER - 8] = struct.pack("<i", 1)
    (message,) = found(contents | {STACK + 0x8100: words(HEADER + 0x70)})
    assert (message.text, message.address) == ("int: 42", HEADER + 0x70)
    contents[HEADER - 8] = struct.pack("<i", 0)
    assert found(contents | {STACK + 0x8100: words(HEADER + 0x70)}) == []


def test_a_word_on_the_stack_leads_there_too() -> None:
    (message,) = found(exception() | {STACK + 0x8100: words(HEADER + 0x70)})
    assert message.found_by == "stack"


def test_without_either_it_is_looked_for_if_someone_threw() -> None:
    (message,) = found(exception())
    assert message.found_by == "scan"
    assert found(exception(), ("abort", "main")) == []


def test_of_two_objects_that_nothing_leads_to_neither_is_taken() -> None:
    second = {
        address + 0x400: held for address, held in exception().items() if address < TYPE
    }
    assert found(exception() | second) == []


def test_an_object_whose_memory_was_freed_is_not_it() -> None:
    for owners in (0, 0x5555, -1):
        freed = exception() | {HEADER - 0x10: struct.pack("<i", owners)}
        assert found(freed | {POINTER - 0x40: words(HEADER)}) == []


def test_an_object_that_nobody_handles_any_more_is_not_it() -> None:
    assert found(exception(handlers=0) | {POINTER - 0x40: words(HEADER)}) == []


def test_an_object_that_is_being_handled_is_said_to_be() -> None:
    listed = exception() | {POINTER - 0x40: words(HEADER)}
    (message,) = found(listed, ("abort", "main"))
    assert message.parts["state"] == "handled"
    (message,) = found(listed, (None, None, None, "main"))
    assert message.parts["state"] == "unknown"


def test_big_endian_machines_have_the_same_layout() -> None:
    value = struct.pack(">i", 42)
    contents = exception(value=value, order=">")
    (message,) = found(contents, byte_order="big", machine="s390x")
    assert message.text == "int: 42"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (b"PKc", words(HEAP + 0x2000), "char const*: words"),
        (b"b", b"\1", "bool: 1"),
        (b"m", words(2**63), "unsigned long: 9223372036854775808"),
        (
            b"NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
            words(HEAP + 0x2000, 5),
            "std::string: words",
        ),
        (b"6Broken", words(HEAP + 0x2000), "Broken"),
        (b"*6Hidden", words(0), "Hidden"),
    ],
)
def test_values_that_say_something_are_shown(
    name: bytes, value: bytes, text: str
) -> None:
    contents = exception(name=name, value=value) | {HEAP + 0x2000: b"words\0"}
    (message,) = found(contents)
    assert message.text == text


def test_a_class_that_derives_from_itself_ends() -> None:
    contents = exception(name=b"4Loop", value=words(0, 0))
    contents[TYPE] = words(VTABLE, NAME, TYPE)
    (message,) = found(contents)
    assert message.parts["bases"] == "4Loop"


def test_a_string_whose_length_is_a_lie_is_no_text() -> None:
    name = b"NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
    for length in (0, 4, 6, 1 << 40, (1 << 64) - 1):
        value = words(HEAP + 0x2000, length)
        contents = exception(name=name, value=value) | {HEAP + 0x2000: b"words\0"}
        (message,) = found(contents)
        assert "what" not in message.parts


@given(st.binary(min_size=8, max_size=0x100), st.binary(max_size=64))
def test_no_memory_makes_it_fail(type_bytes: bytes, value: bytes) -> None:
    contents = exception(value=value) | {TYPE: type_bytes}
    for message in found(contents):
        assert message.text.isprintable()
