"""``coroner login``: sessions begin, are used, and end."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from coresnap.views.cli.coroner.sessions import keep_session

from .bench import Coroner

EX_USAGE, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 2, 75, 77, 78


@pytest.fixture
def kim(coroner: Coroner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user, and the file that keeps sessions."""
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    named = ("--password-file", str(password))
    coroner.run("user", "create", "kim", "--role", "member", *named)
    monkeypatch.setenv("CORONER_PASSWORD", "correct horse")
    # From here on no token is known.
    text = coroner.config.read_text().partition("[token]")[0]
    coroner.config.write_text(text)
    return tmp_path / ".local/state/coroner/sessions.json"


def test_a_session_is_used_until_it_is_ended(coroner: Coroner, kim: Path) -> None:
    said = coroner.run("list", "blackhole", code=EX_CONFIG)
    assert "coroner login" in said
    assert "kim may ask in cf" in coroner.run("login", "kim")
    assert stat.S_IMODE(kim.stat().st_mode) == 0o600
    coroner.run("list", "blackhole")
    assert coroner.run("login", "--logout") == "the session ended\n"
    coroner.run("list", "blackhole", code=EX_CONFIG)
    assert coroner.run("login", "--logout") == "there was no session\n"


def test_an_ended_session_is_ended_in_the_store_too(
    coroner: Coroner, kim: Path
) -> None:
    coroner.run("login", "kim")
    kept = kim.read_bytes()
    coroner.run("login", "--logout")
    kim.write_bytes(kept)
    coroner.run("list", "blackhole", code=EX_NOPERM)
    assert coroner.run("login", "--logout") == "the session ended\n"


def test_a_session_that_the_store_was_not_told_of_is_kept(
    coroner: Coroner, kim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coresnap.errors import NetworkError
    from coresnap.store.client.client import Client

    def away(*_: object, **__: object) -> None:
        raise NetworkError("cannot reach the store")

    coroner.run("login", "kim")
    kept = json.loads(kim.read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(Client, "call", away)
        coroner.run("login", "--logout", code=EX_TEMPFAIL)
    assert json.loads(kim.read_bytes()) == kept
    coroner.run("list", "blackhole")


def test_a_wrong_password_begins_no_session(
    coroner: Coroner, kim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORONER_PASSWORD", "battery staple")
    answer = coroner.answer("login", "kim", "--json")
    assert answer.code == EX_NOPERM
    assert json.loads(answer.output)["error"]["class"] == "DeniedError"
    monkeypatch.setenv("CORONER_PASSWORD", "")
    assert "no password" in coroner.run("login", "kim", code=EX_USAGE)
    assert not kim.exists()


def test_a_damaged_file_of_sessions_is_one_without_sessions(
    coroner: Coroner, kim: Path
) -> None:
    coroner.run("login", "kim")
    kept = json.loads(kim.read_bytes())
    for damage in ({"expires": "soon"}, {"expires": None}, {"token": 7}):
        damaged = {key: {**session, **damage} for key, session in kept.items()}
        kim.write_text(json.dumps(damaged))
        coroner.run("list", "blackhole", code=EX_CONFIG)
    for content in (b"", b"[]", b"{", b'{"a": 1}', b"\xff"):
        kim.write_bytes(content)
        coroner.run("list", "blackhole", code=EX_CONFIG)
    coroner.run("login", "kim")
    coroner.run("list", "blackhole")


def test_with_json_a_session_is_an_object(coroner: Coroner, kim: Path) -> None:
    begun = coroner.json("login", "kim")
    assert (begun["user"], begun["universe"]) == ("kim", "cf")
    assert begun["kept"] == str(kim)
    assert coroner.json("login", "--logout") == {"ended": True}


def test_keeping_a_session_forgets_those_that_ended(
    coroner: Coroner, kim: Path
) -> None:
    from coresnap.config.store_reading import load_store_config

    keep_session(load_store_config(coroner.config), "old", "t", 1)
    coroner.run("login", "kim")
    assert len(json.loads(kim.read_bytes())) == 1
