from __future__ import annotations

import math
import struct
from typing import Literal

import pytest
from fake_types import FakeFile, FakeProcess, decoder_for, read

from coresnap.analysis.debuginfo.constants import Attribute, Encoding, Tag
from coresnap.analysis.debuginfo.records import DieFlag, Value
from coresnap.analysis.values.limits import ValueLimits
from coresnap.analysis.values.targets import SHOWN_ABOVE
from coresnap.model import Variable

INT, STRUCT, POINTER, TYPEDEF, ARRAY, ENUM, CHAR = 10, 20, 30, 40, 50, 60, 70


@pytest.fixture
def file() -> FakeFile:
    made = FakeFile()
    made.base(INT, "int", 4, Encoding.SIGNED)
    made.base(CHAR, "char", 1, Encoding.SIGNED_CHAR)
    return made


def depth_of(variable: Variable) -> int:
    below = [*variable.members, *([variable.target] if variable.target else [])]
    return 1 + max(map(depth_of, below), default=0)


def count_of(variable: Variable) -> int:
    below = [*variable.members, *([variable.target] if variable.target else [])]
    return 1 + sum(map(count_of, below))


@pytest.mark.parametrize("little_endian", [True, False])
@pytest.mark.parametrize(
    ("size", "encoding", "number"),
    [
        (1, Encoding.UNSIGNED, 200),
        (2, Encoding.SIGNED, -300),
        (3, Encoding.SIGNED, -70000),
        (4, Encoding.UNSIGNED, 1 << 31),
        (8, Encoding.UNSIGNED, (1 << 64) - 1),
        (16, Encoding.SIGNED, -5),
    ],
)
def test_integers_of_every_size_and_order(
    little_endian: bool, size: int, encoding: int, number: int
) -> None:
    made = FakeFile()
    made.base(INT, "number", size, encoding)
    order: Literal["little", "big"] = "little" if little_endian else "big"
    data = number.to_bytes(size, order, signed=number < 0)
    decoder = decoder_for(made, little_endian=little_endian)
    assert read(decoder, INT, data).value == number


def test_an_integer_wider_than_64_bits_is_decimal_text() -> None:
    made = FakeFile()
    made.base(INT, "__int128 unsigned", 16, Encoding.UNSIGNED)
    value = read(decoder_for(made), INT, b"\xff" * 16).value
    assert value == str((1 << 128) - 1)


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (1.0, bytes.fromhex("0000000000000080ff3f")),
        (-3.125, bytes.fromhex("00000000000000c800c0")),
        (0.0, bytes(10)),
        (math.inf, bytes.fromhex("0000000000000080ff7f")),
        (math.inf, bytes.fromhex("0000000000000080fe7f")),
        (5e-324, bytes.fromhex("0000000000000080cd3b")),
    ],
)
def test_the_80_bit_format_becomes_the_nearest_double(
    number: float, data: bytes
) -> None:
    made = FakeFile()
    made.base(INT, "long double", 16, Encoding.FLOAT)
    assert read(decoder_for(made), INT, data.ljust(16, b"\xaa")).value == number


@pytest.mark.parametrize(
    ("number", "bits"),
    [
        (1.0, 0x3FFF << 112),
        (-2.5, 0xC0004 << 108),
        (0.0, 0),
        (math.inf, 0x7FFF << 112),
    ],
)
def test_quadruple_precision_becomes_the_nearest_double(
    number: float, bits: int
) -> None:
    made = FakeFile()
    made.base(INT, "long double", 16, Encoding.FLOAT)
    decoder = decoder_for(made, x87=False)
    assert read(decoder, INT, bits.to_bytes(16, "little")).value == number


