"""Telling people: channels, rules of what is told there, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from coresnap.model.notice import Event
from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint, Name, Parameter
from coresnap.store.api.groups import GroupId
from coresnap.store.query.query import Filter

__all__ = [
    "ENDPOINTS",
    "GET_TELLING",
    "LIST_CHANNEL_KINDS",
    "PREVIEW_TELLING",
    "REMOVE_CHANNEL",
    "REMOVE_TELLING_RULE",
    "RETRY_DELIVERY",
    "SET_CHANNEL",
    "SET_TELLING_RULE",
    "TELLING_LOG",
    "TEST_CHANNEL",
    "ChannelKind",
    "ChannelKinds",
    "ChannelSetting",
    "ChannelStatus",
    "Delivery",
    "DeliveryLog",
    "DigestTime",
    "NewChannel",
    "Preview",
    "Previews",
    "RateOf",
    "TellingRule",
    "TellingRuleStatus",
    "TellingStatus",
    "Tested",
    "WantedPreview",
]

_DAY = 24 * 60 * 60
_Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
_AttributeName = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_SettingName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_SettingValue = Annotated[str, msgspec.Meta(max_length=16_384)]


class ChannelSetting(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is set of a channel of a kind."""

    name: str
    meaning: str
    is_secret: bool = False
    """Kept, never shown again."""
    is_required: bool = False
    default: str = ""


class ChannelKind(msgspec.Struct, frozen=True):
    """A way to tell people."""

    name: str
    title: str
    settings: tuple[ChannelSetting, ...]


class ChannelKinds(msgspec.Struct, frozen=True):
    """The kinds of channels that this server knows."""

    kinds: tuple[ChannelKind, ...]


class NewChannel(msgspec.Struct, frozen=True):
    """A channel as it is to be."""

    kind: Annotated[str, msgspec.Meta(max_length=32)]
    settings: Annotated[
        Mapping[_SettingName, _SettingValue], msgspec.Meta(max_length=64)
    ]
    """Secrets that are not named stay as they were, if the kind stays."""


class ChannelStatus(msgspec.Struct, frozen=True):
    """A channel, without its secrets. Times are seconds, UTC since the epoch."""

    name: str
    kind: str
    settings: Mapping[str, str]
    secrets: tuple[str, ...]
    """Names of those that are set."""
    waiting: int
    """Deliveries that are not done."""
    failures: int
    """In a row; 0: the last delivery succeeded."""
    error: str
    """Of the last delivery or look at the other side; empty: none."""
    paused_until: int
    """Nothing is delivered before; 0: it is not paused."""


class RateOf(msgspec.Struct, frozen=True):
    """So many faults of a group in so many seconds."""

    count: _Count
    seconds: Annotated[int, msgspec.Meta(ge=60, le=31 * _DAY)] = 3600


