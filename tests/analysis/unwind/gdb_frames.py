"""Run inside gdb: prints the pcs of every physical frame of every thread as JSON.

Inlined and tail-call frames are gdb's own inventions, and are left out.
"""

import json

import gdb  # type: ignore[import-untyped]

_PSEUDO = (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME)


def _pcs() -> list[int]:
    pcs = []
    frame = gdb.newest_frame()
    while frame is not None:
        if frame.type() not in _PSEUDO:
            pcs.append(int(frame.pc()))
        try:
            frame = frame.older()
        except gdb.error:
            break
    return pcs


found = {}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    found[thread.ptid[1] or thread.ptid[0]] = _pcs()
print("FRAMES " + json.dumps(found))
