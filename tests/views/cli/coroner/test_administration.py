"""``coroner token``, ``project`` and ``user``, against a real server."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import pytest

from coresnap.store.api.endpoint import Capability
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import main
from store.server.process import ServerProcess
from store.server.snapshots import make_snapshot

from .bench import Coroner


def test_a_new_token_is_a_line_for_coroner_cf_and_works_until_it_is_revoked(
    coroner: Coroner,
) -> None:
    out = coroner.run(
        "token", "create", "host", "--capability", "post", "--project", "blackhole"
    )
    found = re.fullmatch(r"\[token\]\nhost = ([0-9a-f]{64})\n", out)
    assert found is not None
    with coroner.live.client() as host:
        host.http.headers["authorization"] = f"Bearer {found[1]}"
        before = host.post("faults", content=make_snapshot())
        listed = coroner.run("token", "list")
        coroner.run("token", "revoke", "host")
        after = host.post("faults", content=make_snapshot())

    assert (before.status_code, after.status_code) == (200, 401)
    assert re.search(r"host +post +blackhole +never", listed)
    assert found[1] not in listed


def test_a_token_can_be_given_and_can_end(coroner: Coroner, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("ab" * 32 + "\n")
    words = ("token", "create", "old", "--capability", "query", "--capability", "post")
    made = coroner.json(*words, "--value", str(given), "--expires", "90d")

    assert made["token"] == "ab" * 32
    assert made["description"]["capabilities"] == ["post", "query"]
    # Client and server read their clocks one after the other.
    lasts = made["description"]["expires"] - made["description"]["created"]
    assert abs(lasts - 90 * 86400) < 60


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("token", "create", "x"), 2, "--capability"),
        (("token", "create"), 2, "needs a name"),
        (("token", "create", "x", "--capability", "post", "--expires", "soon"), 2, "s"),
        (("token", "revoke", "nobody"), 66, "coroner token list"),
        (("token", "create", "admin", "--capability", "post"), 73, "another name"),
        (("project", "create", "blackhole"), 73, "already"),
        (("project", "create", "../x"), 2, "matching"),
        (("project", "limits", "nobody"), 66, "no project"),
        (("project", "limits", "blackhole", "--faults", "few"), 2, "number"),
        (("user", "role", "nobody", "guest"), 66, "coroner user list"),
        (("user", "role", "nobody", "king"), 2, "guest, member or admin"),
        (("user", "create", "ann"), 2, "--password-file"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_can(
    coroner: Coroner, words: tuple[str, ...], code: int, told: str
) -> None:
    assert told in coroner.run(*words, code=code)


def test_projects_are_made_listed_and_limited(coroner: Coroner) -> None:
    coroner.run("project", "create", "second")
    with coroner.live.client(Capability.POST) as host:
        host.post("faults", content=make_snapshot())
    listed = coroner.run("project", "list").splitlines()
    limited = coroner.run(
        "project", "limits", "blackhole", "--faults", "9", "--size", "1GiB"
    )
    again = coroner.run("project", "limits", "blackhole", "--faults", "none")

    assert [line.split()[:2] for line in listed[1:]] == [
        ["blackhole", "1"],
        ["second", "0"],
    ]
    assert "1 of 9" in limited
    assert "1 of any" in again
    assert "of 1.07 GB" in again


def test_users_are_made_given_roles_and_removed(
    coroner: Coroner, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    named = ("--password-file", str(password))
    coroner.run("user", "create", "ann", "--role", "guest", *named)
    coroner.run("user", "role", "ann", "admin", "--project", "blackhole")
    listed = coroner.run("user", "list")
    with coroner.live.client() as ann:
        known = {"universe": "cf", "user": "ann", "password": "correct horse"}
        before = ann.post("/api/v1/login", json=known)
        password.write_text("battery staple")
        coroner.run("user", "password", "ann", *named)
        after = ann.post("/api/v1/login", json=known)
    coroner.run("user", "remove", "ann")

    assert "guest, admin in blackhole" in listed
    assert (before.status_code, after.status_code) == (200, 403)
    assert "ann" not in coroner.run("user", "list")


def test_a_token_is_made_on_the_store_itself_when_no_server_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    words = ["token", "create", "rescue", "--capability", "admin", "--data", str(data)]
    missing = main(words, CORONER)
    server = ServerProcess(data)
    server.start()
    busy = main([*words, "--universe", "cf"], CORONER)
    server.end()
    made = main([*words, "--universe", "cf"], CORONER)
    out, err = capsys.readouterr()
    secret = re.findall("[0-9a-f]{64}", out)[0]
    url = server.start()
    headers = {"authorization": f"Bearer {secret}"}
    answer = httpx2.get(f"{url}/api/v1/universes/cf/tokens", headers=headers)
    server.end()

    assert answer.status_code == 200
    assert (missing, busy, made) == (66, 74, 0)
    assert "open already" in err


def test_a_token_can_be_made_where_the_state_is_a_database_of_its_own(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, settings = tmp_path / "data", tmp_path / "coronerd.conf"
    database = f"sqlite:///{tmp_path}/elsewhere.sqlite"
    settings.write_text(f"[store]\ndatabase = {database}\n")
    monkeypatch.setattr(
        "coresnap.config.server_reading.SERVER_SEARCH_PATH", (settings,)
    )
    server = ServerProcess(data, ("--database", database))
    server.start()
    server.end()

    words = ["token", "create", "rescue", "--capability", "admin", "--data", str(data)]
    assert main([*words, "--universe", "cf"], CORONER) == 0
    assert re.search("rescue = [0-9a-f]{64}", capsys.readouterr().out)
