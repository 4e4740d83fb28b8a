"""Tokens, users, limits and the audit log, in both databases."""

from __future__ import annotations

import time

import pytest

from coresnap.errors import ConflictError, DeniedError, MissingError, UsageError
from coresnap.store.access.audit import list_audit, note, remove_before
from coresnap.store.access.projects import (
    create_project,
    ensure_project,
    find_project,
    list_projects,
)
from coresnap.store.access.quotas import Quotas, set_limits
from coresnap.store.access.secrets import digest_of
from coresnap.store.access.sessions import (
    begin_session,
    end_session,
    remove_expired,
    session_holder,
)
from coresnap.store.access.summaries import summary_of
from coresnap.store.access.tokens import (
    create_token,
    has_admin,
    list_tokens,
    note_use,
    revoke_token,
    token_holder,
)
from coresnap.store.access.users import create_user, list_users, remove_user, set_role
from coresnap.store.api.audit import AuditEntry
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.projects import Limits
from coresnap.store.api.tokens import NewToken
from coresnap.store.api.users import GivenRole, Login, NewUser, Role
from coresnap.store.project import Project
from coresnap.store.state.state import State


def test_a_project_is_made_once_and_found_in_its_universe_alone(
    state: State, project: Project
) -> None:
    with state.write() as connection:
        ensure_project(connection, "other", "blackhole")
    with state.read() as connection:
        assert find_project(connection, "cf", "blackhole") == project
        assert list_projects(connection, "cf") == (project,)
        assert summary_of(connection, project).faults == 0
        with pytest.raises(MissingError):
            find_project(connection, "cf", "nobody")
    with state.write() as connection, pytest.raises(ConflictError):
        create_project(connection, "cf", "blackhole")
    with state.write() as connection, pytest.raises(UsageError):
        create_project(connection, "cf", "../etc")


def test_a_token_is_known_by_its_digest_until_it_is_revoked(
    state: State, project: Project
) -> None:
    wanted = NewToken("ci", (Capability.POST, Capability.QUERY), "blackhole")
    with state.write() as connection:
        made = create_token(connection, "cf", wanted, "me")
        note_use(connection, {made.description.id: 7})
    with state.read() as connection:
        holder = token_holder(connection, digest_of(made.token))
        assert not has_admin(connection, "cf")
        (listed,) = list_tokens(connection, "cf")
    with state.write() as connection:
        revoke_token(connection, "cf", made.description.id)
    with state.read() as connection:
        assert token_holder(connection, digest_of(made.token)) is None
        assert list_tokens(connection, "cf") == ()

    assert holder is not None
    assert holder.only_project == project.id
    grant = holder.grant(project.id)
    assert grant is not None
    assert grant.capabilities == {Capability.POST, Capability.QUERY}
    assert holder.grant(project.id + 1) is None
    assert (listed.used, listed.created_by) == (7, "me")


def test_digits_and_names_are_taken_once(state: State, project: Project) -> None:
    secret = "ab" * 32
    with state.write() as connection:
        wanted = NewToken("a", (Capability.ADMIN,), token=secret)
        made = create_token(connection, "cf", wanted, "me")
        assert has_admin(connection, "cf")
        with pytest.raises(ConflictError):
            create_token(connection, "cf", NewToken("a", (Capability.POST,)), "me")
        revoke_token(connection, "cf", made.description.id)
        create_token(connection, "cf", NewToken("a", (Capability.POST,)), "me")
        with pytest.raises(ConflictError):
            create_token(connection, "cf", wanted, "me")


def test_a_session_lasts_as_long_as_it_was_begun_for(
    state: State, project: Project
) -> None:
    with state.write() as connection:
        create_user(connection, "cf", NewUser("ann", "ann-password", Role.GUEST))
    login = Login("cf", "ann", "ann-password")
    session = begin_session(state, login, lifetime=60)
    over = begin_session(state, login, lifetime=0)
    with state.read() as connection:
        holder = session_holder(connection, digest_of(session.token))
        assert session_holder(connection, digest_of(over.token)) is None
    for wrong in (
        Login("cf", "ann", "wrong"),
        Login("cf", "nobody", "ann-password"),
        Login("other", "ann", "ann-password"),
    ):
        with pytest.raises(DeniedError):
            begin_session(state, wrong, 60)
    with state.write() as connection:
        remove_expired(connection, int(time.time()) + 1)
        end_session(connection, session.token)
    with state.read() as connection:
        assert session_holder(connection, digest_of(session.token)) is None

    assert holder is not None
    grant = holder.grant(project.id)
    assert grant is not None
    assert grant.is_guest


def test_roles_are_given_in_places_and_users_removed_with_them(
    state: State, project: Project
) -> None:
    with state.write() as connection:
        create_user(connection, "cf", NewUser("ann", "ann-password"))
        admin = GivenRole(Role.ADMIN, "blackhole")
        user = set_role(connection, "cf", "ann", admin)
        assert set_role(connection, "cf", "ann", admin) == user
        assert set(user.roles) == {GivenRole(Role.MEMBER), admin}
        assert set_role(connection, "cf", "ann", GivenRole(None)).roles == (admin,)
        with pytest.raises(ConflictError):
            create_user(connection, "cf", NewUser("ann", "ann-password"))
        with pytest.raises(MissingError):
            set_role(connection, "cf", "ann", GivenRole(Role.GUEST, "nobody"))
        remove_user(connection, "cf", "ann")
        assert list_users(connection, "cf") == ()
        with pytest.raises(MissingError):
            remove_user(connection, "cf", "ann")


def test_several_servers_count_what_a_project_takes_together(
    state: State, project: Project
) -> None:
    here, there = Quotas(state), Quotas(state)
    for quotas in (here, there, here):
        quotas.add(project, 100)
    here.write()
    there.write()
    here.write()
    with state.write() as connection:
        set_limits(connection, project, Limits(faults=3))

    for quotas in (here, there, Quotas(state)):
        quotas.forget(project)
        usage = quotas.usage(project)
        assert (usage.faults, usage.size, usage.limits.faults) == (3, 300, 3)


def test_the_audit_log_is_each_universe_s_own_and_ends_by_age(
    state: State, project: Project
) -> None:
    entry = AuditEntry(0, 0, "me", "::1", "create_token", None, "x" * 1000, 200)
    with state.write() as connection:
        ensure_project(connection, "other", "blackhole")
        for universe in ("cf", "other", "nowhere"):
            note(connection, universe, entry)
    with state.read() as connection:
        (found,) = list_audit(connection, "cf", {})
    with state.write() as connection:
        assert remove_before(connection, found.time) == 0
        assert remove_before(connection, found.time + 60) == 2

    assert found.name == "me"
    assert len(found.subject) < 1000