class DigestTime(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a digest is due, UTC."""

    hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 8
    weekday: Annotated[int, msgspec.Meta(ge=0, le=6)] | None = None
    """0 is Monday: a digest of the week before. None: each day, of the day before."""


class TellingRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told to a channel. It begins with what happens after it was made."""

    channel: Name
    events: Annotated[tuple[Event, ...], msgspec.Meta(max_length=8)] = ()
    """Of ``new-group``, ``regression``, ``state`` and ``merge``."""
    filter: Filter | None = None
    """Only groups that have a fault which passes; None: all."""
    count: _Count | None = None
    """Tell of a group that has so many faults."""
    hosts: _Count | None = None
    """Tell of a group that was seen on so many hosts."""
    rate: RateOf | None = None
    """Tell of a group at that rate; again when as much time has passed."""
    digest: DigestTime | None = None
    """Tell of the project as a whole, now and then."""
    attributes: Annotated[tuple[_AttributeName, ...], msgspec.Meta(max_length=16)] = (
        "application",
        "version",
        "hostname",
    )
    """Whose commonest values are told."""
    follows: bool = True
    """Tell of counts that grow, changes of state and merges of what was told."""
    is_enabled: bool = True


class TellingRuleStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule, and what it did."""

    name: str
    rule: TellingRule
    told: int
    """Groups that it has told of."""
    next_digest: int = 0
    """Seconds UTC; 0: it has none."""
    error: str = ""
    """Why it cannot be followed: its filter names what is not there."""


class TellingStatus(msgspec.Struct, frozen=True):
    """Everything that is set about telling in a project."""

    channels: tuple[ChannelStatus, ...]
    rules: tuple[TellingRuleStatus, ...]
    url: str
    """Where people reach the console; empty: notices have no links to it."""


class Tested(msgspec.Struct, frozen=True):
    """What became of a test."""

    line: str


class Delivery(msgspec.Struct, frozen=True):
    """One notice on its way. Times are seconds, UTC since the epoch."""

    id: int
    """Ascends."""
    notice: str
    """The id that whoever is told knows it by."""
    channel: str
    rule: str
    event: Event
    group: str
    """Empty for a digest."""
    state: str
    """``waiting``, ``delivered``, ``failed`` or ``dropped``."""
    tries: int
    created: int
    due: int
    """Of what waits: not before."""
    finished: int
    """0: not yet."""
    line: str
    """What was done."""
    error: str
    """Of the last try."""


class DeliveryLog(msgspec.Struct, frozen=True):
    """Deliveries, the latest first."""

    deliveries: tuple[Delivery, ...]
    next: int | None = None
    """For ``before`` of the next page; None: there is none."""


class WantedPreview(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of what is to be shown how it would be told."""

    group: GroupId | None = None
    """None: a digest."""
    event: Event = Event.NEW_GROUP
    rule: Name | None = None
    """None: every rule of the project."""


class Preview(msgspec.Struct, frozen=True):
    """What one rule would send."""

    rule: str
    channel: str
    kind: str
    would: bool
    """Whether it would be sent now; else ``why`` says why not."""
    why: str
    text: str
    """What would be sent, without secrets."""


class Previews(msgspec.Struct, frozen=True):
    """What would be sent; nothing was."""

    previews: tuple[Preview, ...]


_AT = f"{SCOPE}/integrations"

LIST_CHANNEL_KINDS = Endpoint[msgspec.Struct, ChannelKinds](
    operation="list_channel_kinds",
    method="GET",
    path=f"{_AT}/kinds",
    capability=Capability.ADMIN,
    summary="List the kinds of channels, and what is set of each.",
    answer=ChannelKinds,
)
GET_TELLING = Endpoint[msgspec.Struct, TellingStatus](
    operation="get_telling",
    method="GET",
    path=_AT,
    capability=Capability.ADMIN,
    summary="List channels and rules, without secrets.",
    answer=TellingStatus,
)
SET_CHANNEL = Endpoint(
    operation="set_channel",
    method="PUT",
    path=f"{_AT}/channels/{{channel}}",
    capability=Capability.ADMIN,
    summary="Make a channel, or change it. Secrets are never shown again.",
    request=NewChannel,
    answer=TellingStatus,
)
REMOVE_CHANNEL = Endpoint[msgspec.Struct, TellingStatus](
    operation="remove_channel",
    method="DELETE",
    path=f"{_AT}/channels/{{channel}}",
    capability=Capability.ADMIN,
    summary="Remove a channel, its rules, and what waits for it.",
    answer=TellingStatus,
)
TEST_CHANNEL = Endpoint[msgspec.Struct, Tested](
    operation="test_channel",
    method="POST",
    path=f"{_AT}/channels/{{channel}}/test",
    capability=Capability.ADMIN,
    summary="Send a test to a channel at once, and say what became of it.",
    answer=Tested,
)
SET_TELLING_RULE = Endpoint(
    operation="set_telling_rule",
    method="PUT",
    path=f"{_AT}/rules/{{rule}}",
    capability=Capability.ADMIN,
    summary="Say what is told to a channel.",
    request=TellingRule,
    answer=TellingStatus,
)
REMOVE_TELLING_RULE = Endpoint[msgspec.Struct, TellingStatus](
    operation="remove_telling_rule",
    method="DELETE",
    path=f"{_AT}/rules/{{rule}}",
    capability=Capability.ADMIN,
    summary="Remove a rule; what it has told stays where it is.",
    answer=TellingStatus,
)
TELLING_LOG = Endpoint[msgspec.Struct, DeliveryLog](
    operation="telling_log",
    method="GET",
    path=f"{_AT}/log",
    capability=Capability.ADMIN,
    summary="List deliveries, the latest first.",
    answer=DeliveryLog,
    parameters=(
        Parameter("channel", str, "Only of this channel."),
        Parameter("group", str, "Only of this group: its whole id."),
        Parameter("state", str, "Only waiting, delivered, failed or dropped ones."),
        Parameter("before", int, "Only with a lesser id."),
        Parameter("limit", int, "How many at most, 1 to 1000; default 100."),
    ),
)
RETRY_DELIVERY = Endpoint[msgspec.Struct, Delivery](
    operation="retry_delivery",
    method="POST",
    path=f"{_AT}/log/{{delivery}}/retry",
    capability=Capability.ADMIN,
    summary="Try a delivery that failed, or waits, again now.",
    answer=Delivery,
)
PREVIEW_TELLING = Endpoint(
    operation="preview_telling",
    method="POST",
    path=f"{_AT}/preview",
    capability=Capability.ADMIN,
    summary="Show what rules would send about a group; nothing is sent.",
    request=WantedPreview,
    answer=Previews,
    only_reads=True,
)

ENDPOINTS = (
    LIST_CHANNEL_KINDS,
    GET_TELLING,
    SET_CHANNEL,
    REMOVE_CHANNEL,
    TEST_CHANNEL,
    SET_TELLING_RULE,
    REMOVE_TELLING_RULE,
    TELLING_LOG,
    RETRY_DELIVERY,
    PREVIEW_TELLING,
)
