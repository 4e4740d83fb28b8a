"""Numbers of the DWARF standard (version 5, section 7) that are read here.

Plain numbers, as what C reads is compared with them: to make enumerations of so many
members takes a millisecond of each start.
"""

from __future__ import annotations

__all__ = ["Attribute", "Encoding", "Language", "Tag"]


class Tag:
    """DW_TAG_*."""

    ARRAY_TYPE = 0x01
    CLASS_TYPE = 0x02
    ENUMERATION_TYPE = 0x04
    FORMAL_PARAMETER = 0x05
    LEXICAL_BLOCK = 0x0B
    MEMBER = 0x0D
    POINTER_TYPE = 0x0F
    REFERENCE_TYPE = 0x10
    COMPILE_UNIT = 0x11
    STRUCTURE_TYPE = 0x13
    SUBROUTINE_TYPE = 0x15
    TYPEDEF = 0x16
    UNION_TYPE = 0x17
    UNSPECIFIED_PARAMETERS = 0x18
    VARIANT = 0x19
    INHERITANCE = 0x1C
    INLINED_SUBROUTINE = 0x1D
    MODULE = 0x1E
    PTR_TO_MEMBER_TYPE = 0x1F
    SUBRANGE_TYPE = 0x21
    WITH_STMT = 0x22
    BASE_TYPE = 0x24
    CATCH_BLOCK = 0x25
    CONST_TYPE = 0x26
    ENUMERATOR = 0x28
    SUBPROGRAM = 0x2E
    TEMPLATE_TYPE_PARAMETER = 0x2F
    TEMPLATE_VALUE_PARAMETER = 0x30
    TRY_BLOCK = 0x32
    VARIANT_PART = 0x33
    VARIABLE = 0x34
    VOLATILE_TYPE = 0x35
    RESTRICT_TYPE = 0x37
    INTERFACE_TYPE = 0x38
    NAMESPACE = 0x39
    UNSPECIFIED_TYPE = 0x3B
    PARTIAL_UNIT = 0x3C
    TYPE_UNIT = 0x41
    RVALUE_REFERENCE_TYPE = 0x42
    ATOMIC_TYPE = 0x47
    CALL_SITE = 0x48
    CALL_SITE_PARAMETER = 0x49
    IMMUTABLE_TYPE = 0x4B
    GNU_TEMPLATE_PARAMETER_PACK = 0x4107
    GNU_CALL_SITE = 0x4109
    GNU_CALL_SITE_PARAMETER = 0x410A


class Attribute:
    """DW_AT_*: those that are asked for by number."""

    LOCATION = 0x02
    BYTE_SIZE = 0x0B
    DISCR = 0x15
    DISCR_VALUE = 0x16
    COMP_DIR = 0x1B
    PRODUCER = 0x25
    CONST_VALUE = 0x1C
    LOWER_BOUND = 0x22
    UPPER_BOUND = 0x2F
    COUNT = 0x37
    DATA_MEMBER_LOCATION = 0x38
    FRAME_BASE = 0x40
    ABSTRACT_ORIGIN = 0x31
    VTABLE_ELEM_LOCATION = 0x4D
    DATA_LOCATION = 0x50
    CALL_VALUE = 0x7E
    CALL_ORIGIN = 0x7F
    CALL_PARAMETER = 0x80
    CALL_TAIL_CALL = 0x82
    CALL_TARGET = 0x83
    GNU_CALL_SITE_VALUE = 0x2111
    GNU_CALL_SITE_TARGET = 0x2113
    GNU_TAIL_CALL = 0x2115
    DWO_NAME = 0x76
    CALL_ALL_CALLS = 0x7A
    GNU_ALL_CALL_SITES = 0x2117
    APPLE_OPTIMIZED = 0x3FE1
    GNU_DWO_NAME = 0x2130


class Encoding:
    """DW_ATE_*."""

    ADDRESS = 0x01
    BOOLEAN = 0x02
    COMPLEX_FLOAT = 0x03
    FLOAT = 0x04
    SIGNED = 0x05
    SIGNED_CHAR = 0x06
    UNSIGNED = 0x07
    UNSIGNED_CHAR = 0x08
    DECIMAL_FLOAT = 0x0F
    UTF = 0x10
    UCS = 0x11
    ASCII = 0x12
    GNU_COMPLEX_INTEGER = 0x80
    """DW_ATE_lo_user: GCC's encoding of ``_Complex int``."""


class Language:
    """DW_LANG_*: those whose names or types are written differently."""

    C_PLUS_PLUS = 0x04
    RUST = 0x1C
    C_PLUS_PLUS_03 = 0x19
    C_PLUS_PLUS_11 = 0x1A
    C_PLUS_PLUS_14 = 0x21
    C_PLUS_PLUS_17 = 0x2A
    C_PLUS_PLUS_20 = 0x2B

    @classmethod
    def is_cplusplus(cls, number: int) -> bool:
        """Whether the unit's DW_AT_language is any C++."""
        return number in _CPLUSPLUS


_CPLUSPLUS = frozenset(
    (
        Language.C_PLUS_PLUS,
        Language.C_PLUS_PLUS_03,
        Language.C_PLUS_PLUS_11,
        Language.C_PLUS_PLUS_14,
        Language.C_PLUS_PLUS_17,
        Language.C_PLUS_PLUS_20,
    )
)
