"""Modules of cores without program text: FreeBSD leaves out what no process wrote."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import corewriter
import freebsd_corewriter as w
from conftest import Corpus
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.elfcore.modulefile import KeptFile
from coresnap.elfcore.modules import LoadedModule

RX, R, RW = w.PF_R | w.PF_X, w.PF_R, w.PF_R | w.PF_W
BASE, FIXED = 0x8_2322_F000, 0x200000
DATA, DYNAMIC = 0x3200, 0x3280
DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_DEBUG = 4, 5, 6, 10, 11, 21
STACK = 0x7FFF0000


def dynamic(base: int, *, strings: int = 0x50, debug: int = 0) -> bytes:
    """As the linker writes it, for a module that is linked at ``base``."""
    entries = {
        DT_DEBUG: debug,
        DT_HASH: base + 0x300,
        DT_STRTAB: base + 0x500,
        DT_SYMTAB: base + 0x400,
        DT_STRSZ: strings,
        DT_SYMENT: 24,
    }
    pairs = [struct.pack("<QQ", *entry) for entry in entries.items()]
    return b"".join(pairs) + bytes(16)


def module(
    base: int = 0,
    *,
    strings: int = 0x50,
    tail: bytes = b"\xc3",
    has_dynamic: bool = True,
) -> bytes:
    """A file with text up to 0x3200, and data behind it in the same page."""
    section = dynamic(base, strings=strings) if has_dynamic else bytes(0x70)
    segments = [
        corewriter.Segment(base, flags=R, memory_size=0x1000),
        corewriter.Segment(base + 0x1000, tail * 0x2200, flags=RX),
        corewriter.Segment(base + DATA, b"data" * 32 + section, flags=RW),
    ]
    if has_dynamic:
        segments.append(
            corewriter.Segment(
                base + DYNAMIC, section, flags=RW, type=corewriter.PT_DYNAMIC
            )
        )
    kind = corewriter.ET_EXEC if base else corewriter.ET_DYN
    return corewriter.write_module(segments=segments, kind=kind, build_id=b"\x11" * 20)


def entries(path: bytes, base: int) -> list[bytes]:
    return [
        w.vm_entry(base, base + 0x1000, protection=1, kind=2, path=path),
        w.vm_entry(
            base + 0x1000, base + 0x4000, protection=5, kind=2, offset=0x1000, path=path
        ),
        w.vm_entry(base + 0x4000, base + 0x5000, kind=2, offset=0x3000, path=path),
    ]


def data_page(image: bytes, debug: int = 0) -> bytes:
    """The page of the data as it was mapped, with what stands before it in the file."""
    page = bytearray(image[0x3000:0x4000].ljust(w.PAGE, b"\0"))
    at = DYNAMIC - 0x3000
    if image[DYNAMIC : DYNAMIC + 8] == struct.pack("<Q", DT_DEBUG):
        page[at + 8 : at + 16] = struct.pack("<Q", debug)
    return bytes(page)


LIBRARY = module()
PROGRAM = module(FIXED)


# The data follow the text by a page, as lld puts them: file offset 0x3000 at 0x4000.
def spread(image: bytes, base: int = 0) -> bytes:
    """The same file with its data segment one page further up in memory."""
    data = bytearray(image)
    header = struct.Struct("<IIQQQQQQ")
    for index in range(struct.unpack_from("<H", data, 56)[0]):
        at = 64 + index * header.size
        kind, flags, offset, address, *rest = header.unpack_from(data, at)
        if flags == RW:
            header.pack_into(data, at, kind, flags, offset, address + 0x1000, *rest)
    return bytes(data)


def make_core(
    tmp_path: Path,
    records: Sequence[bytes],
    pages: Mapping[int, bytes],
    *,
    auxv: Mapping[int, int] | None = None,
    executable: Path | None = None,
    kept: Sequence[KeptFile] = (),
) -> CoreFile:
    notes = [
        w.prpsinfo(w.AMD64, pid=7),
        *w.thread(w.AMD64, tid=100001, registers={}, signal=11),
        w.vmmap(records),
        w.auxv(w.AMD64, auxv or {}),
    ]
    segments = [w.Segment(start, page) for start, page in sorted(pages.items())]
    path = tmp_path / "core"
    path.write_bytes(w.write_core(notes=notes, segments=segments))
    return open_core(path, executable=executable, kept=kept)


def library_core(tmp_path: Path, file: bytes | None, mapped: bytes) -> CoreFile:
    path = tmp_path / "lib.so"
    if file is not None:
        path.write_bytes(file)
    name = str(path).encode()
    return make_core(tmp_path, entries(name, BASE), {BASE + 0x4000: data_page(mapped)})


def only(core: CoreFile) -> LoadedModule:
    (found,) = core.modules
    return found


def test_the_file_with_the_same_dynamic_section_is_used(tmp_path: Path) -> None:
    image = spread(LIBRARY)
    with library_core(tmp_path, image, image) as core:
        found = only(core)
        assert (found.start, found.load_bias) == (BASE, BASE)
        assert found.end == BASE + 0x5000
        assert found.file == tmp_path / "lib.so"
        assert found.problem is None
        # The core does not hold it; the file is proven otherwise.
        assert found.build_id == found.file_build_id == "11" * 20
        assert core.memory.read(BASE + 0x1000, 4) == b"\xc3" * 4


@pytest.mark.parametrize(
    "other",
    [module(strings=0x60), module(tail=b"\x90")],
    ids=["another string table", "other text beside the data"],
)
def test_another_version_is_not_used(tmp_path: Path, other: bytes) -> None:
    with library_core(tmp_path, spread(other), spread(LIBRARY)) as core:
        found = only(core)
        assert found.file is None
        assert (found.start, found.load_bias) == (BASE, BASE)
        assert "another version" in (found.problem or "")
        (search,) = found.searches
        assert search.result == "differs from what was mapped: another version"


def test_where_nothing_can_be_compared_the_file_is_doubtful(tmp_path: Path) -> None:
    """Remnants of the file may have been set to zero by who passed the core on."""
    image = spread(module(has_dynamic=False))
    blanked = image[:0x3000] + bytes(0x200) + image[0x3200:]
    with library_core(tmp_path, image, blanked) as core:
        found = only(core)
        assert found.file == tmp_path / "lib.so"
        assert "may be another version" in (found.problem or "")
        assert (found.build_id, found.file_build_id) == (None, "11" * 20)


def test_a_core_that_is_cut_within_the_proof_contradicts_nothing(
    tmp_path: Path,
) -> None:
    image = spread(module(tail=b"\0"))
    with library_core(tmp_path, image, image) as core:
        assert only(core).problem is None
    path = tmp_path / "core"
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size - w.PAGE + DYNAMIC - 0x3000 + 24)
    with open_core(path) as core:
        assert core.truncated
        found = only(core)
        assert found.file == tmp_path / "lib.so"
        assert "may be another version" in (found.problem or "")


def test_without_its_file_a_module_begins_at_its_first_page(tmp_path: Path) -> None:
    with library_core(tmp_path, None, spread(LIBRARY)) as core:
        found = only(core)
        assert (found.start, found.end) == (BASE, BASE + 0x5000)
        assert found.load_bias == BASE
        assert found.problem == f"{tmp_path / 'lib.so'} is not here"


@pytest.mark.parametrize(
    ("base", "linked_at", "bias"), [(FIXED, FIXED, 0), (BASE, 0, BASE)]
)
def test_a_program_says_by_its_strings_where_it_was_linked(
    tmp_path: Path, base: int, linked_at: int, bias: int
) -> None:
    image = spread(module(linked_at))
    auxv = {3: base + 0x40, 9: base + 0x1000}
    records = entries(b"/no/such/program", base)
    with make_core(
        tmp_path, records, {base + 0x4000: data_page(image)}, auxv=auxv
    ) as core:
        assert only(core).load_bias == bias
        assert core.executable is only(core)


def test_a_static_program_was_linked_where_it_is(tmp_path: Path) -> None:
    auxv = {3: FIXED + 0x40, 9: FIXED + 0x1000}
    records = entries(b"/no/such/program", FIXED)
    with make_core(tmp_path, records, {FIXED + 0x4000: bytes(4096)}, auxv=auxv) as core:
        assert only(core).load_bias == 0


@pytest.mark.parametrize(("linked_at", "base"), [(0, BASE), (FIXED, FIXED)])
def test_the_named_executable_is_placed_by_its_own_headers(
    tmp_path: Path, linked_at: int, base: int
) -> None:
    image = spread(module(linked_at))
    named = tmp_path / "copy"
    named.write_bytes(image)
    auxv = {3: base + 0x40, 9: base + 0x1000}
    with make_core(
        tmp_path,
        entries(b"/no/such/program", base),
        {base + 0x4000: data_page(image)},
        auxv=auxv,
        executable=named,
    ) as core:
        found = only(core)
        assert found.file == named
        assert found.problem is None
        assert (found.start, found.load_bias) == (base, base - linked_at)
        assert core.memory.read(base + 0x1000, 2) == b"\xc3\xc3"


def test_the_wrong_executable_is_refused(tmp_path: Path) -> None:
    named = tmp_path / "copy"
    named.write_bytes(spread(module(FIXED, strings=0x51)))
    with make_core(
        tmp_path,
        entries(b"/no/such/program", FIXED),
        {FIXED + 0x4000: data_page(spread(PROGRAM))},
        auxv={3: FIXED + 0x40, 9: FIXED + 0x1000},
        executable=named,
    ) as core:
        found = only(core)
        assert found.file is None
        assert "copy differs from what was mapped" in (found.problem or "")
        assert found.load_bias == 0


def test_a_copy_that_came_with_the_core_serves(tmp_path: Path) -> None:
    image = spread(LIBRARY)
    copy = tmp_path / "copy"
    copy.write_bytes(image)
    kept = [KeptFile(copy, "module.1", b"/no/such/lib.so")]
    with make_core(
        tmp_path,
        entries(b"/no/such/lib.so", BASE),
        {BASE + 0x4000: data_page(image)},
        kept=kept,
    ) as core:
        found = only(core)
        assert (found.file, found.kept_as, found.problem) == (copy, "module.1", None)


def test_what_stands_beside_the_data_is_not_searched(tmp_path: Path) -> None:
    """The end of the text before the data, and zeros or the next segment behind."""
    image = spread(LIBRARY)
    with library_core(tmp_path, image, image) as core:
        start, end = BASE + 0x4200, BASE + 0x4200 + 128 + 0x70
        (view,) = core.memory.stored_views(0, 1 << 64)
        assert (view[0], bytes(view[1][:8])) == (start, b"datadata")
        assert len(view[1]) == end - start
        pieces = [*core.memory.read_pieces(BASE + 0x4000, BASE + 0x5000)]
        assert [(at, len(data)) for at, data in pieces] == [(start, end - start)]
        # Who asks for it by its address has it.
        assert core.memory.read(BASE + 0x41FF, 1) == b"\xc3"


def test_mapped_data_files_are_no_modules(tmp_path: Path) -> None:
    records = [
        w.vm_entry(BASE, BASE + 0x5000, protection=1, kind=2, path=b"/no/such/locale"),
    ]
    with make_core(tmp_path, records, {STACK: b"stack"}) as core:
        assert core.modules == ()
        assert [f.path for f in core.mapped_files] == [b"/no/such/locale"]


def link_map(entries: Sequence[tuple[int, int, int]], place: int) -> bytes:
    """r_debug, then link_map entries: base, address of the name, dynamic section."""
    data = struct.pack("<QQ", 1, place + 16)
    for index, (base, name, section) in enumerate(entries):
        last = index + 1 == len(entries)
        following = 0 if last else place + 16 + 56 * (index + 1)
        data += struct.pack("<7Q", base, name, section, following, 0, 0, 0)
    return data


def test_the_dynamic_linker_names_what_the_kernel_had_forgotten(tmp_path: Path) -> None:
    """Without a path in the name cache, and without any file."""
    place, name = STACK + 0x100, STACK + 0x800
    modules = [(FIXED, name, FIXED + 0x4280), (BASE, name + 0x40, BASE + 0x4280)]
    stack = bytearray(w.PAGE)
    listed = link_map(modules, place)
    stack[0x100 : 0x100 + len(listed)] = listed
    stack[0x800:0x80D] = b"/no/such/prog"
    stack[0x840:0x84F] = b"/no/such/lib.so"
    records = [*entries(b"/no/such/prog", FIXED), *entries(b"", BASE)]
    pages = {
        FIXED + 0x4000: data_page(spread(PROGRAM), place),
        BASE + 0x4000: data_page(spread(LIBRARY)),
        STACK: bytes(stack),
    }
    auxv = {3: FIXED + 0x40, 9: FIXED + 0x1000}
    with make_core(tmp_path, records, pages, auxv=auxv) as core:
        program, library = core.modules
        assert (program.path, program.load_bias) == ("/no/such/prog", 0)
        assert (library.path, library.load_bias) == ("/no/such/lib.so", BASE)


def test_the_vdso_lies_within_the_shared_page(tmp_path: Path) -> None:
    """AT_KPRELOAD; trampolines stand before it, time data behind it."""
    shared, vdso = 0x7FFFFFFFF000, 0x7FFFFFFFF5D0
    image = corewriter.write_module(
        segments=[corewriter.Segment(0, flags=RX, memory_size=0x500)], build_id=None
    )
    page = bytes(0x5D0) + image[:0x500].ljust(w.PAGE - 0x5D0, b"\0")
    records = [w.vm_entry(shared, shared + w.PAGE, protection=5, kind=5)]
    with make_core(tmp_path, records, {shared: page}, auxv={34: vdso}) as core:
        found = only(core)
        assert (found.path, found.start, found.load_bias) == ("[vdso]", vdso, vdso)
        assert [m.path for m in core.mappings] == ["[vdso]"]


def test_without_mappings_the_auxiliary_vector_places_the_program(
    tmp_path: Path,
) -> None:
    """AT_EXECPATH names it, AT_PHDR says where it is."""
    image = spread(PROGRAM)
    program = tmp_path / "prog"
    program.write_bytes(image)
    pages = {
        FIXED + 0x4000: data_page(image),
        STACK: str(program).encode().ljust(w.PAGE, b"\0"),
    }
    auxv = {3: FIXED + 0x40, 9: FIXED + 0x1000, 15: STACK}
    with make_core(tmp_path, [], pages, auxv=auxv) as core:
        found = only(core)
        assert (found.path, found.file) == (str(program), program)
        assert (found.start, found.load_bias) == (FIXED, 0)
        assert found.problem is None


# --- the corpus ---------------------------------------------------------------

CASES = {
    "threads/crash.292.0.11": ["libthr.so.3", "libc.so.7"],
    "cxx/cxx.501.0.6": [
        *("libthr.so.3", "libc++.so.1", "libm.so.5", "libcxxrt.so.1"),
        *("libgcc_s.so.1", "libc.so.7"),
    ],
    "static_segv/crash_static.463.0.11": [],
    "i386/crash32.482.0.11": [],
}


@pytest.mark.corpus
@pytest.mark.parametrize("name", CASES)
def test_real_modules_are_where_they_were_loaded(corpus: Corpus, name: str) -> None:
    path = corpus.path(f"freebsd/cores/{name}.fbsdlab.core")
    with open_core(path) as core:
        program = core.executable
        assert program is not None
        assert program.load_bias == 0
        libraries = [m for m in core.modules if m.path.startswith("/lib/")]
        assert [m.path.removeprefix("/lib/") for m in libraries] == CASES[name]
        for library in libraries:
            assert library.load_bias == library.start
        # AT_BASE: where the kernel loaded the dynamic linker.
        starts = [m.start for m in core.modules if m.path.endswith("ld-elf.so.1")]
        assert starts == ([core.auxv[7]] if libraries else [])
