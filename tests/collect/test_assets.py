"""The assets tar: what is read of it, and what is not believed."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coresnap.collect import assets as assets_module
from coresnap.collect.assets import (
    Assets,
    pack_assets,
    read_assets,
    read_member,
)
from coresnap.errors import InputError

MEMBERS = {
    "crash.json": b'{"pid": 1}',
    "process/status": b"Name:\tsimple\n",
    "process/task/12/comm": b"simple\n",
    "system/pressure/cpu": b"some avg10=0.00\n",
    "capture.json": b"{}",
}


def read(data: bytes) -> Assets:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_assets(file.fileno())


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, "/etc/passwd"
    return info


def test_members_come_back_in_order() -> None:
    found = read(pack_assets(MEMBERS, 1_461_535_521))

    assert found == Assets(MEMBERS)
    assert list(found.members) == list(MEMBERS)


def test_the_archive_is_a_plain_tar_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "assets"
    path.write_bytes(pack_assets(MEMBERS, 1_461_535_521))

    with tarfile.open(path) as tar:
        assert tar.getnames() == list(MEMBERS)
        assert tar.getmembers()[0].mtime == 1_461_535_521


def test_the_position_of_the_descriptor_does_not_matter() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(pack_assets(MEMBERS, 0))
        file.flush()
        assert read_assets(file.fileno()) == read_assets(file.fileno())


@pytest.mark.parametrize(
    "name",
    [
        "../crash.json",
        "process/../../../etc/passwd",
        "/etc/passwd",
        "process/status\n",
        "other.json",
        "process",
        "process/a/b/c/d/e",
        "process/\N{RIGHT-TO-LEFT OVERRIDE}",
    ],
)
def test_r16_a_name_that_is_not_ours_is_left_out_and_named(name: str) -> None:
    found = read(tar_of((member("crash.json", 2), b"{}"), (member(name, 1), b"x")))

    assert found.members == {"crash.json": b"{}"}
    assert len(found.problems) == 1


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_r16_only_files_are_read(kind: bytes) -> None:
    found = read(tar_of((member("process/exe", kind=kind), b"")))

    assert found.members == {}
    assert "not a file" in found.problems[0]


def test_a_member_beyond_the_limit_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assets_module, "MEMBER_LIMIT", 10)
    found = read(pack_assets({"process/maps": bytes(11), "process/stat": b"1"}, 0))

    assert found.members == {"process/stat": b"1"}
    assert "11 bytes" in found.problems[0]


def test_all_members_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets_module, "TOTAL_LIMIT", 10)
    found = read(pack_assets({f"process/{i}": bytes(4) for i in range(5)}, 0))

    assert list(found.members) == ["process/0", "process/1"]


def test_the_number_of_members_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets_module, "COUNT_LIMIT", 3)
    found = read(pack_assets({f"process/{i}": b"" for i in range(5)}, 0))

    assert len(found.members) == 3
    assert found.problems == ("more than 3 members",)


def test_a_claimed_size_is_not_believed() -> None:
    info = member("process/maps", 20 << 20)
    header = info.tobuf(tarfile.USTAR_FORMAT)

    first = pack_assets({"crash.json": b"{}"}, 0)[:1024]
    found = read(first + header + b"short")

    assert found.members == {"crash.json": b"{}", "process/maps": b"short"}
    assert found.problems[0] == "'process/maps' ends early: 5 of 20971520 bytes"
    assert "no end" in found.problems[1]


@pytest.mark.parametrize("data", [b"", b"no tar at all" * 100])
def test_what_is_no_tar_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="not a tar"):
        read(data)


def test_a_tar_whose_writer_was_killed_is_read_as_far_as_it_goes() -> None:
    whole = pack_assets(MEMBERS, 0)
    end = whole.index(b"capture.json")

    found = read(whole[:end])

    assert list(found.members) == list(MEMBERS)[:-1]
    assert found.problems == (
        "damaged after 4 members: it has no end: its writer was cut off",
    )


def hostile_header(name: str, size: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    header = bytearray(member(name, kind=kind).tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


HUGE = b"\x80" + (1 << 62).to_bytes(11, "big")
NEGATIVE = b"\xff" * 10 + b"\xfe\x00"  # base-256: -512


@pytest.mark.parametrize("kind", [b"0", b"x", b"g", b"L", b"K", b"S", b"7"])
@pytest.mark.parametrize("size", [HUGE, NEGATIVE], ids=["huge", "negative"])
def test_r16_no_claim_about_a_size_costs_memory_or_time(
    kind: bytes, size: bytes
) -> None:
    first = pack_assets({"crash.json": b"{}"}, 0)[:1024]

    found = read(first + hostile_header("process/maps", size, kind) + bytes(2048))

    assert found.members == {"crash.json": b"{}"}
    assert found.problems


def test_extension_headers_are_not_believed() -> None:
    pax = b"16 path=../evil\n"
    extension = hostile_header("PaxHeader", b"%011o\0" % len(pax), b"x")
    rest = pack_assets({"process/status": b"Name"}, 0)

    found = read(extension + pax.ljust(512, b"\0") + rest)

    assert found.members == {"process/status": b"Name"}
    assert "not a file" in found.problems[0]


def test_a_million_members_are_not_read(tmp_path: Path) -> None:
    header = hostile_header("process/x", b"%011o\0" % 0)
    other = hostile_header("not/ours", b"%011o\0" % 0)
    path = tmp_path / "assets"
    path.write_bytes((header + other) * 500_000)

    with path.open("rb") as stream:
        found = read_assets(stream.fileno())
        assert read_member(stream.fileno(), "capture.json") is None

    assert list(found.members) == ["process/x"]
    assert len(found.problems) <= 51


def test_a_hole_of_a_terabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "assets"
    with path.open("wb") as stream:
        stream.write(pack_assets({"crash.json": b"{}"}, 0)[:1024])
        stream.write(
            hostile_header("process/maps", HUGE[:1] + (1 << 40).to_bytes(11, "big"))
        )
        stream.truncate(1 << 40)
    with path.open("rb") as stream:
        found = read_assets(stream.fileno())

    assert found.members == {"crash.json": b"{}"}


def test_one_member_is_found_without_the_others() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(pack_assets({**MEMBERS, "capture.json": b'{"way": "pipe"}'}, 0))
        file.flush()

        assert read_member(file.fileno(), "capture.json") == b'{"way": "pipe"}'
        assert read_member(file.fileno(), "process/maps") is None


def test_content_that_looks_like_a_member_is_none() -> None:
    fake = pack_assets({"capture.json": b'{"way": "import"}'}, 0)
    with tempfile.TemporaryFile() as file:
        file.write(pack_assets({"process/cmdline": fake}, 0))
        file.flush()

        assert read_member(file.fileno(), "capture.json") is None


def test_a_tar_without_members_is_one() -> None:
    assert read(bytes(10_240)) == Assets({})


def test_a_tar_cut_anywhere_gives_what_came_before() -> None:
    whole = pack_assets(MEMBERS, 0)
    for cut in range(0, len(whole), 100):
        try:
            found = read(whole[:cut])
        except InputError:
            continue
        for name, data in found.members.items():
            assert MEMBERS[name].startswith(data)


@settings(max_examples=200)
@given(
    position=st.integers(0, 4096),
    replacement=st.binary(min_size=1, max_size=64),
)
def test_a_damaged_tar_never_does_more_than_complain(
    position: int, replacement: bytes
) -> None:
    whole = bytearray(pack_assets(MEMBERS, 0))
    whole[position : position + len(replacement)] = replacement
    try:
        found = read(bytes(whole))
    except InputError:
        return
    assert all(len(data) <= len(whole) for data in found.members.values())


def test_a_name_that_would_not_be_read_is_not_written() -> None:
    with pytest.raises(InputError):
        pack_assets({"../x": b""}, 0)
