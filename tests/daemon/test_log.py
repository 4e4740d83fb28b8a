"""The daemon's log: sentences for people, JSON for machines."""

from __future__ import annotations

import json

import pytest

from coresnap.daemon.log import make_logger


def test_a_sentence_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    log = make_logger(json=False, syslog=False)
    log.info("crash 1 processed in 0.12 seconds", id="1")
    log.error("no room", remedy="Free some.")

    assert capsys.readouterr().err == (
        "crash 1 processed in 0.12 seconds\nerror: no room (Free some.)\n"
    )


def test_json_has_the_facts(capsys: pytest.CaptureFixture[str]) -> None:
    make_logger(json=True, syslog=False).info("crash 1 processed", id="1", size=7)

    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "crash 1 processed"
    assert (line["id"], line["size"], line["level"]) == ("1", 7, "info")
    assert line["timestamp"].endswith("Z")


def test_a_name_cannot_start_a_line_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_logger(json=False, syslog=False).info("removing a\nerror: b\x1b[2J\udc80")

    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "\x1b" not in output
