"""devd's events: recorded ones, each dialect, and what a user would like them to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Corpus
from coresnap.backends.freebsd_event import CoredumpEvent, read_event
from freebsd_cases import all_cases

HEAD = b"!system=kernel subsystem=signal type=coredump "


@pytest.mark.corpus
def test_every_recorded_event_names_its_core(corpus: Corpus) -> None:
    root = corpus.root / "freebsd"
    told = [
        case for case in all_cases() if (case["devd_event"] or "").endswith(".event")
    ]

    for case in told:
        event = read_event((root / case["devd_event"]).read_bytes())
        assert event is not None
        assert event.core.decode() == case["guest_path"]
        assert event.executable == b"/lab/" + case["comm"].encode()
        assert (event.jid, event.pid, event.signal) == (None, None, None)

    assert len(told) > 15


@pytest.mark.corpus
def test_a_recorded_event_of_another_kind_tells_of_no_core(corpus: Corpus) -> None:
    record = (corpus.root / "freebsd/devd/unrelated.event").read_bytes()

    assert record.startswith(b"!system=CAM")
    assert read_event(record) is None


def test_freebsd_10_and_11_write_paths_without_quotes() -> None:
    record = HEAD + b"comm=/usr/bin/two words core=/var/drop/1.2.3.two words.core"

    assert read_event(record) == CoredumpEvent(
        core=b"/var/drop/1.2.3.two words.core", executable=b"/usr/bin/two words"
    )


def test_freebsd_15_says_jail_process_and_signal() -> None:
    record = HEAD + b'comm="/bin/a" core="/drop/x.core" jid=3 pid=77 ppid=1 signo=11\n'

    assert read_event(record) == CoredumpEvent(
        core=b"/drop/x.core", executable=b"/bin/a", jid=3, pid=77, signal=11
    )


def test_quotes_and_backslashes_are_what_the_kernel_escaped() -> None:
    record = HEAD + rb'comm="/a\"b\\c" core="/drop/d\\\"e"'

    event = read_event(record)

    assert event is not None
    assert (event.executable, event.core) == (rb'/a"b\c', rb"/drop/d\"e")


def test_r03_a_path_with_a_newline_and_an_event_in_it_is_one_path() -> None:
    inner = b"/x\n!system=kernel subsystem=signal type=coredump comm=/y core=/etc/z"
    record = HEAD + b'comm="' + inner + b'" core="/drop/1.2.3.x.core"\n'

    event = read_event(record)

    assert event is not None
    assert (event.executable, event.core) == (inner, b"/drop/1.2.3.x.core")


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"!",
        HEAD,
        HEAD + b'core=""',
        HEAD + b'comm="/a" core="relative"',
        HEAD + b'comm="/a core="/b',
        HEAD.replace(b"signal", b"power") + b'core="/a"',
        b"+" + HEAD[1:] + b'core="/a"',
        b"\xff\x00" * 500,
        HEAD + b"a=" * 2000,
    ],
)
def test_what_is_no_such_event_is_none(record: bytes) -> None:
    assert read_event(record) is None


def test_numbers_that_are_none_are_not_known() -> None:
    event = read_event(HEAD + b'core="/a" jid=-1 pid=x signo=99999999999')

    assert event is not None
    assert (event.jid, event.pid, event.signal) == (None, None, None)


WORDS = st.sampled_from(
    [b"!", b'comm="', b'core="', b'"', b"\\", b" ", b"/x", b"\n", HEAD, b"jid=", b"7"]
)


@given(st.lists(st.one_of(WORDS, st.binary(max_size=9)), max_size=40).map(b"".join))
def test_r13_any_bytes_are_an_event_with_an_absolute_path_or_none(data: bytes) -> None:
    for record in (data, HEAD + data):
        event = read_event(record)
        assert event is None or event.core.startswith(b"/")
