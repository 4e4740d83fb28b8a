"""The log in systemd's journal: its fields, and what hostile values become there."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.daemon.journald import VALUE_LIMIT, Journald, fields_of, is_stderr
from coresnap.daemon.log import make_logger
from coresnap.model.message_id import MessageId
from shortpath import short_directory

pytestmark = pytest.mark.linux

JOURNALD = Path("/lib/systemd/systemd-journald")
ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def receiver() -> Iterator[tuple[socket.socket, Path]]:
    """A socket as journald has one, and its path."""
    with (
        short_directory() as directory,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound,
    ):
        bound.bind(str(directory / "socket"))
        bound.settimeout(30)
        yield bound, directory / "socket"


def understood(data: bytes) -> dict[str, str]:
    """What journald takes from a datagram, by systemd's description of the protocol."""
    found = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(data[:8], "little")
            value, data = data[8 : 8 + size], data[9 + size :]
        found[name.decode()] = value.decode()
    return found


def received(bound: socket.socket) -> dict[str, str]:
    data, descriptors, _, _ = socket.recv_fds(bound, 1 << 20, 1)
    if descriptors:
        with os.fdopen(descriptors[0], "rb") as file:
            file.seek(0)
            data = file.read()
    return understood(data)


def test_what_a_message_is_about_has_fields_of_its_own() -> None:
    facts = {
        "message_id": MessageId.CRASH_ANALYSED,
        "id": ID,
        "signal": "SIGSEGV",
        "sure": True,
        "checks": ["heap", "stack"],
        "project": None,
        "a.b-c": 7,
    }

    assert fields_of("info", "done", facts) == {
        "MESSAGE": "done",
        "MESSAGE_ID": MessageId.CRASH_ANALYSED,
        "PRIORITY": "6",
        "CORESNAP_ID": ID,
        "CORESNAP_SIGNAL": "SIGSEGV",
        "CORESNAP_SURE": "yes",
        "CORESNAP_CHECKS": "heap stack",
        "CORESNAP_A_B_C": "7",
    }


def test_what_somebody_should_look_at_is_found_by_priority() -> None:
    given_up = {"message_id": MessageId.ANALYSIS_GIVEN_UP}

    assert fields_of("info", "", given_up)["PRIORITY"] == "4"
    assert fields_of("error", "", given_up)["PRIORITY"] == "3"
    assert fields_of("warning", "", {})["PRIORITY"] == "4"


def test_a_value_is_no_field_and_no_line_of_its_own(
    receiver: tuple[socket.socket, Path],
) -> None:
    bound, path = receiver
    hostile = "/bin/a\nPRIORITY=0\nMESSAGE=b\x1b[2J\x00\udc80=\u202e"

    fields = fields_of("info", hostile, {"executable": hostile, "k\n=é": "v"})
    Journald("coresnapd", path).info(fields)

    got = received(bound)
    assert set(got) == {
        "SYSLOG_IDENTIFIER",
        "MESSAGE",
        "PRIORITY",
        "CORESNAP_EXECUTABLE",
        "CORESNAP_K___",
    }
    assert got["PRIORITY"] == "6"
    assert got["MESSAGE"] == got["CORESNAP_EXECUTABLE"]
    assert got["MESSAGE"].isprintable()


def test_a_message_that_is_no_datagram_comes_in_memory(
    receiver: tuple[socket.socket, Path],
) -> None:
    bound, path = receiver
    facts = {f"fact{number}": "x" * 10 * VALUE_LIMIT for number in range(8)}

    Journald("coresnapd", path).error(fields_of("error", "large", facts))

    got = received(bound)
    assert got["MESSAGE"] == "large"
    for number in range(8):
        value = got[f"CORESNAP_FACT{number}"]
        assert value == "x" * (VALUE_LIMIT - 1) + "…"


def test_without_the_journal_a_message_is_a_line_with_its_priority(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Journald("coresnapd", tmp_path / "none").error(fields_of("error", "no room", {}))

    assert capsys.readouterr().err == "<3>no room\n"


@pytest.mark.parametrize("said", ["", "x", "1:x", ":", "0:0", "99999999999999999999:1"])
def test_only_the_journal_s_own_stream_is_taken_for_it(
    monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", said)

    assert not is_stderr()


def test_json_that_was_asked_for_stays_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("coresnap.daemon.log.is_stderr", lambda: True)

    make_logger(json=True, syslog=False).info("said", id=ID)

    assert json.loads(capsys.readouterr().err)["id"] == ID


# --- the real one -----------------------------------------------------------------

_WITH_JOURNALD = f"""\
mount -t tmpfs run /run && mkdir -p /run/systemd/journal /run/log/journal
mount -t tmpfs log /var/log
{JOURNALD} & journald=$!
until [ -S /run/systemd/journal/socket ] && [ -S /run/systemd/journal/stdout ]; do
	sleep 0.05
done
"$@"
code=$?
kill $journald && wait $journald
journalctl --no-pager -q --all -D /run/log/journal -o json SYSLOG_IDENTIFIER=$NAME
exit $code
"""
_SPEAK = """\
import os, socket, sys
stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
stream.connect("/run/systemd/journal/stdout")
stream.sendall(b"coresnap-test\\n\\n6\\n0\\n0\\n0\\n0\\n")
status = os.fstat(stream.fileno())
os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
os.dup2(stream.fileno(), 2)
from coresnap.daemon.log import make_logger
from coresnap.model.message_id import MessageId
log = make_logger(json=False, syslog=False, name="coresnap-test")
log.info("crash archived", message_id=MessageId.CRASH_ARCHIVED, id=sys.argv[1])
facts = {"executable": "/a\\nPRIORITY=0", "reason": "r" * 60000}
log.error("no\\nroom", remedy="Free some.", **facts)
"""


@pytest.mark.systemd
@pytest.mark.root
@pytest.mark.skipif(
    not JOURNALD.exists() or shutil.which("unshare") is None,
    reason="not installed: systemd-journald",
)
def test_systemd_s_own_journal_finds_messages_by_field() -> None:
    """A journald in mounts of its own, whose stream is standard error."""
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
    run = subprocess.run(
        [*words, _WITH_JOURNALD, "sh", sys.executable, "-c", _SPEAK, ID],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NAME": "coresnap-test"},
        timeout=60,
    )
    if "unshare failed" in run.stderr:
        pytest.skip(f"no namespaces here: {run.stderr.strip()}")

    archived, failed = (json.loads(line) for line in run.stdout.splitlines())
    assert archived["MESSAGE"] == "crash archived"
    assert archived["MESSAGE_ID"] == MessageId.CRASH_ARCHIVED
    assert archived["CORESNAP_ID"] == ID
    assert (archived["_TRANSPORT"], archived["PRIORITY"]) == ("journal", "6")
    assert failed["MESSAGE"] == r"no\nroom (Free some.)"
    assert failed["CORESNAP_EXECUTABLE"] == r"/a\nPRIORITY=0"
    assert failed["PRIORITY"] == "3"
    assert failed["CORESNAP_REASON"] == "r" * 60000
