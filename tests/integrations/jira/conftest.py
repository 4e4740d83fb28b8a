"""A real Data Center, and channels to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator

import pytest

from coresnap.integrations.channels import open_channel as open_kind
from coresnap.integrations.reach import Reach
from coresnap.model.notice import Channel
from integrations.jira.data_center import DataCenterProcess

Open = Callable[..., Channel]


@pytest.fixture(scope="session")
def data_center(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DataCenterProcess]:
    pytest.importorskip("jira820", reason="needs jira820")
    server = DataCenterProcess.start(tmp_path_factory.mktemp("jira820"))
    yield server
    server.stop()


@pytest.fixture
def channel_to(data_center: DataCenterProcess) -> Iterator[Open]:
    """Open channels to the Data Center with settings besides the necessary ones."""
    channels: list[Channel] = []

    reach = Reach(allowed=(ipaddress.IPv4Network("127.0.0.1/32"),))

    def open_channel(**settings: str) -> Channel:
        necessary = {
            "url": data_center.url,
            "token": "secret",
            "project": data_center.project,
            "muted": "10003",
            "duplicate": "10004",
        }
        channels.append(open_kind("jira", {**necessary, **settings}, reach))
        return channels[-1]

    yield open_channel
    for channel in channels:
        channel.close()
