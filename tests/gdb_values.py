# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
# Run inside gdb, whose Python module has no types: writes what gdb sees in each frame
# of each thread, as JSON.
#
#   CORESNAP_GDB_OUTPUT=out.json gdb -batch -nx -x gdb_values.py PROGRAM CORE
#
# A value is one of: {"value": number, "text": string} (text of enums, strings),
# {"members": [[name, value], ...]}, {"elements": [value, ...]}, {"missing": true}.
# Pointers and references have what they point to as "target", TARGETS levels deep.
import json
import os

import gdb

ELEMENTS = 100
DEPTH = 16
TARGETS = 1
RUST_BYTES = ("u8", "i8")
WIDE = {"wchar_t": 4, "char16_t": 2, "char32_t": 4}


def tree(value, depth=DEPTH, targets=TARGETS):
    try:
        return _tree(value, depth, targets)
    except (gdb.error, KeyboardInterrupt):
        # Optimized out, or not in memory, or gdb's own internal error.
        return {"missing": True}


def _tree(value, depth, targets):
    kind = value.type.strip_typedefs()
    code = kind.code
    if code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return {"members": _members(value, kind, depth, targets)} if depth else {}
    if value.is_optimized_out:
        return {"missing": True}
    if code == gdb.TYPE_CODE_ARRAY:
        return _array(value, kind, depth, targets)
    if code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        target = value.referenced_value()
        if target.address is None:
            return {"missing": True}
        behind = _behind(value, depth, targets) if depth else {}
        return {"value": int(target.address), "target": behind}
    if code == gdb.TYPE_CODE_PTR:
        if "<synthetic pointer>" in value.format_string(address=False):
            return {"missing": True}
        found = {"value": int(value) & (1 << 64) - 1}
        found["text"] = _pointed_text(value, kind)
        if depth and targets and _leads_somewhere(value, kind):
            found["target"] = _behind(value, depth, targets - 1)
        return found
    return _scalar(value, kind, code)


def _behind(value, depth, targets):
    """What a pointer or reference leads to: all of the object, as its vtable says."""
    whole, name = value, None
    try:
        declared, dynamic = _target_name(value.type), _target_name(value.dynamic_type)
        if declared != dynamic:
            whole, name = value.cast(value.dynamic_type), dynamic
    except gdb.error:
        pass  # the object's class is not in the debug information
    if whole.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
        found = tree(whole.dereference(), depth - 1, targets)
    else:
        found = tree(whole.referenced_value(), depth - 1, targets)
    if name is not None and found:
        found["dynamic"] = name
    return found


def _target_name(kind):
    plain = kind.strip_typedefs().target().strip_typedefs().unqualified()
    # In a frame of C, str() says "struct" as well.
    return plain.name or str(plain)


def _leads_somewhere(value, kind):
    target = kind.target().strip_typedefs()
    is_text = _character_size(kind.target()) != 0
    nothing = target.code in (gdb.TYPE_CODE_VOID, gdb.TYPE_CODE_FUNC)
    return int(value) != 0 and not is_text and not nothing and target.sizeof > 0


def _scalar(value, kind, code):
    if code == gdb.TYPE_CODE_FLT:
        return {"value": repr(float(value))}
    if code == gdb.TYPE_CODE_ENUM:
        return {"value": int(value), "text": str(value)}
    if code == gdb.TYPE_CODE_COMPLEX:
        return {"text": value.format_string()}
    if code in (gdb.TYPE_CODE_MEMBERPTR, gdb.TYPE_CODE_METHODPTR):
        return {"text": value.format_string()}
    if code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_BOOL):
        # gdb 13 has no int() of 128 bits.
        wide = kind.sizeof > 8
        return {"value": int(value.format_string()) if wide else int(value)}
    return {}


def _members(value, kind, depth, targets):
    found = []
    for field in kind.fields():
        if not hasattr(field, "bitpos") and not field.is_base_class:
            continue  # static
        if field.artificial and not field.name:
            continue  # what tells Rust's variants apart
        try:
            member = tree(value[field], depth - 1, targets)
        except (gdb.error, RuntimeError):
            member = {"missing": True}
        found.append([field.name or "", member])
    return found


