"""What native/native.cdef declares, as cffi presents it."""

from typing import Any

ffi: Any

class _Lib:
    SPARSE_PAGE_SIZE: int

    def zero_scan_is_zero(self, data: Any, size: int, /) -> bool: ...
    def sparse_writer_init(self, writer: Any, fd: int, limit: int, /) -> int: ...
    def sparse_writer_deinit(self, writer: Any, /) -> None: ...
    def sparse_writer_copy(
        self, writer: Any, source: int, size: int, ret: Any, /
    ) -> int: ...
    def sparse_writer_finish(self, writer: Any, /) -> int: ...
    def elf_notes_walk(
        self,
        data: Any,
        size: int,
        align: int,
        big_endian: bool,
        notes: Any,
        capacity: int,
        position: Any,
        ret: Any,
        /,
    ) -> int: ...

lib: _Lib
