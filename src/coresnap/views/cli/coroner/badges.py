"""Badges of the groups that ``coroner list`` prints."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from coresnap.store.api.group_reopenings import REOPENED
from coresnap.store.query.times import TimeRange
from coresnap.views.cli.coroner.query_options import interval_of
from coresnap.views.group_badges import Badges

if TYPE_CHECKING:
    from coresnap.store.client.client import Client

__all__ = ["find_badges"]

_DAY = 86400


def find_badges(client: Client, arguments: argparse.Namespace, now: int) -> Badges:
    """Ask what happened in the interval of the query, without one in the last day.

    Raises as ``Client.call`` does.
    """
    interval = interval_of(arguments, now)
    if interval == TimeRange(None, None):
        interval = TimeRange(now - _DAY, None)
    answer = client.call(REOPENED, parameters={"since": interval.begin or 0})
    return Badges.among(interval, answer.groups)
