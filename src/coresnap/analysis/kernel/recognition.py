"""Whether a file is a kernel's dump, and which kernel's, by its first bytes."""

from __future__ import annotations

from coresnap.elfcore.vmcore.vmcore import is_vmcore

__all__ = ["is_linux_dump", "is_of_a_kernel"]

_FREEBSD_HEAD = 512
_KDUMP = (b"KDUMP   ", b"makedumpfile\0")
"""makedumpfile(8)'s two forms: compressed by pages, and flattened for a pipe."""
_VMCOREINFO = b"VMCOREINFO\0"
_NT_VMCOREINFO = b"\0\0\0\0"


def is_of_a_kernel(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is for ``analyze_kernel``."""
    return is_linux_dump(head) or is_vmcore(head[:_FREEBSD_HEAD])


def is_linux_dump(head: bytes) -> bool:
    """Whether it is of Linux: makedumpfile's, or an ELF core with a VMCOREINFO note.

    The note's type is 0 (``kernel/vmcore_info.c``, append_elf_note) and its owner's
    name has 11 bytes.
    """
    if head.startswith(_KDUMP):
        return True
    at = head.find(_VMCOREINFO)
    return (
        head.startswith(b"\x7fELF")
        and head[16:18] in (b"\x04\0", b"\0\x04")
        and at >= 12
        and head[at - 12 : at - 8] in (b"\x0b\0\0\0", b"\0\0\0\x0b")
        and head[at - 4 : at] == _NT_VMCOREINFO
    )
