"""The tables of offsets, compared with the debug information of real builds."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from coresnap.analysis.interpreters.cpython.layouts import LAYOUTS, Layout
from pythons import Python, pythons

pytestmark = pytest.mark.gdb

RUNTIME, INTERPRETER = "struct pyruntimestate", "struct _is"
THREAD, OLD_FRAME = "struct _ts", "struct _frame"
FRAME, CODE = "struct _PyInterpreterFrame", "PyCodeObject"


def library_of(python: Python) -> Path | None:
    """The file that holds the interpreter, by what is mapped in one."""
    script = "print(open('/proc/self/maps').read())"
    run = subprocess.run([*python.command, "-c", script], capture_output=True)
    paths = set(re.findall(r"/\S*python3\S*", run.stdout.decode()))
    for path in sorted(paths, key=lambda path: ".so.1" not in path):
        if re.search(r"/(libpython3\.\d+\.so\.1\.0|python3\.\d+)$", path):
            return Path(path)
    return None


def offsets(file: Path, fields: Sequence[tuple[str, str]]) -> list[int]:
    """What gdb says of (structure, field); raises if it knows one not."""
    commands: list[str] = []
    for structure, field in fields:
        commands += ["-ex", f"print (long) &(({structure} *) 0)->{field}"]
    run = subprocess.run(
        ["gdb", "-nx", "-q", "--batch", *commands, str(file)],
        capture_output=True,
        text=True,
    )
    found = [int(n) for n in re.findall(r"^\$\d+ = (\d+)$", run.stdout, re.MULTILINE)]
    if len(found) != len(fields):
        pytest.skip(f"no debug information in {file}: {run.stderr.strip()[:200]}")
    return found


def expected(layout: Layout) -> Iterator[tuple[str, str, int]]:
    """(structure, field, offset) of everything that differs between versions."""
    version = layout.version
    yield from _states(layout)
    yield from _frames(layout)
    yield from _code(layout)
    objects = layout.objects
    yield (
        "PyFunctionObject",
        "func_name",
        (objects.function_name if version < (3, 10) else 32),
    )
    yield "PyHeapTypeObject", "ht_name", objects.type_name
    yield "PyHeapTypeObject", "ht_cached_keys", objects.cached_keys
    yield "struct _typeobject", "tp_name", objects.type_text
    yield "struct _typeobject", "tp_flags", objects.type_flags
    yield "struct _typeobject", "tp_dictoffset", objects.type_text + 264
    yield "PyListObject", "ob_item", objects.list_items
    yield "PyTupleObject", "ob_item", objects.tuple_items
    yield "PyBytesObject", "ob_sval", objects.bytes_data
    yield "PyFloatObject", "ob_fval", objects.float_value
    yield "PyASCIIObject", "length", objects.text_length
    yield "PyASCIIObject", "state", objects.text_state
    yield "PyUnicodeObject", "data", objects.compact_size
    yield "PyDictObject", "ma_keys", objects.dict_keys
    yield "PyDictObject", "ma_values", objects.dict_values
    yield "PySetObject", "used", objects.set_used
    yield "PySetObject", "mask", objects.set_mask
    yield "PySetObject", "table", objects.set_table
    yield "PyBaseExceptionObject", "args", 24
    yield "PyCellObject", "ob_ref", 16
    if version >= (3, 13):
        yield "struct _dictvalues", "values", objects.values_header
    keys = "dk_log2_size" if objects.log2_keys else "dk_size"
    yield "struct _dictkeysobject", keys, 8
    yield "struct _dictkeysobject", "dk_nentries", 24 if objects.log2_keys else 32
    yield "struct _dictkeysobject", "dk_indices", 32 if objects.log2_keys else 40


def _states(layout: Layout) -> Iterator[tuple[str, str, int]]:
    version, runtime, thread = layout.version, layout.runtime, layout.thread
    head = "tstate_head" if version < (3, 11) else "threads.head"
    yield RUNTIME, "interpreters.head", runtime.interpreters_head
    yield RUNTIME, "interpreters.main", runtime.interpreters_head + 8
    yield INTERPRETER, "next", runtime.interpreter_next
    yield INTERPRETER, head, runtime.threads_head
    yield THREAD, "next", thread.next
    yield THREAD, "interp", thread.interpreter
    yield THREAD, "thread_id", thread.thread_id
    yield THREAD, "exc_info", thread.handled
    raised = "curexc_value" if version < (3, 12) else "current_exception"
    yield THREAD, raised, thread.exception
    if thread.native_thread_id is not None:
        yield THREAD, "native_thread_id", thread.native_thread_id
    if thread.frame is not None:
        name = "frame" if version < (3, 11) else "current_frame"
        yield THREAD, name, thread.frame
    if thread.cframe is not None and thread.cframe_previous is not None:
        structure = "struct _cframe" if version < (3, 11) else "struct _PyCFrame"
        yield THREAD, "cframe", thread.cframe
        yield structure, "previous", thread.cframe_previous
        if thread.cframe_frame is not None:
            yield structure, "current_frame", thread.cframe_frame


def _frames(layout: Layout) -> Iterator[tuple[str, str, int]]:
    version, frame = layout.version, layout.frame
    if version < (3, 11):
        yield OLD_FRAME, "f_back", frame.previous
        yield OLD_FRAME, "f_code", frame.code
        yield OLD_FRAME, "f_lasti", frame.instruction
        yield OLD_FRAME, "f_localsplus", frame.locals
        yield OLD_FRAME, "f_locals", frame.namespace
        return
    yield FRAME, "previous", frame.previous
    yield FRAME, "f_code" if version < (3, 13) else "f_executable", frame.code
    instruction = "prev_instr" if version < (3, 13) else "instr_ptr"
    yield FRAME, instruction, frame.instruction
    yield FRAME, "localsplus", frame.locals
    yield FRAME, "f_locals", frame.namespace
    if frame.owner is not None:
        yield FRAME, "owner", frame.owner
    if frame.is_entry is not None:
        yield FRAME, "is_entry", frame.is_entry


def _code(layout: Layout) -> Iterator[tuple[str, str, int]]:
    version, code = layout.version, layout.code
    yield CODE, "co_argcount", code.argument_count
    yield CODE, "co_kwonlyargcount", code.keyword_only_count
    yield CODE, "co_flags", code.flags
    yield CODE, "co_firstlineno", code.first_line
    yield CODE, "co_filename", code.filename
    yield CODE, "co_name" if version < (3, 11) else "co_qualname", code.name
    yield CODE, "co_lnotab" if version < (3, 10) else "co_linetable", code.lines
    if version < (3, 11):
        names: Sequence[str] = ("co_varnames", "co_cellvars", "co_freevars")
    else:
        names = ("co_localsplusnames",)
    for name, offset in zip(names, code.names, strict=True):
        yield CODE, name, offset
    if code.kinds is not None:
        yield CODE, "co_localspluskinds", code.kinds
    if code.instructions is not None and code.first_traceable is not None:
        yield CODE, "co_code_adaptive", code.instructions
        yield CODE, "_co_firsttraceable", code.first_traceable


@pytest.mark.linux
@pytest.mark.skipif(not pythons(), reason="no CPython from 3.9 on is installed")
@pytest.mark.parametrize("python", pythons(), ids=str)
def test_offsets_are_those_of_the_build(python: Python) -> None:
    layout = LAYOUTS[python.version[0], python.version[1]]
    if python.free_threaded:
        pytest.skip("builds without GIL are not read")
    file = library_of(python)
    assert file is not None
    assert shutil.which("gdb")
    rows = list(expected(layout))
    found = offsets(file, [(structure, field) for structure, field, _ in rows])
    assert [(*row[:2], at) for row, at in zip(rows, found, strict=True)] == rows
