"""Files that people add to faults, over HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.config.store_config import StoreConfig
from coresnap.errors import CoresnapError, MissingError, QuotaError, UsageError
from coresnap.store.access.projects import ensure_project
from coresnap.store.access.quotas import set_limits
from coresnap.store.api.attachments import (
    ADD_ATTACHMENT,
    DELETE_ATTACHMENT,
    GET_ATTACHMENT,
    LIST_ATTACHMENTS,
    Attachment,
)
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.faults import DELETE_FAULT
from coresnap.store.api.projects import Limits
from coresnap.store.api.retention import RetentionPolicy
from coresnap.store.attachments import keeping
from coresnap.store.client.client import Client, open_client
from coresnap.store.client.putting import put_snapshot
from coresnap.store.retention.policies import set_project_policy
from store.server.live import LiveServer, running_server
from store.server.snapshots import make_snapshot


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    with running_server(tmp_path) as server:
        yield server


def client_of(live: LiveServer, project: str = "blackhole") -> Client:
    token = live.token(Capability.POST, Capability.QUERY, Capability.ADMIN)
    config = StoreConfig("cf", live.url, live.url, tokens={"t": token})
    return open_client(config, project, "t")


@pytest.fixture
def client(live: LiveServer) -> Iterator[Client]:
    with client_of(live) as client:
        yield client


@pytest.fixture
def fault(client: Client) -> str:
    return put_snapshot(client, io.BytesIO(make_snapshot(1))).object


def add(client: Client, fault: str, data: bytes, name: str = "a.log") -> Attachment:
    return client.post_bytes(
        ADD_ATTACHMENT,
        lambda: iter([data]),
        len(data),
        parameters={"name": name, "content_type": "text/plain"},
        object=fault,
    )


def test_a_file_is_added_once_listed_got_and_removed(
    client: Client, fault: str
) -> None:
    added = add(client, fault, b"it was like this")
    again = add(client, fault, b"it was like this")
    other = add(client, fault, b"and like that")
    listed = client.call(LIST_ATTACHMENTS, object=fault).attachments
    target = io.BytesIO()
    client.download(GET_ATTACHMENT, target, object=fault, attachment=added.id)

    assert again == added != other
    assert set(listed) == {added, other}
    assert target.getvalue() == b"it was like this"
    client.call(DELETE_ATTACHMENT, object=fault, attachment=added.id)
    assert client.call(LIST_ATTACHMENTS, object=fault).attachments == (other,)


def test_attachments_go_with_the_fault(
    live: LiveServer, client: Client, fault: str
) -> None:
    add(client, fault, b"data")
    client.call(DELETE_FAULT, object=fault, parameters={"all": True})

    assert client.call(LIST_ATTACHMENTS, object=fault).attachments == ()
    assert list(live.server.store.objects.list("1/attachments/")) == []


def test_another_project_reaches_none_of_it(
    live: LiveServer, client: Client, fault: str
) -> None:
    added = add(client, fault, b"data")
    live.project("other")
    with client_of(live, "other") as stranger:
        assert stranger.call(LIST_ATTACHMENTS, object=fault).attachments == ()
        with pytest.raises(MissingError):
            stranger.download(
                GET_ATTACHMENT, io.BytesIO(), object=fault, attachment=added.id
            )
        with pytest.raises(MissingError):
            add(stranger, fault, b"data")


@pytest.mark.parametrize("name", ["../up", "a\nb", "x" * 300])
def test_a_name_that_could_lead_elsewhere_is_refused(
    client: Client, fault: str, name: str
) -> None:
    with pytest.raises(UsageError):
        add(client, fault, b"data", name)


def test_a_fault_has_a_bounded_number_of_them(
    client: Client, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_MOST", 2)
    add(client, fault, b"1")
    add(client, fault, b"2")
    client.connection._sleep = lambda seconds: None

    with pytest.raises(QuotaError):
        add(client, fault, b"3")


def test_what_is_no_fault_gets_none(client: Client) -> None:
    with pytest.raises(CoresnapError, match="no fault"):
        add(client, "0" * 32, b"data")


def limited(live: LiveServer, **limits: int) -> None:
    """Let limits hold: ``quota``, or of a day ``size`` and ``faults``."""
    with live.server.store.state.write() as connection:
        project = ensure_project(connection, "cf", "blackhole")
        if "quota" in limits:
            policy = RetentionPolicy(quota=limits["quota"])
            set_project_policy(connection, project, policy)
        else:
            set_limits(connection, project, Limits(**limits))
    live.server.fullness.forget()
    live.server.quotas.forget(project)


def test_they_count_for_what_a_project_may_keep_until_they_go(
    live: LiveServer, client: Client, fault: str
) -> None:
    body = len(make_snapshot(1))
    other = put_snapshot(client, io.BytesIO(make_snapshot(2))).object
    limited(live, quota=2 * body + 1000)
    client.connection._sleep = lambda seconds: None
    added = add(client, fault, b"a" * 300)
    assert add(client, fault, b"a" * 300) == added
    add(client, other, b"b" * 700)
    with pytest.raises(QuotaError, match="attachments of cf/blackhole take"):
        add(client, fault, b"c")

    client.call(DELETE_ATTACHMENT, object=fault, attachment=added.id)
    add(client, fault, b"d" * 300, "d.log")
    with pytest.raises(QuotaError):
        add(client, fault, b"e")
    client.call(DELETE_FAULT, object=other, parameters={"all": True})
    add(client, fault, b"f" * (body + 700), "f.log")
    with pytest.raises(QuotaError):
        add(client, fault, b"g")


def test_they_count_for_the_bytes_of_a_day_not_for_its_faults(
    live: LiveServer, client: Client, fault: str
) -> None:
    client.connection._sleep = lambda seconds: None
    limited(live, faults=1, size=len(make_snapshot(1)) + 10)
    added = add(client, fault, b"0123456789")
    with pytest.raises(QuotaError, match="bytes of today"):
        add(client, fault, b"x")

    client.call(DELETE_ATTACHMENT, object=fault, attachment=added.id)
    with pytest.raises(QuotaError, match="bytes of today"):
        add(client, fault, b"x")
