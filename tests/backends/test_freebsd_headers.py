"""The numbers that FreeBSD's functions are called with, held against its headers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coresnap.backends import freebsd_capabilities, freebsd_confinement, freebsd_sysctl
from coresnap.backends import freebsd_process as process
from coresnap.backends.freebsd_sysctl import ProcessFact

pytestmark = pytest.mark.zig

HEADERS = (
    *("sys/types.h", "sys/param.h", "sys/capsicum.h", "sys/jail.h", "sys/proc.h"),
    *("sys/procctl.h", "sys/resource.h", "sys/sysctl.h", "sys/uio.h", "sys/user.h"),
    *("sys/wait.h", "errno.h"),
)
RIGHTS = (
    "CAP_READ | CAP_SEEK | CAP_MMAP_R | CAP_LOOKUP | CAP_FCNTL | CAP_FLOCK | CAP_FSTAT "
    "| CAP_FSTATFS"
)
WANTED: dict[str, int | str] = {
    "CTL_KERN": freebsd_sysctl._CTL_KERN,
    "KERN_PROC": freebsd_sysctl._KERN_PROC,
    "KERN_PROC_PID": ProcessFact.PROCESS,
    "KERN_PROC_ARGS": ProcessFact.ARGUMENTS,
    "KERN_PROC_PATHNAME": ProcessFact.PATH,
    "KERN_PROC_RLIMIT": ProcessFact.LIMIT,
    "MAXPATHLEN": freebsd_sysctl._PATH_SIZE,
    "P_PID": freebsd_confinement._P_PID,
    "PROC_TRACE_CTL": freebsd_confinement._PROC_TRACE_CTL,
    "PROC_TRACE_CTL_DISABLE": freebsd_confinement._PROC_TRACE_CTL_DISABLE,
    "PROC_PDEATHSIG_CTL": freebsd_confinement._PROC_PDEATHSIG_CTL,
    "PROC_NO_NEW_PRIVS_CTL": freebsd_confinement._PROC_NO_NEW_PRIVS_CTL,
    "PROC_NO_NEW_PRIVS_ENABLE": freebsd_confinement._PROC_NO_NEW_PRIVS_ENABLE,
    "sizeof(id_t)": 8,
    "P_SUGID": process._P_SUGID,
    "P2_NOTRACE": process._P2_NOTRACE,
    "KI_CRF_CAPABILITY_MODE": process._KI_CRF_CAPABILITY_MODE,
    "RLIM_INFINITY": process._RLIM_INFINITY,
    "sizeof(struct rlimit)": 16,
    "RLIMIT_CORE": 4,
    RIGHTS: 1 << 57 | freebsd_capabilities._RIGHTS,
    "CAPRIGHT(1, 0ULL)": 1 << 58,
    "CAP_RIGHTS_VERSION": 0,
    "sizeof(cap_rights_t)": 16,
    "sizeof(struct iovec)": "2 * sizeof(void *)",
    "offsetof(struct iovec, iov_base)": 0,
}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_numbers_are_those_of_the_headers(tmp_path: Path, machine: str) -> None:
    source = tmp_path / "numbers.c"
    lines = [f"#include <{name}>" for name in ("stddef.h", *HEADERS)]
    for name, value in WANTED.items():
        number = value if isinstance(value, str) else f"{int(value)}LL"
        lines.append(f'_Static_assert(({name}) == ({number}), "{name}");')
    source.write_text("\n".join(lines) + "\n")

    command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-freebsd"]
    options = ["-std=c11", "-w", "-c", str(source), "-o", str(tmp_path / "numbers.o")]
    run = subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr


def test_a_number_that_differs_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WANTED, "P_SUGID", 1)
    with pytest.raises(AssertionError, match="P_SUGID"):
        test_numbers_are_those_of_the_headers(tmp_path, "x86_64")
