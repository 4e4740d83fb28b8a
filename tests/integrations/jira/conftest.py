"""A real Data Center, and channels to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import pytest

from coresnap.integrations.jira.channel import JiraChannel
from coresnap.integrations.jira.settings import read_settings
from integrations.jira.data_center import DataCenterProcess

Open = Callable[..., JiraChannel]


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
    channels = []

    def open_channel(**settings: str) -> JiraChannel:
        necessary = {
            "url": data_center.url,
            "token": "secret",
            "project": data_center.project,
            "muted": "10003",
            "duplicate": "10004",
        }
        http = httpx2.Client(trust_env=False)
        channels.append(JiraChannel(read_settings({**necessary, **settings}), http))
        return channels[-1]

    yield open_channel
    for channel in channels:
        channel.close()
