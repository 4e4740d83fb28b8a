"""Files that people add to faults, over HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.config.store_config import StoreConfig
from coresnap.errors import CoresnapError, MissingError, QuotaError, UsageError
from coresnap.store.api.attachments import (
    ADD_ATTACHMENT,
    DELETE_ATTACHMENT,
    GET_ATTACHMENT,
    LIST_ATTACHMENTS,
    Attachment,
)
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.faults import DELETE_FAULT
from coresnap.store.attachments import keeping
from coresnap.store.client.client import Client, open_client
from coresnap.store.client.putting import put_snapshot
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
