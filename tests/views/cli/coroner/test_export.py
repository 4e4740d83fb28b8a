"""``coroner export``: every fault once, however many, whatever happens meanwhile."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coresnap.errors import NetworkError
from coresnap.store.api.faults import DELETE_FAULT
from coresnap.store.api.queries import QUERY
from coresnap.store.client.client import Client
from coresnap.views.cli.coroner import export

from .bench import Coroner

EX_USAGE, EX_IOERR, EX_TEMPFAIL = 2, 74, 75


@pytest.fixture
def faults(coroner: Coroner, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Seven faults, the last accepted first, which are exported two by two."""
    monkeypatch.setattr(export, "_PAGE", 2)
    return [coroner.put(1).object for _ in range(7)][::-1]


def between_pages(
    patch: pytest.MonkeyPatch, happen: Callable[[Client, int], None]
) -> None:
    """Let something happen before each page; it is told the page's number."""
    call, pages = Client.call, 0

    def paused(client: Client, endpoint: Any, *body: Any, **more: Any) -> Any:  # noqa: ANN401
        nonlocal pages
        if endpoint is QUERY:
            pages += 1
            happen(client, pages)
        return call(client, endpoint, *body, **more)

    patch.setattr(Client, "call", paused)


def objects(lines: str) -> list[str]:
    return [json.loads(line)["object"] for line in lines.splitlines()]


def test_what_comes_or_goes_between_pages_moves_none(
    coroner: Coroner, faults: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(client: Client, page: int) -> None:
        if page > 1:
            coroner.put(1)
        if page == 2:
            client.call(DELETE_FAULT, object=faults[0], parameters={"all": True})
        coroner.live.wait_until_indexed()

    between_pages(monkeypatch, change)
    assert objects(coroner.run("export", "blackhole")) == faults


@pytest.mark.parametrize("is_csv", [False, True], ids=["lines", "csv"])
def test_an_export_that_broke_goes_on_where_it_ended(
    coroner: Coroner,
    faults: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_csv: bool,
) -> None:
    target, part = tmp_path / "out", tmp_path / "out.part"
    form = ("--csv", "--select", "object") if is_csv else ()
    words = ("export", "blackhole", "--output", str(target), *form)

    def break_third(client: Client, page: int) -> None:
        if page == 3:
            raise NetworkError("the store cannot be reached")

    with monkeypatch.context() as patch:
        between_pages(patch, break_third)
        coroner.run(*words, code=EX_TEMPFAIL)
    assert not target.exists()
    with part.open("ab") as file:
        file.write(b'{"object": "half a li')  # as one that was killed leaves it
    coroner.put(1)
    asked: list[int] = []
    between_pages(monkeypatch, lambda client, page: asked.append(page))

    assert coroner.run(*words) == f"7 faults written to {target}\n"
    text = target.read_text()
    found = text.split()[1:] if is_csv else objects(text)
    assert found == faults
    assert asked == [1, 2]
    assert [path.name for path in tmp_path.glob("out*")] == ["out"]


def test_an_export_is_gone_on_with_by_the_same_words_and_one_at_a_time(
    coroner: Coroner,
    faults: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target, part = tmp_path / "out", tmp_path / "out.part"
    words = ("export", "blackhole", "-o", str(target))

    def break_second(client: Client, page: int) -> None:
        if page == 2:
            raise NetworkError("the store cannot be reached")

    with monkeypatch.context() as patch:
        between_pages(patch, break_second)
        coroner.run(*words, code=EX_TEMPFAIL)
    said = coroner.run(*words, "--filter=application=simple", code=EX_USAGE)
    assert "other options" in said
    with part.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another export" in coroner.run(*words, code=EX_USAGE)
    part.unlink()
    # Without its lines, what is said about them counts for nothing.
    coroner.run(*words, "--filter=application=simple")
    assert objects(target.read_text()) == faults


def test_an_export_of_nothing_is_an_empty_file_where_one_can_be(
    coroner: Coroner, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    told = coroner.json("export", "blackhole", "-o", str(target))
    assert told == {"file": str(target), "faults": 0}
    assert target.read_bytes() == b""
    words = ("export", "blackhole", "-o", str(tmp_path / "gone" / "out"))
    assert "cannot write" in coroner.run(*words, code=EX_IOERR)
