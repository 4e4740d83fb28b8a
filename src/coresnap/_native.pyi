"""What native/native.cdef declares, as cffi presents it."""

from typing import Any

ffi: Any

class _Lib:
    SPARSE_PAGE_SIZE: int
    POINTER_SCAN_SPANS: int

    def zero_scan_is_zero(self, data: object, size: int, /) -> bool: ...
    def sparse_writer_init(self, writer: object, fd: int, limit: int, /) -> int: ...
    def sparse_writer_deinit(self, writer: object, /) -> None: ...
    def sparse_writer_copy(
        self, writer: object, source: int, size: int, ret: object, /
    ) -> int: ...
    def sparse_writer_finish(self, writer: object, /) -> int: ...
    def elf_notes_walk(
        self,
        data: object,
        size: int,
        align: int,
        big_endian: bool,
        notes: object,
        capacity: int,
        position: object,
        ret: object,
        /,
    ) -> int: ...
    def pointer_scan_init(self, scan: object, spans: object, count: int, /) -> int: ...
    def pointer_scan_run(
        self,
        scan: object,
        data: object,
        size: int,
        narrow: bool,
        big_endian: bool,
        matches: object,
        capacity: int,
        position: object,
        ret: object,
        /,
    ) -> None: ...
    def chunk_walk_run(
        self, walk: object, data: object, size: int, address: int, /
    ) -> int: ...
    def chunk_walk_find(
        self,
        walk: object,
        data: object,
        size: int,
        address: int,
        start: int,
        wanted: int,
        budget: object,
        /,
    ) -> int: ...
    def chunk_list_follow(self, chunks: object, first: int, /) -> int: ...
    def chunk_list_sort(self, blocks: object, count: int, /) -> None: ...
    def chunk_list_circle(self, chunks: object, head: int, limit: int, /) -> int: ...

lib: _Lib
