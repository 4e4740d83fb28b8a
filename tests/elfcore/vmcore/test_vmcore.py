"""What is opened as a kernel dump, and what is told beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vmcorewriter as writer
from conftest import CORPUS
from coresnap.elfcore.vmcore import is_vmcore, open_vmcore
from coresnap.elfcore.vmcore.dump_info import DumpInfo, parse_info
from coresnap.errors import CoreFormatError, CoresnapError

DUMP = writer.Minidump(messages=b"panic: it\n" + bytes(1000))
DUMP.memory.write(0x3000, b"page")


@pytest.mark.corpus
def test_the_info_that_savecore_wrote() -> None:
    """The corpus' own, whose values its README and the reference tell."""
    text = (CORPUS / "freebsd" / "kernel" / "info.0").read_bytes()
    info = parse_info(text)
    assert is_vmcore(text)
    assert info.architecture == "amd64"
    assert info.architecture_version == 2
    assert info.compression == "none"
    assert info.panic == "general protection fault"
    assert info.hostname == "fbsdlab"
    assert info.version.startswith("FreeBSD 13.2-RELEASE")
    assert info.magic == "FreeBSD Kernel Dump"
    assert info.status == "good"
    assert info.time == 1795382728  # the panic's own "time = ", in the reference
    assert info.length == 78032896
    assert (info.block_size, info.parity, info.bounds) == (512, 3563339021, 0)
    assert info.device == "/dev/vtbd2"


def test_older_infos_have_other_lengths_and_times() -> None:
    text = writer.info_text(
        dump_length="78032896B (74 MB)",
        dumptime="Sun Nov 22 21:25:28 2026",
        panic_string="page fault",
    )
    info = parse_info(text.encode())
    assert (info.length, info.time) == (78032896, 1795382728)
    assert info.panic == "page fault"


def test_what_has_several_lines_keeps_them() -> None:
    text = writer.info_text(
        version_string="FreeBSD 9.3-RELEASE #0: Thu\n    root@host:/usr/obj/GENERIC\n",
        panic_string="one\n  Note: two",
        bounds="7",
    )
    info = parse_info(text.encode())
    assert info.version == "FreeBSD 9.3-RELEASE #0: Thu\nroot@host:/usr/obj/GENERIC"
    assert info.panic == "one\nNote: two"
    assert info.bounds == 7


def test_the_info_beside_the_dump_is_read(tmp_path: Path) -> None:
    text = writer.info_text(hostname="there", panic_string="it")
    writer.write(tmp_path, "info.3", text.encode())
    path = writer.write(tmp_path, "vmcore.3", DUMP.packed())
    with open_vmcore(path) as vmcore:
        assert vmcore.info.hostname == "there"
    elsewhere = writer.write(tmp_path, "copy", DUMP.packed())
    with open_vmcore(elsewhere, name=str(tmp_path / "vmcore.3.zst")) as vmcore:
        assert vmcore.info.panic == "it"
    with open_vmcore(elsewhere) as vmcore:
        assert vmcore.info == DumpInfo()
    with open_vmcore(tmp_path / "info.3") as vmcore:
        assert (vmcore.kind, vmcore.info.hostname) == ("info", "there")


@pytest.mark.parametrize("version", [3, 4])
def test_a_dump_that_is_still_on_its_device(version: int, tmp_path: Path) -> None:
    dump = DUMP.packed()
    header = writer.dump_header(len(dump), version=version, panic=b"on device")
    path = writer.write(tmp_path, "ada0p2", bytes(1 << 20) + header + dump + header)
    with open_vmcore(path) as vmcore:
        assert vmcore.info.panic == "on device"
        assert vmcore.info.hostname == "host"
        assert vmcore.message_buffer == "panic: it\n"
        assert vmcore.memory is not None
        assert vmcore.memory.read_physical(0x3000, 4) == b"page"


def test_an_encrypted_dump_says_who_can_decrypt_it(tmp_path: Path) -> None:
    header = writer.dump_header(8192, key_size=512)
    path = writer.write(tmp_path, "device", header + bytes(8192) + header)
    with pytest.raises(CoreFormatError, match="encrypted") as caught:
        open_vmcore(path)
    assert "decryptcore" in caught.value.remedy


