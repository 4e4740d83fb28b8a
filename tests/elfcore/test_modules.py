"""Modules: what was loaded where, and which local file may stand in for it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import corewriter as w
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.elfcore.modulefile import KeptFile
from coresnap.elfcore.modules import LoadedModule

RX, R, RW = w.PF_R | w.PF_X, w.PF_R, w.PF_R | w.PF_W
BASE = 0x7F00_0000_0000
RIGHT, WRONG = b"\x11" * 20, b"\x22" * 20

LIBRARY = w.write_module(
    segments=[
        w.Segment(0, flags=R, memory_size=0x1000),
        w.Segment(0x1000, b"\xc3" * 256, flags=RX),
        w.Segment(0x13000, b"data" * 16, flags=RW),
    ],
    build_id=RIGHT,
)


def other_build() -> bytes:
    return LIBRARY.replace(RIGHT, WRONG)


def make_core(
    tmp_path: Path,
    files: Sequence[tuple[int, int, int, bytes]],
    segments: Sequence[w.Segment],
    *,
    auxv: Mapping[int, int] | None = None,
    executable: Path | None = None,
    sysroot: Path | None = None,
    kept: Sequence[KeptFile] = (),
) -> CoreFile:
    notes = [w.prstatus(w.X86_64, tid=1, signal=11, registers={})]
    if files:
        notes.append(w.mapped_files(w.X86_64, files))
    notes.append(w.auxv(w.X86_64, auxv or {}))
    path = tmp_path / "core"
    path.write_bytes(w.write_core(notes=notes, segments=segments))
    return open_core(path, executable=executable, sysroot=sysroot, kept=kept)


def library_files(
    path: Path | str, base: int = BASE
) -> list[tuple[int, int, int, bytes]]:
    name = os.fsencode(path)
    return [
        (base, base + 0x1000, 0, name),
        (base + 0x1000, base + 0x2000, 1, name),
        (base + 0x13000, base + 0x14000, 0x13, name),
    ]


def library_segments(base: int = BASE) -> list[w.Segment]:
    return [
        w.Segment(base, LIBRARY[:0x1000], flags=R),
        w.Segment(base + 0x1000, flags=RX, memory_size=0x1000),
        w.Segment(base + 0x13000, b"DATA" * 16, flags=RW),
    ]


def only(core: CoreFile) -> LoadedModule:
    (module,) = core.modules
    return module


def test_a_file_with_the_cores_build_id_is_used(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(LIBRARY)
    with make_core(tmp_path, library_files(path), library_segments()) as core:
        module = only(core)
        assert (module.start, module.end) == (BASE, BASE + 0x14000)
        assert module.load_bias == BASE
        assert module.build_id == module.file_build_id == RIGHT.hex()
        assert (module.file, module.problem) == (path, None)
        # Text comes from the file, data only from the core.
        assert core.memory.read(BASE + 0x1010, 4) == b"\xc3" * 4
        assert core.memory.read(BASE + 0x13000, 4) == b"DATA"


def kept_copy(tmp_path: Path, content: bytes, path: str) -> KeptFile:
    place = tmp_path / "copy"
    place.write_bytes(content)
    return KeptFile(place, "assets:modules/0", path.encode())


def test_a_copy_that_came_with_the_core_is_taken_by_build_id(tmp_path: Path) -> None:
    kept = [kept_copy(tmp_path, LIBRARY, "/elsewhere")]
    files = library_files("/container/lib.so")
    with make_core(tmp_path, files, library_segments(), kept=kept) as core:
        module = only(core)
        assert module.path == "/container/lib.so"
        assert (module.file, module.problem) == (kept[0].place, None)
        assert module.kept_as == "assets:modules/0"
        assert core.memory.read(BASE + 0x1010, 4) == b"\xc3" * 4


def test_a_copy_is_preferred_to_the_host_s_file(tmp_path: Path) -> None:
    host = tmp_path / "lib.so"
    host.write_bytes(LIBRARY)
    kept = [kept_copy(tmp_path, LIBRARY, str(host))]
    files = library_files(host)
    with make_core(tmp_path, files, library_segments(), kept=kept) as core:
        assert only(core).file == kept[0].place


@pytest.mark.parametrize("content", [other_build(), b"no elf", b""])
def test_a_copy_that_does_not_fit_is_not_used(tmp_path: Path, content: bytes) -> None:
    host = tmp_path / "lib.so"
    host.write_bytes(LIBRARY)
    kept = [kept_copy(tmp_path, content, str(host))]
    files = library_files(host)
    with make_core(tmp_path, files, library_segments(), kept=kept) as core:
        module = only(core)
        assert (module.file, module.kept_as) == (host, None)


def test_a_copy_is_taken_by_path_where_the_core_has_no_build_id(
    tmp_path: Path,
) -> None:
    absent = [w.Segment(BASE, flags=R, memory_size=0x1000), *library_segments()[1:]]
    host = tmp_path / "lib.so"
    host.write_bytes(other_build())
    kept = [kept_copy(tmp_path, LIBRARY, str(host))]
    with make_core(tmp_path, library_files(host), absent, kept=kept) as core:
        module = only(core)
        assert (module.file, module.problem) == (kept[0].place, None)


def test_a_file_of_another_build_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(other_build())
    with make_core(tmp_path, library_files(path), library_segments()) as core:
        module = only(core)
        assert module.file is None
        assert module.elf is None
        assert module.file_build_id == WRONG.hex()
        assert module.problem is not None
        assert WRONG.hex() in module.problem
        assert RIGHT.hex() in module.problem
        assert core.memory.read_some(BASE + 0x1010, 4) == b""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "not here"),
        (b"no elf", "not an ELF file"),
        (b"", "is empty"),
        (w.write_module(w.AARCH64, build_id=RIGHT), "another machine"),
        (w.write_module(w.I386, build_id=RIGHT), "another machine"),
    ],
)
def test_a_file_that_cannot_serve_says_why(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "lib.so"
    if content is not None:
        path.write_bytes(content)
    with make_core(tmp_path, library_files(path), library_segments()) as core:
        module = only(core)
        assert module.file is None
        assert problem in (module.problem or "")
        assert module.build_id == RIGHT.hex()


def test_an_unreadable_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(LIBRARY)
    really_open = os.open

    def refuse(name: str, flags: int) -> int:
        if os.fspath(name) == str(path):
            raise PermissionError(13, "Permission denied")
        return really_open(name, flags)

    monkeypatch.setattr(os, "open", refuse)
    with make_core(tmp_path, library_files(path), library_segments()) as core:
        assert "Permission denied" in (only(core).problem or "")


@pytest.mark.parametrize("same", [True, False])
def test_a_deleted_file_is_used_only_if_the_same_is_back(
    tmp_path: Path, same: bool
) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(LIBRARY if same else other_build())
    files = library_files(f"{path} (deleted)")
    with make_core(tmp_path, files, library_segments()) as core:
        module = only(core)
        assert module.file == (path if same else None)
        assert ("deleted" in (module.problem or "")) is not same


def test_names_that_are_no_paths_are_never_opened(tmp_path: Path) -> None:
    for name in ("memfd:jit (deleted)", "[aio]", "../etc/passwd", ""):
        files = library_files(name)
        with make_core(tmp_path, files, library_segments()) as core:
            assert only(core).file is None


def test_the_sysroot_stands_before_every_path(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "lib").mkdir(parents=True)
    (root / "lib/lib.so").write_bytes(LIBRARY)
    for name in ("/lib/lib.so", "/../../lib/lib.so"):
        with make_core(
            tmp_path, library_files(name), library_segments(), sysroot=root
        ) as core:
            assert only(core).file == root / "lib/lib.so"


def test_a_file_without_a_build_id_must_have_the_same_headers(tmp_path: Path) -> None:
    plain = w.write_module(segments=[w.Segment(0, memory_size=0x1000)], build_id=None)
    path = tmp_path / "lib.so"
    files = [(BASE, BASE + 0x1000, 0, os.fsencode(path))]
    segments = [w.Segment(BASE, plain[:0x400], flags=R)]
    path.write_bytes(plain)
    with make_core(tmp_path, files, segments) as core:
        assert (only(core).file, only(core).problem) == (path, None)
    path.write_bytes(
        w.write_module(segments=[w.Segment(0, memory_size=0x2000)], build_id=None)
    )
    with make_core(tmp_path, files, segments) as core:
        assert only(core).file is None
        assert "another version" in (only(core).problem or "")


def test_a_file_that_cannot_be_verified_is_used_and_said_to_be_doubtful(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(LIBRARY)
    segments = [
        w.Segment(BASE, flags=R, memory_size=0x1000),
        *library_segments()[1:],
    ]
    with make_core(tmp_path, library_files(path), segments) as core:
        module = only(core)
        assert (module.file, module.load_bias) == (path, BASE)
        assert module.build_id is None
        assert "may be another version" in (module.problem or "")


def test_mapped_data_files_are_no_modules(tmp_path: Path) -> None:
    font = tmp_path / "font"
    font.write_bytes(b"font" * 1000)
    files = [
        (BASE, BASE + 0x1000, 0, os.fsencode(font)),
        (BASE + 0x2000, BASE + 0x3000, 0, b"/gone/locale"),
    ]
    segments = [
        w.Segment(BASE, b"font" * 9, flags=R),
        w.Segment(BASE + 0x2000, flags=R, memory_size=0x1000),
    ]
    with make_core(tmp_path, files, segments) as core:
        assert core.modules == ()


def test_one_library_loaded_twice_is_two_modules(tmp_path: Path) -> None:
    second = BASE + 0x100000
    path = tmp_path / "lib.so"
    path.write_bytes(LIBRARY)
    files = library_files(path) + library_files(path, second)
    segments = library_segments() + library_segments(second)
    with make_core(tmp_path, files, segments) as core:
        assert [m.load_bias for m in core.modules] == [BASE, second]


def test_a_page_of_a_library_mapped_below_it_once_more_does_not_move_it(
    tmp_path: Path,
) -> None:
    # As libffi's closures do: its own text again, at an address of their own.
    path = tmp_path / "lib.so"
    path.write_bytes(LIBRARY)
    again = BASE - 0x1000
    files = [(again, again + 0x1000, 1, os.fsencode(path)), *library_files(path)]
    segments = [w.Segment(again, b"\xc3" * 256, flags=RX), *library_segments()]
    with make_core(tmp_path, files, segments) as core:
        assert [(m.start, m.load_bias) for m in core.modules] == [
            (again, again - 0x1000),
            (BASE, BASE),
        ]


def test_the_load_bias_of_a_prelinked_file_is_not_its_address(tmp_path: Path) -> None:
    linked_at = 0x3AB7400000
    data = w.write_module(
        segments=[w.Segment(linked_at, flags=RX, memory_size=0x1000)], build_id=RIGHT
    )
    path = tmp_path / "lib.so"
    path.write_bytes(data)
    files = [(BASE, BASE + 0x1000, 0, os.fsencode(path))]
    segments = [w.Segment(BASE, data[:0x1000], flags=RX)]
    with make_core(tmp_path, files, segments) as core:
        assert only(core).load_bias == BASE - linked_at
        assert only(core).file == path


# --- executable ---------------------------------------------------------------

PROGRAM = w.write_module(
    kind=w.ET_EXEC,
    segments=[
        w.Segment(0x400000, flags=R, memory_size=0x1000),
        w.Segment(0x401000, b"\x90" * 64, flags=RX),
    ],
    build_id=RIGHT,
    entry=0x401000,
)


def test_the_given_executable_replaces_the_recorded_path(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(PROGRAM)
    files = [
        (0x400000, 0x401000, 0, b"/gone/prog"),
        (0x401000, 0x402000, 1, b"/gone/prog"),
    ]
    segments = [
        w.Segment(0x400000, PROGRAM[:0x1000], flags=R),
        w.Segment(0x401000, flags=RX, memory_size=0x1000),
    ]
    auxv = {9: 0x401000, 3: 0x400040}
    with make_core(tmp_path, files, segments, auxv=auxv, executable=mine) as core:
        assert (only(core).file, only(core).path) == (mine, "/gone/prog")
        assert core.executable_path == "/gone/prog"
        assert core.notes_to_reader == ()
    mine.write_bytes(PROGRAM.replace(RIGHT, WRONG))
    with make_core(tmp_path, files, segments, auxv=auxv, executable=mine) as core:
        assert only(core).file is None
        assert f"{mine} has build-id {WRONG.hex()}" in (only(core).problem or "")


def test_a_wrong_executable_gives_way_to_the_recorded_one(tmp_path: Path) -> None:
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_bytes(PROGRAM.replace(RIGHT, WRONG))
    right.write_bytes(PROGRAM)
    files = [(0x400000, 0x401000, 0, os.fsencode(right))]
    segments = [w.Segment(0x400000, PROGRAM[:0x1000], flags=R)]
    with make_core(
        tmp_path, files, segments, auxv={9: 0x400100}, executable=wrong
    ) as core:
        assert only(core).file == right
        assert f"used {right} instead" in (only(core).problem or "")


def test_without_a_file_list_the_auxv_places_the_executable(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(PROGRAM)
    auxv = {3: 0x400040, 9: 0x401000, 31: 0x7FFF0000}
    segments = [
        w.Segment(0x400000, PROGRAM[:0x1000], flags=R),
        w.Segment(0x7FFF0000, b"/bin/prog\0"),
    ]
    with make_core(tmp_path, [], segments, auxv=auxv, executable=mine) as core:
        module = only(core)
        assert (module.path, module.file, module.load_bias) == ("/bin/prog", mine, 0)
        assert (module.start, module.end) == (0x400000, 0x401040)


def test_an_executable_that_cannot_be_placed_is_said_not_to_be_used(
    tmp_path: Path,
) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(LIBRARY)
    segments = [w.Segment(BASE, b"x")]
    with make_core(tmp_path, [], segments, executable=mine) as core:
        assert core.modules == ()
        assert "not used" in core.notes_to_reader[-1].message


# --- link map -----------------------------------------------------------------


def linked_program(next_of_last: int) -> list[w.Segment]:
    """A program whose r_debug, at 0x500000, lists itself and a library."""
    dynamic = w.X86_64.pack("PPPP", 21, 0x500000, 0, 0)
    program = w.write_module(
        kind=w.ET_EXEC,
        segments=[
            w.Segment(0x400000, flags=R, memory_size=0x1000),
            w.Segment(0x400800, dynamic, type=w.PT_DYNAMIC),
        ],
    )
    pack = w.X86_64.pack
    data = pack("PP", 1, 0x500010)
    data += pack("PPPPP", 0, 0x500080, 0x400800, 0x500040, 0) + bytes(8)
    data += pack("PPPPP", BASE, 0x500090, BASE + 0x13000, next_of_last, 0)
    data = data.ljust(0x80, b"\0") + bytes(16) + b"/lib/listed.so\0"
    return [
        w.Segment(0x400000, program[:0x1000], flags=R),
        w.Segment(0x500000, data),
    ]


@pytest.mark.parametrize("following", [0, 0x500010, 0xDEAD], ids=hex)
def test_r14_the_link_map_finds_libraries_and_loops_end(
    tmp_path: Path, following: int
) -> None:
    segments = linked_program(following) + library_segments()
    with make_core(tmp_path, [], segments, auxv={3: 0x400040}) as core:
        found = {m.path: (m.load_bias, m.build_id) for m in core.modules}
        assert found["/lib/listed.so"] == (BASE, RIGHT.hex())
        assert len(found) == 2


def test_the_vdso_is_a_module_read_from_the_core(tmp_path: Path) -> None:
    segments = [w.Segment(BASE, LIBRARY[:0x2000], flags=RX)]
    with make_core(tmp_path, [], segments, auxv={33: BASE}) as core:
        module = only(core)
        assert (module.path, module.load_bias) == ("[vdso]", BASE)
        assert module.file is None
        assert module.problem is None
        assert module.elf is not None
        assert module.elf.build_id == RIGHT.hex()