def test_a_bool_that_is_neither_true_nor_false_shows_its_bits() -> None:
    made = FakeFile()
    made.base(INT, "bool", 1, Encoding.BOOLEAN)
    decoder = decoder_for(made)
    assert [read(decoder, INT, bytes([b])).value for b in (0, 1, 2)] == [False, True, 2]
    assert read(decoder, INT, b"\2").value is not True


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, None), (1, "READ"), (5, "READ | EXECUTE"), (9, "READ | 0x8")],
)
def test_flags_are_shown_as_a_sum_with_what_is_left(
    number: int, text: str | None
) -> None:
    made = FakeFile()
    made.add(ENUM, Tag.ENUMERATION_TYPE, name="access", byte_size=4)
    for handle, (name, value) in enumerate(
        {"READ": 1, "WRITE": 2, "EXECUTE": 4}.items()
    ):
        made.add(600 + handle, Tag.ENUMERATOR, ENUM, name=name)
        made.values[600 + handle, Attribute.CONST_VALUE] = Value(number=value)
    variable = read(decoder_for(made), ENUM, number.to_bytes(4, "little"))
    assert (variable.value, variable.text) == (number, text)


BIT_FIELDS = [
    # struct { unsigned a:3; int b:5; unsigned c:12; } as GCC 12 and GCC 4 describe it.
    ({"data_bit_offset": 0, "bit_size": 3}, 5),
    ({"data_bit_offset": 3, "bit_size": 5}, -7),
    ({"data_bit_offset": 8, "bit_size": 12}, 0xABC),
    ({"byte_size": 4, "bit_offset": 29, "bit_size": 3}, 5),
    ({"byte_size": 4, "bit_offset": 24, "bit_size": 5}, -7),
    ({"byte_size": 4, "bit_offset": 12, "bit_size": 12}, 0xABC),
]


@pytest.mark.parametrize(("place", "number"), BIT_FIELDS)
def test_bit_fields_in_both_of_their_forms(
    file: FakeFile, place: dict[str, int], number: int
) -> None:
    unsigned = file.base(11, "unsigned int", 4, Encoding.UNSIGNED)
    file.add(STRUCT, Tag.STRUCTURE_TYPE, name="bits", byte_size=4)
    kind = INT if number < 0 else unsigned
    file.add(21, Tag.MEMBER, STRUCT, name="field", type=kind, **place)
    data = (5 | (-7 & 31) << 3 | 0xABC << 8).to_bytes(4, "little")
    field = read(decoder_for(file), STRUCT, data).members[0]
    assert (field.value, field.missing) == (number, None)


def test_bit_fields_of_a_big_endian_machine(file: FakeFile) -> None:
    unsigned = file.base(11, "unsigned int", 4, Encoding.UNSIGNED)
    file.add(STRUCT, Tag.STRUCTURE_TYPE, name="bits", byte_size=4)
    for handle, (start, bits) in enumerate([(0, 3), (3, 5), (8, 12)]):
        file.add(
            21 + handle,
            Tag.MEMBER,
            STRUCT,
            name=f"f{handle}",
            type=unsigned,
            data_bit_offset=start,
            bit_size=bits,
        )
    data = (5 << 29 | 9 << 24 | 0xABC << 12).to_bytes(4, "big")
    members = read(decoder_for(file, little_endian=False), STRUCT, data).members
    assert [member.value for member in members] == [5, 9, 0xABC]


@pytest.mark.parametrize("offset", [1, 4, 1 << 40])
def test_a_member_outside_of_its_struct_is_damage_not_a_crash(
    file: FakeFile, offset: int
) -> None:
    file.add(STRUCT, Tag.STRUCTURE_TYPE, name="s", byte_size=4)
    file.add(21, Tag.MEMBER, STRUCT, name="m", type=INT, member_location=offset)
    file.add(22, Tag.MEMBER, STRUCT, name="b", type=INT, bit_size=4, data_bit_offset=30)
    members = read(decoder_for(file), STRUCT, b"\1\2\3\4").members
    assert all("damaged" in str(member.missing) for member in members)


