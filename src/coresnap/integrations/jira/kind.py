"""Jira as a kind of channel, before anything of it is set."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.integrations.kind import ChannelSetting, Kind
from coresnap.integrations.reach import Reach
from coresnap.model.notice import Channel

__all__ = ["JIRA"]


def _open(settings: Mapping[str, str], reach: Reach) -> Channel:
    from coresnap.integrations.jira.channel import JiraChannel
    from coresnap.integrations.jira.settings import read_settings

    return JiraChannel(read_settings(settings), reach.client())


_IDS = "ids of statuses, and resolution:ID, "

JIRA = Kind(
    name="jira",
    title="Jira",
    settings=(
        ChannelSetting(
            "url", "address of Jira: https://example.atlassian.net", is_required=True
        ),
        ChannelSetting("project", "key of the project: NET", is_required=True),
        ChannelSetting(
            "token",
            "API token (Cloud), personal access token or password (Data Center)",
            is_secret=True,
            is_required=True,
        ),
        ChannelSetting(
            "user", "e-mail of the token's account (Cloud); with a password, its user"
        ),
        ChannelSetting(
            "edition",
            "cloud or data-center; empty: cloud at atlassian.net and atlassian.com",
        ),
        ChannelSetting("site", "address for people, where it is not that of the API"),
        ChannelSetting("issue_type", "name or id of a type of tickets", default="Bug"),
        ChannelSetting(
            "summary", "of a ticket; names as in $title", default="Crash: $title"
        ),
        ChannelSetting(
            "description",
            "of a ticket, in lines; empty: verdict, counts, stack, attributes",
        ),
        ChannelSetting("labels", "more labels, between spaces"),
        ChannelSetting(
            "fields", 'more fields as JSON: {"components": [{"name": "Network"}]}'
        ),
        ChannelSetting("open", f"{_IDS}that mean open"),
        ChannelSetting("in_progress", f"{_IDS}that mean in-progress"),
        ChannelSetting("resolved", f"{_IDS}that mean resolved in the next version"),
        ChannelSetting("muted", f"{_IDS}that mean muted: cancelled, won't fix"),
        ChannelSetting("mute_days", "days that such a mute lasts", default="90"),
        ChannelSetting("duplicate", f"{_IDS}that mean: another ticket is about it"),
        ChannelSetting(
            "regression",
            "what is done with a closed ticket: reopen, new (and linked) or comment",
            default="reopen",
        ),
        ChannelSetting(
            "sync",
            "which way states and assignees go: both, to-jira, from-jira or none",
            default="both",
        ),
        ChannelSetting(
            "people", "ASSIGNEE=ACCOUNT, between spaces; an account id in Cloud"
        ),
        ChannelSetting(
            "link_type", "how two tickets of a group are linked", default="Relates"
        ),
    ),
    opener=_open,
)
