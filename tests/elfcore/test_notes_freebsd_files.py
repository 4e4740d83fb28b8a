"""Open files of written notes: every release's layout, both kinds of size, damage."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import freebsd_corewriter as w
from coresnap.elfcore.notes_freebsd_files import read_files
from coresnap.elfcore.process_state import OpenFile, Socket

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 28
VREG, VDIR = 1, 2
VNODE, SOCKET, PIPE, PROCDESC = 1, 2, 3, 11


def description(entries: list[bytes], padding: int = 0) -> memoryview:
    """The note's description, with its leading int."""
    return memoryview(struct.pack("<i", 1392) + b"".join(entries) + bytes(padding))


def read(entries: list[bytes], padding: int = 0) -> tuple[OpenFile, ...]:
    problems: list[str] = []
    found = read_files(description(entries, padding), problems)
    assert problems == []
    return found


def sockaddr(family: int, rest: bytes) -> bytes:
    return bytes([2 + len(rest), family]) + rest


def inet(host: str, port: int) -> bytes:
    packed = struct.pack(">H", port) + socket.inet_aton(host)
    return sockaddr(AF_INET, packed + bytes(8))


def inet6(host: str, port: int) -> bytes:
    packed = struct.pack(">HI", port, 0) + socket.inet_pton(socket.AF_INET6, host)
    return sockaddr(AF_INET6, packed + bytes(4))


def socket_fields(
    domain: int, kind: int, protocol: int, local: bytes, peer: bytes
) -> w.Fields:
    return {
        32: ("I", 7),
        36: ("i", domain),
        40: ("i", kind),
        44: ("i", protocol),
        48: ("128s", local),
        176: ("128s", peer),
        332: ("I", 5),
    }


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("padding", [0, 8, 1392])
def test_files_are_read_packed_or_not_and_zeros_end_them(
    packed: bool, padding: int
) -> None:
    text = w.file_entry(-5, VNODE, path=b"/bin/app", fields={32: ("i", VREG)})
    path = b"/var/db/" + b"x" * 300
    plain = w.file_entry(
        3,
        VNODE,
        flags=0x1 | 0x2 | 0x4 | 0x80,
        offset=99,
        path=path,
        fields={32: ("i", VREG), 312: ("q", 4096)},
        packed=packed,
    )
    program, file = read([text, plain], padding)
    assert (program.role, program.descriptor, program.path) == (
        "text",
        None,
        b"/bin/app",
    )
    assert (file.role, file.descriptor, file.kind) == ("", 3, "vnode")
    assert (file.vnode, file.path, file.size) == ("regular", path, 4096)
    assert file.flags == ("read", "write", "append", "lock")
    assert (file.references, file.offset) == (1, 99)


def test_what_no_descriptor_holds_is_named_by_its_role() -> None:
    entries = [
        w.file_entry(-number, VNODE, fields={12: ("i", -1)}) for number in range(1, 7)
    ]
    found = read(entries)
    roles = [file.role for file in found]
    assert roles == ["cwd", "root", "jail", "trace", "text", "terminal"]
    assert {file.references for file in found} == {None}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            socket_fields(AF_INET, 1, 6, inet("10.0.0.1", 80), inet("0.0.0.0", 0)),
            Socket("inet", "stream", "tcp", "10.0.0.1:80", "*:0", 5, 7),
        ),
        (
            socket_fields(AF_INET6, 2, 17, inet6("fe80::1", 53), inet6("::", 0)),
            Socket("inet6", "datagram", "udp", "fe80::1.53", "::.0", 5, 7),
        ),
        (
            socket_fields(
                AF_UNIX, 5, 0, sockaddr(AF_UNIX, b"/run/s\0"), sockaddr(0, b"")
            ),
            Socket("unix", "seqpacket", "", "/run/s", "-", 5, 7),
        ),
        (
            socket_fields(99, 77, 132, b"", sockaddr(77, b"abc")),
            Socket("99", "77", "sctp", "", "", 5, 7),
        ),
    ],
    ids=["inet", "inet6", "unix", "unknown"],
)
def test_sockets_have_both_addresses(fields: w.Fields, expected: Socket) -> None:
    (file,) = read([w.file_entry(9, SOCKET, path=b"internet", fields=fields)])
    assert file.socket == expected
    assert file.path is None, "the kernel puts the domain's name there"


def test_up_to_11_files_and_sockets_lie_where_they_do_now() -> None:
    """struct kinfo_file of 11: kf_vnode_type at 32, kf_sock_domain at 36, addresses at
    48 and 176, kf_un with kf_file_size at 312 and kf_pid at 304, kf_path at 368."""
    vnode: w.Fields = {32: ("i", VDIR), 312: ("Q", 512), 320: ("I", 7)}
    ends: w.Fields = {
        32: ("i", 0),
        36: ("i", AF_INET),
        40: ("i", 1),
        44: ("i", 6),
        48: ("128s", inet("127.0.0.1", 22)),
        176: ("128s", inet("127.0.0.1", 999)),
        304: ("Q", 0xFFFFF80000000000),
    }
    directory, connection, process = read(
        [
            w.file_entry(4, VNODE, path=b"/etc", fields=vnode, packed=False),
            w.file_entry(5, SOCKET, fields=ends, packed=False),
            w.file_entry(6, PROCDESC, fields={304: ("i", 4242)}, packed=False),
        ]
    )
    assert (directory.vnode, directory.path) == ("directory", b"/etc")
    assert connection.socket is not None
    assert connection.socket.peer == "127.0.0.1:999"
    assert connection.socket.received == 0
    assert process.pid == 4242


def test_kinds_of_later_releases_have_names_and_unknown_ones_numbers() -> None:
    kinds = [f.kind for f in read([w.file_entry(1, n) for n in (13, 14, 15, 16, 99)])]
    assert kinds == ["eventfd", "timerfd", "inotify", "jaildesc", "99"]


@pytest.mark.parametrize("size", [1, 367, -1, -(1 << 31), (1 << 31) - 1, 500])
def test_a_size_that_lies_ends_the_files_with_a_problem(size: int) -> None:
    good = w.file_entry(1, PIPE)
    bad = struct.pack("<i", size) + good[4:]
    problems: list[str] = []
    found = read_files(description([good, bad]), problems)
    assert [file.descriptor for file in found] == [1]
    assert problems == ["the note of open files is cut or damaged after 1"]


def test_more_files_than_a_process_has_are_not_read() -> None:
    entry = w.file_entry(1, PIPE)
    problems: list[str] = []
    found = read_files(description([entry * ((1 << 16) + 2)]), problems)
    assert len(found) == 1 << 16
    assert problems == ["only 65536 open files are read"]


def test_a_note_cut_anywhere_gives_the_files_before() -> None:
    entries = [w.file_entry(n, VNODE, path=b"/a/file") for n in range(3)]
    whole = description(entries)
    for size in range(len(whole)):
        found = read_files(whole[:size], [])
        assert [f.descriptor for f in found] == list(range(len(found)))
        assert len(found) == max(0, size - 4) // len(entries[0])


@given(st.binary(max_size=2000))
def test_no_bytes_raise(data: bytes) -> None:
    read_files(memoryview(data), [])
    record = struct.pack("<ii", 400, SOCKET) + data[:392].ljust(392, b"\1")
    found = read_files(memoryview(bytes(4) + record), [])
    assert len(found) == 1