def _character_size(kind):
    plain = kind
    while plain.code == gdb.TYPE_CODE_TYPEDEF or plain.unqualified() != plain:
        if plain.unqualified().name in WIDE:
            return WIDE[plain.unqualified().name]
        if plain.code != gdb.TYPE_CODE_TYPEDEF:
            plain = plain.unqualified()
            continue
        plain = plain.target()
    if plain.name in WIDE:
        return WIDE[plain.name]
    if plain.name in RUST_BYTES:
        return 0  # no characters there
    is_byte = (
        plain.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR) and plain.sizeof == 1
    )
    return 1 if is_byte else 0


def _array(value, kind, depth, targets):
    low, high = kind.range()
    count = min(high - low + 1, ELEMENTS)
    size = _character_size(kind.target())
    if size:
        units = []
        for index in range(high - low + 1):
            unit = int(value[low + index]) & (1 << 8 * size) - 1
            if unit == 0:
                break
            units.append(unit)
        return {"units": units, "size": size}
    if not depth:
        return {}
    places = range(low, low + count)
    return {"elements": [tree(value[i], depth - 1, targets) for i in places]}


def _pointed_text(value, kind):
    size = _character_size(kind.target())
    if not size or int(value) == 0:
        return None
    try:
        units = []
        while len(units) < 64:
            unit = int((value + len(units)).dereference()) & (1 << 8 * size) - 1
            if unit == 0:
                break
            units.append(unit)
        return [size, units]
    except gdb.error:
        return None


def _is_constant(symbol):
    """A variable with DW_AT_const_value; enumerators look alike."""
    if not symbol.is_constant:
        return False
    kind = symbol.type.strip_typedefs()
    is_enum = kind.code == gdb.TYPE_CODE_ENUM
    return not is_enum or symbol.name not in [field.name for field in kind.fields()]


def variables(frame):
    found = []
    frame.select()  # bounds of arrays are computed in the selected frame
    try:
        block = frame.block()
    except RuntimeError:
        return found
    scopes = []
    while block is not None and not block.is_global and not block.is_static:
        scopes.append(block)
        if block.function is not None:
            break
        block = block.superblock
    for block in reversed(scopes):
        for symbol in block:
            if not (symbol.is_argument or symbol.is_variable or _is_constant(symbol)):
                continue
            if symbol.addr_class in (gdb.SYMBOL_LOC_UNRESOLVED, gdb.SYMBOL_LOC_TYPEDEF):
                continue
            try:
                value = tree(symbol.value(frame))
            except (gdb.error, KeyboardInterrupt):
                value = {"missing": True}
            found.append([symbol.name, bool(symbol.is_argument), value])
    found.sort(key=lambda one: not one[1])
    return found


def source_file(symtab):
    # gdb 13 puts a relative compilation directory before a name that has it already.
    full, name = symtab.fullname(), symtab.filename
    return full if full.startswith("/") or name.startswith("../") else name


def frames():
    frame = gdb.newest_frame()
    while frame is not None:
        if frame.type() != gdb.TAILCALL_FRAME:
            place = frame.find_sal()
            symbol = frame.function()
            yield {
                "pc": frame.pc(),
                "function": frame.name(),
                "symbol": symbol.name if symbol is not None else None,
                "inline": frame.type() == gdb.INLINE_FRAME,
                "file": source_file(place.symtab) if place.symtab else None,
                "line": place.line or None,
                "variables": variables(frame),
            }
        frame = frame.older()


def main():
    # gdb 13 asserts that a reference in pieces has one piece (coerce_pieced_ref).
    gdb.execute("maint set internal-error quit no")
    gdb.execute("maint set internal-error corefile no")
    gdb.execute("set print entry-values no")
    gdb.execute("set backtrace past-main on")
    threads = []
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        threads.append({"tid": thread.ptid[1], "frames": list(frames())})
    with open(os.environ["CORESNAP_GDB_OUTPUT"], "w") as output:
        json.dump(threads, output)


main()
