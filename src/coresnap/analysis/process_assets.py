"""What a core's notes say about its process, as the files that a capture would keep.

On Linux they are read from ``/proc`` before the process is gone, in ``proc(5)``'s form.
FreeBSD's core has the facts itself; here they take the same form, so that everything
behind them (attributes, verdicts, scrubbing, what travels) is one for both. A line is
left out if the system does not say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coresnap.config.environment import filter_environment
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.freebsd_strings import read_process_strings
from coresnap.elfcore.process_state import Limit, OpenFile, ProcessState

__all__ = ["process_assets"]

_AT_PAGESZ = 6
_PAGE = 4096
_KIB = 1024
_LIMITS = {
    "cpu": ("Max cpu time", "seconds"),
    "fsize": ("Max file size", "bytes"),
    "data": ("Max data size", "bytes"),
    "stack": ("Max stack size", "bytes"),
    "core": ("Max core file size", "bytes"),
    "rss": ("Max resident set", "bytes"),
    "nproc": ("Max processes", "processes"),
    "nofile": ("Max open files", "files"),
    "memlock": ("Max locked memory", "bytes"),
    "vmem": ("Max address space", "bytes"),
    "sbsize": ("Max socket buffers", "bytes"),
    "npts": ("Max pseudo-terminals", "terminals"),
    "swap": ("Max swap space", "bytes"),
    "kqueues": ("Max kqueues", "kqueues"),
    "umtxp": ("Max shared locks", "locks"),
    "pipebuf": ("Max pipe buffers", "bytes"),
}
"""Names and units as Linux has them (``fs/proc/base.c``); below, FreeBSD's own."""
_LINKS = {"text": "exe", "cwd": "cwd", "root": "root"}


def process_assets(
    core: CoreFile, variables: Sequence[str]
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return members of the assets by their names, and what could not be read.

    None if the notes say nothing. ``variables`` are those of the environment that may
    be kept (``environ.allow``).
    """
    state = core.facts.state
    if state is None:
        return {}, ()
    strings = read_process_strings(core.memory, core.facts.start.ps_strings)
    page = core.facts.auxv.get(_AT_PAGESZ) or _PAGE
    found = {
        "cmdline": b"".join(word + b"\0" for word in strings.arguments),
        "environ": filter_environment(strings.environment, variables),
        "fd": b"".join(_descriptors(state.files)),
        "limits": _limits(state.limits),
        "status": _lines(_status(state, page)),
    }
    for role, name in _LINKS.items():
        file = state.file_of(role)
        if file is not None and file.path is not None:
            found[name] = file.path
    members = {f"process/{name}": data for name, data in found.items() if data}
    return members, strings.problems


def _descriptors(files: Sequence[OpenFile]) -> Iterator[bytes]:
    for file in files:
        if file.descriptor is not None:
            yield b"%d %b\0" % (file.descriptor, _target(file))


def _target(file: OpenFile) -> bytes:
    """The path; where there is none, what it is, in brackets as Linux has it."""
    if file.path is not None:
        return file.path
    words = [file.vnode] if file.vnode else []
    if (end := file.socket) is not None:
        words = [end.protocol or end.domain, end.local, end.peer]
    elif file.pid is not None:
        words = [str(file.pid)]
    kind = "file" if file.kind == "vnode" else file.kind
    return f"{kind}:[{' '.join(word for word in words if word)}]".encode()


def _limits(limits: Sequence[Limit]) -> bytes:
    if not limits:
        return b""
    rows = [("Limit", "Soft Limit", "Hard Limit", "Units")]
    for limit in limits:
        name, unit = _LIMITS.get(limit.name, (f"Max {limit.name}", ""))
        rows.append((name, _bound(limit.soft), _bound(limit.hard), unit))
    return "".join(f"{a:25} {b:20} {c:20} {d:10}\n" for a, b, c, d in rows).encode()


def _bound(value: int | None) -> str:
    return "unlimited" if value is None else str(value)


def _lines(fields: Iterator[tuple[str, object]]) -> bytes:
    text = "".join(f"{name}:\t{value}\n" for name, value in fields if value is not None)
    return text.encode("utf-8", "backslashreplace")


def _status(state: ProcessState, page: int) -> Iterator[tuple[str, object]]:
    """Names and units of Linux's ``status``: sizes are KiB."""
    # The process chose it: no part of it may pass for another line.
    name = state.command.replace("\\", "\\\\").replace("\n", "\\n")
    yield "Name", name or None
    yield "Umask", None if state.umask is None else f"{state.umask:04o}"
    yield "Pid", state.pid
    yield "PPid", state.parent
    if (ids := state.credentials) is not None:
        yield "Uid", f"{ids.user}\t{ids.effective_user}\t{ids.saved_user}"
        yield "Gid", f"{ids.group}\t{ids.effective_group}\t{ids.saved_group}"
    if state.files:
        yield "FDSize", sum(file.descriptor is not None for file in state.files)
    yield "Groups", " ".join(map(str, state.groups)) or None
    yield from _sizes(state, page)
    yield "Threads", state.thread_count
    if usages := [thread.usage for thread in state.threads]:
        yield "voluntary_ctxt_switches", sum(u.voluntary_switches for u in usages)
        yield "nonvoluntary_ctxt_switches", sum(u.involuntary_switches for u in usages)


def _sizes(state: ProcessState, page: int) -> Iterator[tuple[str, object]]:
    if state.virtual_size is not None:
        yield "VmSize", f"{state.virtual_size // _KIB} kB"
    resident = _pages(state.resident_pages, page)
    if resident is not None:
        # Each thread's peak was seen at ticks of the clock: the last may be higher.
        peaks = [thread.usage.peak_resident for thread in state.threads]
        yield "VmHWM", f"{max([resident, *peaks])} kB"
        yield "VmRSS", f"{resident} kB"
    for name, pages in (
        ("VmData", state.data_pages),
        ("VmStk", state.stack_pages),
        ("VmExe", state.text_pages),
    ):
        if (size := _pages(pages, page)) is not None:
            yield name, f"{size} kB"


def _pages(count: int | None, page: int) -> int | None:
    return None if count is None or count < 0 else count * page // _KIB