def test_a_struct_that_contains_itself_ends(file: FakeFile) -> None:
    file.add(STRUCT, Tag.STRUCTURE_TYPE, name="s", byte_size=4)
    for handle in range(21, 24):
        file.add(handle, Tag.MEMBER, STRUCT, name="self", type=STRUCT)
    variable = read(decoder_for(file), STRUCT, b"\1\2\3\4")
    assert count_of(variable) <= ValueLimits().nodes_per_variable + 1
    assert depth_of(variable) <= ValueLimits().depth + 1


@pytest.mark.parametrize("tag", [Tag.TYPEDEF, Tag.CONST_TYPE])
def test_a_typedef_of_itself_is_void(file: FakeFile, tag: int) -> None:
    file.add(TYPEDEF, tag, name="loop", type=TYPEDEF)
    decoder = decoder_for(file)
    assert read(decoder, TYPEDEF, b"").value is None
    assert decoder.readable_size(TYPEDEF) is None
    assert len(decoder.name(TYPEDEF)) < 300


def test_an_array_of_itself_has_no_size(file: FakeFile) -> None:
    file.array(ARRAY, ARRAY, 3)
    decoder = decoder_for(file)
    assert decoder.readable_size(ARRAY) is None
    assert "[3]" in decoder.name(ARRAY)


def test_a_pointer_to_itself_ends_by_its_name(file: FakeFile) -> None:
    file.add(POINTER, Tag.POINTER_TYPE, type=POINTER, byte_size=8)
    process = FakeProcess(memory=(0x1000).to_bytes(8, "little"))
    variable = read(decoder_for(file, process), POINTER, process.memory)
    assert variable.value == 0x1000
    assert depth_of(variable) <= ValueLimits().depth + 1
    assert variable.type.startswith("...")


def test_a_function_of_functions_of_functions_has_a_short_name(file: FakeFile) -> None:
    file.add(80, Tag.SUBROUTINE_TYPE, type=80)
    for handle in range(81, 90):
        file.add(handle, Tag.FORMAL_PARAMETER, 80, type=80)
    assert len(decoder_for(file).name(80)) <= 4096


def test_a_reference_that_leads_back_to_itself_says_so(file: FakeFile) -> None:
    file.add(STRUCT, Tag.STRUCTURE_TYPE, name="s", byte_size=8)
    file.add(POINTER, Tag.REFERENCE_TYPE, type=STRUCT, byte_size=8)
    file.add(21, Tag.MEMBER, STRUCT, name="self", type=POINTER)
    process = FakeProcess(memory=(0x1000).to_bytes(8, "little"))
    variable = read(decoder_for(file, process), POINTER, process.memory)
    assert variable.target is not None
    inner = variable.target.members[0].target
    assert inner is not None
    assert (inner.address, inner.missing) == (0x1000, SHOWN_ABOVE)


@pytest.fixture
def nodes(file: FakeFile) -> FakeFile:
    """``struct node { struct node *next; char *name; }`` at STRUCT, POINTER to it."""
    file.add(STRUCT, Tag.STRUCTURE_TYPE, name="node", byte_size=16)
    file.add(POINTER, Tag.POINTER_TYPE, type=STRUCT, byte_size=8)
    file.add(31, Tag.POINTER_TYPE, type=CHAR, byte_size=8)
    file.add(21, Tag.MEMBER, STRUCT, name="next", type=POINTER)
    file.add(22, Tag.MEMBER, STRUCT, name="name", type=31, member_location=8)
    return file


def list_of(count: int, last: int = 0) -> bytes:
    """Nodes one behind the other from 0x1000 on; the last one leads to ``last``."""
    following = [0x1010 + 16 * index for index in range(count - 1)] + [last]
    name = 0x1000 + 16 * count
    return b"".join(struct.pack("<QQ", f, name) for f in following) + b"hello\0"


