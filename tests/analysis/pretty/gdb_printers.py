# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
# Run inside gdb: writes what the library's own printers make of the variables of the
# frame below the crashed one, as JSON.
#
#   CORESNAP_GDB_OUTPUT=out.json gdb -batch -nx -x gdb_printers.py PROGRAM CORE
import json
import os

import gdb

ELEMENTS = 100


def plain(value):
    if not isinstance(value, gdb.Value):
        return value
    printer = gdb.default_visualizer(value)
    if printer is None:
        return _raw(value)
    hint = printer.display_hint() if hasattr(printer, "display_hint") else None
    if hint == "string":
        text = printer.to_string()
        return text.value().string() if hasattr(text, "type") else str(text)
    if not hasattr(printer, "children"):
        return str(printer.to_string())
    children = []
    for name, child in printer.children():
        if len(children) >= ELEMENTS * (2 if hint == "map" else 1):
            break
        children.append([name, plain(child)])
    if hint == "map":
        keys, mapped = children[::2], children[1::2]
        return [[k[1], m[1]] for k, m in zip(keys, mapped, strict=False)]
    return [child for _, child in children]


def _raw(value):
    kind = value.type.strip_typedefs()
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return {f.name: plain(value[f]) for f in kind.fields() if not f.is_base_class}
    if kind.code == gdb.TYPE_CODE_ARRAY:
        low, high = kind.range()
        return [plain(value[index]) for index in range(low, high + 1)]
    if kind.code == gdb.TYPE_CODE_FLT:
        return float(value)
    if kind.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        return plain(value.referenced_value())
    return int(value)


gdb.newest_frame().older().select()
found = {}
for symbol in gdb.selected_frame().block():
    if symbol.is_variable:
        try:
            found[symbol.name] = plain(symbol.value(gdb.selected_frame()))
        except gdb.error as error:
            found[symbol.name] = {"error": str(error)}
with open(os.environ["CORESNAP_GDB_OUTPUT"], "w") as output:
    json.dump(found, output)
