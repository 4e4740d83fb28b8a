"""Secrets are taken out of snapshots when they arrive, if the project wants that."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.model import MemoryRange, Snapshot
from coresnap.snapshot.container import pack_snapshot
from coresnap.store.api.endpoint import Capability
from store.server.live import LiveServer

SECRET = "Ahf4ohqu3Zee9xu"
CARD = "4111 1111 1111 1111"


def snapshot(number: int) -> bytes:
    told = f"./simple --password={SECRET}"
    return pack_snapshot(
        Snapshot(
            "Linux",
            "x86-64",
            1,
            "simple",
            told,
            None,
            attributes={
                "coresnap.object": f"{number:032x}",
                "arguments": told,
                "customer": "customer=8842 card " + CARD,
            },
            fingerprint="ab" * 32,
            memory=(MemoryRange(0x1000, f"PASSWORD={SECRET}\0".encode() * 4),),
            assets={"process/environ": f"API_TOKEN={SECRET}\0".encode()},
        )
    )


def everything_below(directory: Path) -> bytes:
    return b"".join(p.read_bytes() for p in directory.rglob("*") if p.is_file())


def test_snapshots_stay_as_they_were_sent_unless_the_project_says_otherwise(
    live: LiveServer,
) -> None:
    with live.client(Capability.ADMIN) as client:
        client.post("faults", content=snapshot(1))

        assert client.get("scrubbing").json() == {}
        assert client.get(f"faults/{1:032x}").content == snapshot(1)


def test_no_secret_that_a_scrubber_knows_is_stored_anywhere(live: LiveServer) -> None:
    rules = {
        "built_in": ["key", "token", "ccn", "ssn", "env", "url"],
        "expressions": [{"name": "customer", "pattern": "customer=([0-9]+)"}],
    }
    with live.client(Capability.ADMIN) as client:
        assert client.put("scrubbing", json=rules).json() == rules
        sent = client.post("faults", content=snapshot(1))
        again = client.post("faults", content=snapshot(1))
        live.wait_until_indexed()
        rows = client.post("query", json={"select": ["arguments", "customer"]}).json()[
            "rows"
        ]
        body = client.get(f"faults/{1:032x}").content

    assert sent.status_code == 200, sent.text
    assert again.json()["is_duplicate"]
    from coresnap.snapshot.container import read_snapshot

    file = live.server.config.data / "read.csnap"
    file.write_bytes(body)
    found = repr(read_snapshot(file))
    file.unlink()
    for canary in (SECRET, CARD, "8842"):
        assert canary not in found
        assert canary not in repr(rows)
        assert canary.encode() not in everything_below(live.server.config.data)
    assert "[scrubbed customer]" in repr(rows)


@pytest.mark.parametrize(
    "rules",
    [
        {"built_in": ["everything"]},
        {"expressions": [{"name": "x", "pattern": "("}]},
        {"expressions": [{"name": "x", "pattern": "(a+)+$"}]},
        {"expressions": [{"name": "../x", "pattern": "a"}]},
    ],
)
def test_rules_that_make_no_sense_are_refused(
    live: LiveServer, rules: dict[str, object]
) -> None:
    with live.client(Capability.ADMIN) as client:
        answer = client.put("scrubbing", json=rules)
        after = client.get("scrubbing").json()

    assert answer.status_code == 400
    assert after == {}
