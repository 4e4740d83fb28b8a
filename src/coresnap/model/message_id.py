"""Kinds of what daemon and server say in their logs: systemd's MESSAGE_ID.

``journalctl MESSAGE_ID=…`` finds all of a kind, on all machines and in all versions, so
an id never changes and never means another thing. ``coresnap.catalog`` of the packaging
explains each to ``journalctl -x``; docs/units.md lists them.
"""

from __future__ import annotations

import enum

__all__ = ["MessageId"]


class MessageId(enum.StrEnum):
    """32 hexadecimal digits for each kind, made by ``systemd-id128 new``."""

    DAEMON_STARTED = "13dc5a34095b4773bed5482e0bf78aef"
    DAEMON_ENDED = "c6edb6e7b38e4c159bfd837f868c1e70"
    SOCKET_SERVED = "87a08443ab644d34ab16677835ba4085"
    PIPE_ONLY = "0dc023e33d29458893dbbb5b026982a7"
    SETTINGS_READ = "362e7d98c2ea42ebba5408ec2de43569"
    SETTINGS_REFUSED = "e737230afdae4acbba0588c4b8616d60"
    CRASH_ARCHIVED = "b675f658e58341fa80da4fbae272b4a4"
    CRASH_NOT_ARCHIVED = "f151b796640d4b8ca36c528f06f4b20b"
    CRASH_ANALYSED = "2104c9e5527b419f838e65255c49e1ee"
    ANALYSIS_BROKE = "8a8c90ed207c4c14aaf802e1f2a6b110"
    ANALYSIS_GIVEN_UP = "a2d74aa02a6f40908e9cb9d0c6b4b863"
    ANALYSIS_WAITS_FOR_ROOM = "69bedafe11b64c6bae55d52e1847bcab"
    CRASH_REMOVED = "717d1a8ea4384f45a7285bfc58af18f0"
    SNAPSHOT_SENT = "3af5a4fa197c4786bae68a0d5901a37d"
    SNAPSHOT_REFUSED = "8f1e14f88f6542ccbe44b86ca16e773b"
    SNAPSHOT_SET_ASIDE = "743cfb791a8b41f3b5966990f1ca7543"
    STORE_AWAY = "63ca03f94e444c1b9c95a403718a01a3"
    STORE_BACK = "0643baff916d48ef95531492e77018d1"
    STORE_DENIES = "276f0e01f7ff4b289bc9b419d3ff55fe"
    SERVER_LISTENS = "0a230c5f5b934b33b262219f4014dae6"
    SERVER_ENDED = "61e2740a520047639731c5e7c5f48341"
    SERVER_FIRST_TOKEN = "9f15504696574edaaa2f83ae3b4e3ce8"
    WORK_FAILED = "f5a81f106a2d430096e5f9f645f83e77"
    WORK_GOES_ON = "d4ef6aeb966f4750a6cac9abe83c2978"
    REQUEST_FAILED = "de929baae56b493482a1380fc2b17918"
    QUOTA_REACHED = "5df2a871fd5e4d589464aa98cc8d89a2"
    INDEX_MENDED = "0d93935c67df4a5f9184a6876bee111f"
