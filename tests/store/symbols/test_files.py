"""Keeping symbol files, on both databases and in both places for objects."""

from __future__ import annotations

import hashlib
import io

import pytest

from coresnap.errors import MissingError
from coresnap.store.access.projects import ensure_project
from coresnap.store.objects.contract import Objects
from coresnap.store.project import Project
from coresnap.store.server.call import Staged
from coresnap.store.state.state import State
from coresnap.store.store import Store
from coresnap.store.symbols.files import (
    KeptSymbols,
    being_applied,
    keep_symbols,
    kept_symbols,
    remove_symbols,
)
from coresnap.store.symbols.symbol_file import SymbolFile
from store.no_index import NoIndex

BUILD_ID = "ab" * 20


@pytest.fixture
def store(state: State, objects: Objects) -> Store:
    return Store(state, objects, NoIndex())


def keep(
    store: Store, project: Project, body: bytes, kind: str = "debuginfo"
) -> tuple[KeptSymbols, bool]:
    staged = Staged(io.BytesIO(body), len(body), hashlib.sha256(body).hexdigest())
    file = SymbolFile(BUILD_ID, kind, "EM_X86_64", True)
    return keep_symbols(store, project, file, staged, "simple.debug", "ci")


def listed(store: Store, project: Project) -> list[KeptSymbols]:
    with store.state.read() as connection:
        return kept_symbols(connection, project)


def test_a_file_is_kept_once_and_waits_to_be_applied(
    store: Store, project: Project
) -> None:
    kept, was_there = keep(store, project, b"symbols")
    again, is_duplicate = keep(store, project, b"symbols")

    assert (was_there, is_duplicate) == (False, True)
    assert listed(store, project) == [kept] == [again]
    with store.objects.open(kept.key(project)) as body:
        assert body.read() == b"symbols"
    with store.state.read() as connection:
        assert being_applied(connection, project) == {BUILD_ID}


def test_another_file_of_the_same_build_takes_the_place_of_the_first(
    store: Store, project: Project
) -> None:
    first, _ = keep(store, project, b"first")
    second, was_there = keep(store, project, b"second")

    assert not was_there
    assert listed(store, project) == [second]
    with pytest.raises(MissingError):
        store.objects.stat(first.key(project))


def test_executable_and_debug_file_of_a_build_are_kept_side_by_side(
    store: Store, project: Project
) -> None:
    keep(store, project, b"debug")
    keep(store, project, b"code", "executable")

    assert {one.kind for one in listed(store, project)} == {"debuginfo", "executable"}
    assert remove_symbols(store, project, BUILD_ID) == 2
    assert listed(store, project) == []
    with pytest.raises(MissingError, match="no symbols of build-id"):
        remove_symbols(store, project, BUILD_ID)


def test_another_project_sees_none_of_it(store: Store, project: Project) -> None:
    keep(store, project, b"symbols")
    with store.state.write() as connection:
        other = ensure_project(connection, "cf", "other")

    assert listed(store, other) == []
    with pytest.raises(MissingError):
        remove_symbols(store, other, BUILD_ID)
