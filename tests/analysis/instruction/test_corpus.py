"""Failed instructions in cores of other machines."""

from __future__ import annotations

import pytest

from conftest import Corpus
from coresnap.analysis.session import analyze

pytestmark = pytest.mark.corpus

TABLE = {
    "lldb/linux-x86_64.core": ("mov byte ptr [rax], 0x2f", "write", 0),
    "lldb/linux-i386.core": ("mov byte ptr [eax], 0x2f", "write", 0),
    "lldb/linux-aarch64.core": ("strb w1, [x0]", "write", 0),
    "lldb/linux-s390x.core": ("mvi 0(%r1), 0x2f", "write", 0),
    "elfutils/testfile-riscv64-core": ("c.lw a5, 0(a5)", "read", 0x12345678),
    "elfutils/testfile-x32-core": ("mov eax, dword ptr [eax]", "read", 0x12345678),
    "elfutils/testfile_i686_core": ("mov eax, dword ptr [eax]", "read", 0x12345678),
    "elfutils/testfile71": ("mov eax, dword ptr [rax]", "read", 0x12345678),
}


@pytest.mark.parametrize("name", TABLE)
def test_text_kind_and_address(corpus: Corpus, name: str) -> None:
    text, kind, address = TABLE[name]
    found = analyze(corpus.path(f"linux/{name}"), globals="none").instruction
    assert found is not None
    assert found.text == text
    assert found.fault is not None
    access = found.accesses[found.fault]
    assert (access.kind, access.address) == (kind, address)


def test_an_abort_has_no_failed_instruction(corpus: Corpus) -> None:
    for name in ("pyelftools/core_linux64.elf", "pystack/signal.core"):
        assert analyze(corpus.path(f"linux/{name}"), globals="none").instruction is None