def test_a_file_that_savecore_wrote_encrypted_says_so(tmp_path: Path) -> None:
    path = writer.write(tmp_path, "vmcore_encrypted.0", bytes(range(256)) * 64)
    with pytest.raises(CoreFormatError, match="encrypted") as caught:
        open_vmcore(path)
    assert "decryptcore" in caught.value.remedy


def test_a_dump_that_is_compressed_on_its_device_says_so(tmp_path: Path) -> None:
    dump = b"\x28\xb5\x2f\xfd" + bytes(4092)
    header = writer.dump_header(len(dump), compression=2)
    path = writer.write(tmp_path, "device", header + dump + header)
    with pytest.raises(CoreFormatError, match="kernel compressed"):
        open_vmcore(path)


def test_a_dump_that_was_saved_already_is_read_from_its_device(tmp_path: Path) -> None:
    dump = DUMP.packed()
    header = writer.dump_header(len(dump), magic=b"Cleared Kernel Dump")
    path = writer.write(tmp_path, "device", header + dump + header)
    with open_vmcore(path) as vmcore:
        assert (vmcore.info.status, vmcore.info.block_size) == ("cleared", 512)
        assert vmcore.info.parity == int.from_bytes(header[508:], "little")


def test_a_text_dump_on_its_device_begins_at_the_end(tmp_path: Path) -> None:
    tar = writer.textdump({"panic.txt": b"p" * 600, "msgbuf.txt": b"said\n"})
    blocks = [tar[start : start + 512] for start in range(0, len(tar), 512)]
    header = writer.dump_header(len(tar), magic=b"FreeBSD Text Dump")
    device = bytes(4096) + header + b"".join(reversed(blocks)) + header
    with open_vmcore(writer.write(tmp_path, "device", device)) as vmcore:
        assert vmcore.kind == "textdump"
        assert vmcore.texts == {"panic.txt": "p" * 600, "msgbuf.txt": "said\n"}


def test_a_header_with_a_wrong_parity_is_none(tmp_path: Path) -> None:
    header = bytearray(writer.dump_header(8192))
    header[60] ^= 1
    path = writer.write(tmp_path, "device", bytes(header) + bytes(8192))
    with pytest.raises(CoreFormatError, match="no kernel dump"):
        open_vmcore(path)


def test_a_text_dump(tmp_path: Path) -> None:
    texts = {
        "ddb.txt": b"db> bt\n",
        "config.txt": b"ident GENERIC\n",
        "msgbuf.txt": b"Fatal trap 12\n",
        "panic.txt": b"page fault",
        "version.txt": b"FreeBSD 13.2\n",
    }
    data = writer.textdump(texts)
    assert is_vmcore(data[:512])
    with open_vmcore(writer.write(tmp_path, "textdump.tar.0", data)) as vmcore:
        assert vmcore.kind == "textdump"
        assert vmcore.message_buffer == "Fatal trap 12\n"
        assert vmcore.texts == {name: text.decode() for name, text in texts.items()}
        assert vmcore.problems == ()


def test_a_text_dump_without_an_end(tmp_path: Path) -> None:
    data = writer.textdump({"ddb.txt": b"x" * 2000, "panic.txt": b"late"})
    with open_vmcore(writer.write(tmp_path, "textdump.tar.0", data[:1500])) as vmcore:
        assert vmcore.texts == {"ddb.txt": "x" * 988}
        assert vmcore.problems


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF", b"x" * 5000, b"minidump FreeBSD/amd64", bytes(1024)]
)
def test_what_is_none_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(CoresnapError):
        open_vmcore(writer.write(tmp_path, "file", data))


@settings(max_examples=80, deadline=None)
@given(
    start=st.sampled_from(
        [
            writer.textdump({"ddb.txt": b"x" * 700, "msgbuf.txt": b"y" * 700}),
            writer.dump_header(4096) + bytes(4096) + writer.dump_header(4096),
            writer.full_dump(DUMP.memory),
        ]
    ),
    changes=st.lists(
        st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=10
    ),
)
def test_damage_is_no_traceback(
    tmp_path_factory: pytest.TempPathFactory,
    start: bytes,
    changes: list[tuple[int, int]],
) -> None:
    data = bytearray(start)
    for place, value in changes:
        data[place % len(data)] = value
    path = tmp_path_factory.mktemp("damage") / "vmcore.0"
    path.write_bytes(data)
    try:
        with open_vmcore(path) as vmcore:
            assert vmcore.kind in {"minidump", "full", "textdump", "info"}
    except CoresnapError:
        pass