def targets_of(pointer: Variable) -> list[Variable]:
    """What a pointer, and each first member behind it, lead to."""
    found = []
    while pointer.target is not None:
        found.append(pointer.target)
        if not pointer.target.members:
            break
        pointer = pointer.target.members[0]
    return found


def test_pointers_are_followed_level_by_level_and_strings_always(
    nodes: FakeFile,
) -> None:
    process = FakeProcess(memory=list_of(5))
    decoder = decoder_for(nodes, process, ValueLimits(pointer_levels=3))
    pointer = read(decoder, POINTER, struct.pack("<Q", 0x1000))
    found = targets_of(pointer)
    assert [target.address for target in found] == [0x1000, 0x1010, 0x1020]
    last, name = found[-1].members
    assert (last.value, last.target, last.truncated) == (0x1030, None, False)
    assert (name.value, name.text) == (0x1050, "hello")


def test_near_targets_come_first_when_not_all_can_be_shown(file: FakeFile) -> None:
    file.add(STRUCT, Tag.STRUCTURE_TYPE, name="tree", byte_size=16)
    file.add(POINTER, Tag.POINTER_TYPE, type=STRUCT, byte_size=8)
    file.add(21, Tag.MEMBER, STRUCT, name="left", type=POINTER)
    file.add(22, Tag.MEMBER, STRUCT, name="right", type=POINTER, member_location=8)
    memory = b"".join(
        struct.pack("<QQ", 0x1000 + 32 * index + 16, 0x1000 + 32 * index + 32)
        for index in range(20)
    )
    limits = ValueLimits(pointer_levels=9, nodes_per_target=8)
    decoder = decoder_for(file, FakeProcess(memory=memory), limits)
    pointer = read(decoder, POINTER, struct.pack("<Q", 0x1000))
    assert pointer.target is not None
    left, right = pointer.target.members
    assert left.target is not None
    assert right.target is not None
    deeper = [*left.target.members, *right.target.members]
    assert [member.target for member in deeper] == [None] * 4
    assert any(member.truncated for member in deeper)


def test_a_list_that_leads_back_shows_each_node_once(nodes: FakeFile) -> None:
    process = FakeProcess(memory=list_of(3, last=0x1000))
    decoder = decoder_for(nodes, process, ValueLimits(pointer_levels=9))
    found = targets_of(read(decoder, POINTER, struct.pack("<Q", 0x1000)))
    assert [target.missing for target in found] == [None, None, None, SHOWN_ABOVE]
    assert found[-1].address == 0x1000


def test_a_target_is_shown_once_in_a_frame_and_again_in_the_next(
    nodes: FakeFile,
) -> None:
    decoder = decoder_for(nodes, FakeProcess(memory=list_of(2)))
    for _ in range(2):
        decoder.targets.begin_frame()
        decoder.allowance.begin(decoder.limits)
        first = read(decoder, POINTER, struct.pack("<Q", 0x1000))
        again = read(decoder, POINTER, struct.pack("<Q", 0x1000))
        inner = read(decoder, POINTER, struct.pack("<Q", 0x1010))
        assert [target.missing for target in targets_of(first)] == [None, None]
        assert [target.missing for target in targets_of(again)] == [SHOWN_ABOVE]
        assert [target.missing for target in targets_of(inner)] == [SHOWN_ABOVE]


def test_what_was_shown_in_part_is_not_shown_from_memory(nodes: FakeFile) -> None:
    decoder = decoder_for(nodes, FakeProcess(memory=list_of(3)))
    whole = read(decoder, POINTER, struct.pack("<Q", 0x1000))
    assert len(targets_of(whole)) == 3
    decoder.targets.begin_frame()
    decoder.allowance.begin(decoder.limits)
    read(decoder, POINTER, struct.pack("<Q", 0x1010))
    found = targets_of(read(decoder, POINTER, struct.pack("<Q", 0x1000)))
    assert [target.missing for target in found] == [None, SHOWN_ABOVE]


