"""Faults get the names that they had not when their symbols are sent."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.config.store_config import StoreConfig
from coresnap.errors import InputError, MissingError
from coresnap.snapshot.container import read_snapshot, write_snapshot
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.faults import GET_FAULT, Accepted
from coresnap.store.api.queries import QUERY
from coresnap.store.api.symbols import (
    DELETE_SYMBOLS,
    GET_SYMBOLS,
    LIST_SYMBOLS,
    MISSING_SYMBOLS,
    SEND_SYMBOLS,
    SentSymbols,
)
from coresnap.store.client.client import Client, open_client
from coresnap.store.client.putting import put_snapshot
from coresnap.store.query.query import Query
from store.server.live import LiveServer, running_server

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    (tmp_path / "store").mkdir()
    with running_server(tmp_path / "store") as server:
        yield server


@pytest.fixture
def client(live: LiveServer) -> Iterator[Client]:
    token = live.token(
        Capability.POST, Capability.QUERY, Capability.SYMBOLS, Capability.ADMIN
    )
    config = StoreConfig("cf", live.url, live.url, tokens={"t": token})
    with open_client(config, "blackhole", "t") as client:
        yield client


@pytest.fixture
def crash(
    tmp_path: Path, compile_program: CompileProgram, kernel_core: KernelCore
) -> Path:
    """Where ``fault.csnap`` of a stripped program is, and ``descends.debug``."""
    built = compile_program("descends.cc", "-g", "-O1")
    program, debug = tmp_path / "descends", tmp_path / "descends.debug"
    subprocess.run(["objcopy", "--only-keep-debug", built, debug], check=True)
    subprocess.run(["strip", "-s", built, "-o", program], check=True)
    write_snapshot(coresnap.analyze(kernel_core([program])), tmp_path / "fault.csnap")
    program.unlink()
    return tmp_path


def put(client: Client, crash: Path) -> Accepted:
    with (crash / "fault.csnap").open("rb") as file:
        return put_snapshot(client, file)


def send(client: Client, data: bytes) -> SentSymbols:
    return client.post_bytes(
        SEND_SYMBOLS, lambda: iter([data]), len(data), parameters={"name": "a.debug"}
    )


def wait_until_applied(live: LiveServer, client: Client) -> None:
    import time

    deadline = time.monotonic() + 30
    while any(one.is_being_applied for one in client.call(LIST_SYMBOLS).symbols):
        assert time.monotonic() < deadline, live.log.lines
        time.sleep(0.1)
    live.wait_until_indexed()


def test_what_is_missing_is_listed_sent_and_read_again(
    live: LiveServer, client: Client, crash: Path
) -> None:
    accepted = put(client, crash)
    live.wait_until_indexed()
    needed = {one.path: one for one in client.call(MISSING_SYMBOLS).symbols}
    wanted = needed[str(crash / "descends")]
    assert wanted.faults == 1
    assert wanted.reason

    sent = send(client, (crash / "descends.debug").read_bytes())
    assert (sent.build_id, sent.kind) == (wanted.build_id, "debuginfo")
    assert (sent.is_duplicate, sent.faults) == (False, 1)
    wait_until_applied(live, client)

    result = client.call(QUERY, Query(select=("object", "callstack", "fingerprint")))
    target = io.BytesIO()
    client.download(GET_FAULT, target, object=accepted.object)
    (crash / "named.csnap").write_bytes(target.getvalue())
    named = read_snapshot(crash / "named.csnap")
    assert [row.values[0] for row in result.rows] == [accepted.object]
    assert str(result.rows[0].values[1]).startswith("both\ndescend")
    assert named.callstack == ("both", "descend", "main")
    assert result.rows[0].values[2] == named.fingerprint != accepted.fingerprint
    assert str(crash / "descends") not in {
        one.path for one in client.call(MISSING_SYMBOLS).symbols
    }


def test_a_fault_that_moved_to_another_group_counts_there_alone(
    live: LiveServer, client: Client, crash: Path
) -> None:
    put(client, crash)
    live.wait_until_indexed()
    send(client, (crash / "descends.debug").read_bytes())
    wait_until_applied(live, client)

    groups = client.call(QUERY, Query(group=("group", "group.count"))).groups
    assert [(group.count, group.key[1]) for group in groups] == [(1, 1)]


def test_symbols_can_be_had_back_and_removed(client: Client, crash: Path) -> None:
    data = (crash / "descends.debug").read_bytes()
    sent = send(client, data)
    assert send(client, data).is_duplicate
    target = io.BytesIO()
    client.download(GET_SYMBOLS, target, build_id=sent.build_id, kind="debuginfo")
    assert target.getvalue() == data

    client.call(DELETE_SYMBOLS, build_id=sent.build_id)
    assert client.call(LIST_SYMBOLS).symbols == ()
    with pytest.raises(MissingError):
        client.call(DELETE_SYMBOLS, build_id=sent.build_id)


def test_what_is_no_symbol_file_is_refused(client: Client) -> None:
    with pytest.raises(InputError, match="no ELF file"):
        send(client, b"MZ" + bytes(1000))
