"""The commands of retention, sampling and attributes, against a real server."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from coresnap.errors import QuotaError
from coresnap.store.state.tables.faults import FAULTS

from .bench import Coroner

EX_USAGE, EX_NOINPUT = 2, 66
DAY = 86400


def grow_older(coroner: Coroner, days: int) -> None:
    """Let every fault be received so much earlier."""
    with coroner.live.server.store.state.write() as connection:
        earlier = FAULTS.c.received - days * DAY
        connection.execute(update(FAULTS).values(received=earlier))


def test_old_snapshots_are_planned_then_removed_and_say_why(coroner: Coroner) -> None:
    coroner.put()
    old = coroner.put().object
    grow_older(coroner, 40)
    assert "from: none" in coroner.run("retention", "status", "blackhole")
    said = coroner.run("retention", "set", "blackhole", "--drop-age", "30d")
    assert "drop bodies after 30d (from: project)" in said

    plan = coroner.run("retention", "run", "blackhole", "--dry-run")
    assert plan.splitlines()[1].split()[:5] == ["drop", "bodies", "after", "30d", "1"]
    coroner.run("get", "blackhole", old, "-o", str(coroner.config.parent / "a.csnap"))
    status = coroner.json("retention", "run", "blackhole")
    assert (status["last"]["dropped"], status["started"]) == (1, None)

    refused = coroner.run(
        "get", "blackhole", old, "-o", str(coroner.config.parent / "b.csnap"), code=66
    )
    assert "retention: drop bodies after 30d" in refused


def test_policies_are_listed_by_where_they_stand(coroner: Coroner) -> None:
    said = coroner.run("retention", "set", "--universe", "--forget-age", "400d")
    assert "(universe)" in said
    listed = coroner.json("retention", "list")
    by_name = {one["name"]: one["level"] for one in listed["projects"]}
    assert by_name["blackhole"] == "universe"

    coroner.run(
        "retention", "set", "blackhole", "--keep=2,3", "--drop-size=1GB", "--last-body"
    )
    assert "above 1000000000 bytes" in coroner.run("retention", "list")
    coroner.run("retention", "clear", "blackhole")
    coroner.run("retention", "clear", "--universe")
    assert "from: none" in coroner.run("retention", "status", "blackhole")


def test_a_quota_refuses_and_a_notice_comes_before(coroner: Coroner) -> None:
    coroner.put()
    size = coroner.json("retention", "status", "blackhole")["size"]
    quota = str(size + size // 4)
    coroner.run("retention", "set", "blackhole", "--quota", quota)

    assert " % of the quota" in coroner.run("retention", "status", "blackhole")
    with pytest.raises(QuotaError, match="may take"):
        coroner.put()


@pytest.mark.parametrize(
    "words",
    [
        ("retention", "set", "blackhole"),
        ("retention", "set", "--drop-age", "1d"),
        ("retention", "set", "blackhole", "--drop-age", "soon"),
        ("retention", "set", "blackhole", "--keep", "2"),
        ("retention", "set", "blackhole", "--keep", "0,0"),
        ("retention", "run", "--universe"),
        ("sampling", "set", "blackhole"),
        ("sampling", "set", "blackhole", "--backoff", "0:1m"),
        ("sampling", "set", "blackhole", "--backoff", "2:often"),
        ("sampling", "reset", "blackhole", "--fingerprint", "abc"),
        ("attribute", "set", "blackhole"),
        ("attribute", "set", "blackhole", "dc", "--kind", "integer"),
        ("attribute", "set", "blackhole", "dc", "--format", "bytes"),
        ("attribute", "set", "blackhole", "process.id", "--kind", "text"),
    ],
)
def test_what_makes_no_sense_is_refused(
    coroner: Coroner, words: tuple[str, ...]
) -> None:
    coroner.put(dc="moon")
    assert coroner.run(*words, code=EX_USAGE)


def test_sampling_keeps_the_first_and_tells_what_comes_next(coroner: Coroner) -> None:
    coroner.run(
        "sampling",
        "set",
        "blackhole",
        "--backoff=1:0 2:1h",
        "--attribute=dc",
        "--first-of=version",
        "--reset-interval=2d",
    )
    stored = [coroner.put(dc="moon").stored for _ in range(3)]
    assert stored == ["all", "summary", "summary"]

    shown = coroner.run("sampling", "status", "blackhole")
    assert "2 snapshots were not kept" in shown
    assert "by dc, the first of each version" in shown
    (bucket,) = coroner.json("sampling", "status", "blackhole")["buckets"]
    assert (bucket["kept"], bucket["sampled"], bucket["values"]) == (1, 2, ["moon"])

    assert coroner.run("sampling", "reset", "blackhole") == "1 begin again\n"
    assert coroner.put(dc="moon").stored == "all"
    assert "every snapshot" in coroner.run("sampling", "clear", "blackhole")
    assert coroner.put(dc="moon").stored == "all"


def test_an_attribute_is_described_and_protected(coroner: Coroner) -> None:
    coroner.put(dc="moon")
    coroner.run(
        *("attribute", "set", "blackhole", "dc", "--kind=labels", "--protected"),
        *("--description", "data centers"),
    )
    described = coroner.run("describe", "blackhole", "dc")
    assert "labels" in described
    assert "data centers (discovered, protected)" in described
    status = coroner.json("attribute", "status", "blackhole")
    assert status["discovered"] >= 1
    assert status["widened"][0]["narrow_kind"] == "text"
    coroner.run("attribute", "set", "blackhole", "nobody", "--public", code=66)