def test_a_pointer_to_what_is_not_in_the_core_says_so(file: FakeFile) -> None:
    file.add(POINTER, Tag.POINTER_TYPE, type=INT, byte_size=8)
    pointer = read(decoder_for(file), POINTER, struct.pack("<Q", 0x10))
    assert pointer.target is not None
    assert pointer.target.missing == "not in the core: 0x10"


def test_a_function_pointer_has_the_name_of_its_function(file: FakeFile) -> None:
    file.add(80, Tag.SUBROUTINE_TYPE, flags=DieFlag.PROTOTYPED)
    file.add(POINTER, Tag.POINTER_TYPE, type=80, byte_size=8)
    pointer = read(decoder_for(file), POINTER, struct.pack("<Q", 0x1234))
    assert (pointer.text, pointer.type) == ("function_1234", "void (*)(void)")


def test_text_ends_at_nul_and_shows_bytes_that_are_no_text(file: FakeFile) -> None:
    file.array(ARRAY, CHAR, 8)
    decoder = decoder_for(file)
    assert read(decoder, ARRAY, b"abc\0defg").text == "abc"
    assert read(decoder, ARRAY, b"a\xffb\xc3\xa9\0\0\0").text == "a\\xffbé"
    assert read(decoder, ARRAY, b"abcdefgh").text == "abcdefgh"
    assert read(decoder, ARRAY, bytes(8)).text == ""


def test_long_text_and_long_arrays_are_cut_and_say_so(file: FakeFile) -> None:
    limits = ValueLimits(text=16, elements=4)
    file.array(ARRAY, CHAR, 64)
    file.array(51, INT, 64)
    decoder = decoder_for(file, limits=limits)
    text = read(decoder, ARRAY, b"x" * 64)
    assert (text.text, text.truncated) == ("x" * 16, True)
    ended = read(decoder, ARRAY, b"short".ljust(64, b"\0"))
    assert (ended.text, ended.truncated) == ("short", False)
    numbers = read(decoder, 51, bytes(256))
    assert (len(numbers.members), numbers.truncated) == (4, True)


def test_arrays_of_arrays_keep_their_shape(file: FakeFile) -> None:
    file.array(ARRAY, INT, 2, 3)
    variable = read(decoder_for(file), ARRAY, struct.pack("<6i", *range(6)))
    assert variable.type == "int [2][3]"
    rows = [[e.value for e in row.members] for row in variable.members]
    assert rows == [[0, 1, 2], [3, 4, 5]]
    assert {row.type for row in variable.members} == {"int [3]"}


@pytest.mark.parametrize("count", [0, 1 << 31, 1 << 63])
def test_an_array_of_absurd_length_costs_nothing(file: FakeFile, count: int) -> None:
    file.array(ARRAY, INT, count)
    decoder = decoder_for(file)
    size = decoder.readable_size(ARRAY)
    assert size is not None
    assert size <= 4096
    assert len(read(decoder, ARRAY, bytes(size)).members) <= 100


def test_a_declared_type_is_completed_from_elsewhere_in_the_module(
    file: FakeFile,
) -> None:
    file.add(STRUCT, Tag.STRUCTURE_TYPE, name="s", flags=DieFlag.DECLARATION)
    file.add(25, Tag.STRUCTURE_TYPE, name="s", byte_size=4)
    file.add(26, Tag.MEMBER, 25, name="x", type=INT)
    variable = read(decoder_for(file), STRUCT, b"\7\0\0\0")
    assert [member.value for member in variable.members] == [7]


def test_a_type_that_is_only_declared_is_said_to_be_incomplete(file: FakeFile) -> None:
    file.add(STRUCT, Tag.STRUCTURE_TYPE, name="s", flags=DieFlag.DECLARATION)
    decoder = decoder_for(file)
    assert decoder.readable_size(STRUCT) is None
    assert decoder.no_size_reason(STRUCT).startswith("incomplete type")
