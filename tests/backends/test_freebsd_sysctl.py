"""How a real kernel is asked: calls and their memory, with a libc of the test's own.

The functions here do with pointers and sizes what sysctl(3) and jail_get(2) say. What
they answer is what a FreeBSD answered, or an error that the manual names.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from typing import Any

import attrs
import pytest

from conftest import Corpus
from coresnap.backends.freebsd_sysctl import (
    ProcessFact,
    SystemKernel,
    write_all,
)
from coresnap.errors import AccessError, CaptureError, MissingError
from freebsd_kernel import recorded_kernel

pytestmark = pytest.mark.corpus


def _pointer(address: Any, kind: Any) -> Any:  # noqa: ANN401 - ctypes
    return ctypes.cast(address, ctypes.POINTER(kind))


@attrs.define
class Libc:
    """sysctlbyname, sysctl and jail_get over bytes."""

    settings: dict[str, bytes]
    facts: dict[tuple[int, ...], bytes] = attrs.field(factory=dict)
    roots: dict[int, str] = attrs.field(factory=dict)
    may_write: bool = True
    grows: int = 0
    """How often an answer is larger than it was said to be."""

    def _fail(self, number: int) -> int:
        ctypes.set_errno(number)
        return -1

    def _answer(self, data: bytes, buffer: Any, size: Any) -> int:  # noqa: ANN401
        place = _pointer(size, ctypes.c_size_t)
        room = place.contents.value
        if buffer is None:
            place.contents.value = len(data)
            return 0
        if self.grows:
            self.grows -= 1
            return self._fail(errno.ENOMEM)
        if room < len(data):
            return self._fail(errno.ENOMEM)
        ctypes.memmove(buffer, data, len(data))
        place.contents.value = len(data)
        return 0

    def sysctlbyname(
        self,
        name: bytes,
        buffer: Any,  # noqa: ANN401
        size: Any,  # noqa: ANN401
        new: bytes | None,
        new_size: ctypes.c_size_t,
    ) -> int:
        key = name.decode()
        if key not in self.settings:
            return self._fail(errno.ENOENT)
        if new is not None:
            if not self.may_write:
                return self._fail(errno.EPERM)
            data = new[: new_size.value]
            if key != "kern.corefile" and len(data) != len(self.settings[key]):
                return self._fail(errno.EINVAL)
            self.settings[key] = data
            return 0
        return self._answer(self.settings[key], buffer, size)

    def sysctl(
        self,
        mib: Any,  # noqa: ANN401
        count: ctypes.c_uint,
        buffer: Any,  # noqa: ANN401
        size: Any,  # noqa: ANN401
        new: None,
        new_size: ctypes.c_size_t,
    ) -> int:
        assert (new, new_size.value) == (None, 0)
        numbers = tuple(mib[index] for index in range(count.value))
        assert numbers[:2] == (1, 14)
        data = self.facts.get(numbers[2:])
        if data is None:
            return self._fail(errno.ESRCH)
        if data == b"secret":
            return self._fail(errno.EPERM)
        return self._answer(data, buffer, size)

    def jail_get(self, vector: Any, count: ctypes.c_uint, flags: int) -> int:  # noqa: ANN401
        assert flags == 0
        parts = [
            (vector[index].base, vector[index].size) for index in range(count.value)
        ]
        assert ctypes.string_at(parts[0][0]) == b"lastjid"
        assert ctypes.string_at(parts[2][0]) == b"path"
        assert [size for _, size in parts] == [8, 4, 5, 1024]
        last = ctypes.c_int.from_address(parts[1][0]).value
        behind = [jid for jid in sorted(self.roots) if jid > last]
        if not behind:
            return self._fail(errno.ENOENT)
        path = self.roots[behind[0]].encode() + b"\0"
        ctypes.memmove(parts[3][0], path, len(path))
        return behind[0]


@pytest.fixture
def libc(corpus: Corpus) -> Libc:
    """The recorded settings as a kernel keeps them: strings, integers of 4 bytes."""
    recorded = recorded_kernel(corpus.root).settings
    return Libc(
        {
            name: value.encode() + b"\0"
            if name == "kern.corefile"
            else struct.pack("=i", int(value))
            for name, value in recorded.items()
        }
    )


def test_every_recorded_setting_is_read_as_it_was(libc: Libc, corpus: Corpus) -> None:
    kernel = SystemKernel(libc)
    for name, value in recorded_kernel(corpus.root).settings.items():
        assert kernel.read(name) == value


def test_a_setting_that_this_kernel_has_not_is_none(libc: Libc) -> None:
    assert SystemKernel(libc).read("kern.none") is None


@pytest.mark.parametrize("form", ["=b", "=h", "=i", "=q"])
def test_an_integer_is_written_in_the_size_that_it_has(libc: Libc, form: str) -> None:
    libc.settings["kern.coredump"] = struct.pack(form, 0)
    kernel = SystemKernel(libc)

    kernel.write("kern.coredump", "1")

    assert libc.settings["kern.coredump"] == struct.pack(form, 1)
    assert kernel.read("kern.coredump") == "1"


def test_a_pattern_is_written_with_its_nul_and_read_without(libc: Libc) -> None:
    kernel = SystemKernel(libc)

    write_all(kernel, {"kern.corefile": "/var/\udcffdrop/%P"})

    assert libc.settings["kern.corefile"] == b"/var/\xffdrop/%P\0"
    assert kernel.read("kern.corefile") == "/var/\udcffdrop/%P"


def test_who_may_not_write_is_told(libc: Libc) -> None:
    libc.may_write = False
    with pytest.raises(AccessError, match=r"kern\.coredump"):
        SystemKernel(libc).write("kern.coredump", "1")
    with pytest.raises(CaptureError, match=r"no kern\.none"):
        SystemKernel(libc).write("kern.none", "1")


def test_a_kernel_structure_comes_whole_though_it_grows(libc: Libc) -> None:
    data = bytes(range(256)) * 5
    libc.facts[1, 77] = data
    libc.grows = 3

    assert SystemKernel(libc).process(ProcessFact.PROCESS, 77) == data


def test_an_answer_without_end_is_an_error(libc: Libc) -> None:
    libc.facts[1, 77] = b"x"
    libc.grows = 1000

    with pytest.raises(CaptureError, match="77"):
        SystemKernel(libc).process(ProcessFact.PROCESS, 77)


def test_a_limit_is_asked_with_its_number(libc: Libc) -> None:
    libc.facts[37, 77, 4] = struct.pack("=qq", 1, 2)

    data = SystemKernel(libc).process(ProcessFact.LIMIT, 77, 4)

    assert data == struct.pack("=qq", 1, 2)


def test_processes_that_are_not_there_or_not_ours_are_errors(libc: Libc) -> None:
    libc.facts[1, 78] = b"secret"
    kernel = SystemKernel(libc)

    with pytest.raises(MissingError, match="77"):
        kernel.process(ProcessFact.PROCESS, 77)
    with pytest.raises(AccessError, match="78"):
        kernel.process(ProcessFact.PROCESS, 78)


def test_jails_are_listed_one_behind_the_other(libc: Libc) -> None:
    libc.roots = {2: "/jails/a", 7: "/jails/b c", 40: "/"}

    assert SystemKernel(libc).jails() == libc.roots
    libc.roots = {}
    assert SystemKernel(libc).jails() == {}
