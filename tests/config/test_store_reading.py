"""coroner.cf: the announcement's file, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.config.store_config import StoreConfig, Watched
from coresnap.config.store_reading import (
    find_store_config,
    load_store_config,
    store_search_path,
)
from coresnap.errors import ConfigError, MissingError

TOKEN = "e5f1a3a23f756f89cfd9f363647291fd9ff1d43f179e959d3aa2aed78af81663"
ANNOUNCED = f"""\
[universe]
name = backtrace
write = https://faults.backtrace.io:6098
read = faults.backtrace.io:4097
read.ssl.enabled = true
[token]
blackhole = {TOKEN}
"""


def load(tmp_path: Path, text: str) -> StoreConfig:
    path = tmp_path / "coroner.cf"
    path.write_text(text)
    path.chmod(0o600)
    return load_store_config(path)


def test_the_announcements_file_is_read_as_it_is(tmp_path: Path) -> None:
    config = load(tmp_path, ANNOUNCED)

    assert config.universe == "backtrace"
    assert config.write == "https://faults.backtrace.io:6098"
    assert config.read == "https://faults.backtrace.io:4097"
    assert config.verify
    assert config.token("blackhole") == TOKEN
    assert not config.is_exposed


def test_a_plain_address_is_spoken_to_as_the_file_says(tmp_path: Path) -> None:
    text = "[universe]\nread = localhost:4097\nread.ssl.enabled = false\n"
    config = load(tmp_path, text)

    assert config.read == config.write == "http://localhost:4097"
    assert config.universe == "default"


def test_watched_directories_defaults_and_verification(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        ANNOUNCED.replace("[token]", "curl.ssl_verifyhost = 0\n[token]")
        + "[daemon]\nsimple.root = /var/faults\nsimple.token = blackhole\n"
        "[default]\nlist.sort = hostname\n",
    )

    assert not config.verify
    assert config.watched == (Watched("simple", Path("/var/faults"), "blackhole"),)
    assert config.defaults == {"list": {"sort": "hostname"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[universe]\nwrite = ftp://x\n", ":2: .*is neither http"),
        ("[universe]\nread = x:1\nread = y:1\n", ":3: .*second time"),
        ("[universe]\nwrit = x:1\n", ":2: .*no such setting"),
        ("[token]\nblackhole = abc\n", ":2: .*64 hexadecimal digits"),
        ("[daemon]\nroot = /x\n", ":2: .*PROJECT.root"),
        ("[nothing]\n", ":1: .*no section"),
        ("[universe]\nname = x\n", "neither write nor read"),
        ("[universe]\nread=x:1\n[daemon]\nsimple.token=t\n", "simple.root is missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text)


@pytest.mark.parametrize("text", ["", "[universe]\n#write = https://x\n[token]\n"])
def test_a_file_that_says_nothing_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(MissingError, match="names no store"):
        load(tmp_path, text)


def test_a_token_that_is_not_there_is_answered_with_those_that_are(
    tmp_path: Path,
) -> None:
    config = load(tmp_path, ANNOUNCED)

    with pytest.raises(ConfigError, match="no token 'black'") as caught:
        config.token("black")
    assert "blackhole" in caught.value.remedy
    assert config.token(TOKEN) == TOKEN


def test_a_file_that_everybody_may_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "coroner.cf"
    path.write_text(ANNOUNCED)
    path.chmod(0o644)

    assert load_store_config(path).is_exposed


def test_without_a_file_the_places_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("coresnap.config.store_reading.find_store_config", lambda: None)

    with pytest.raises(MissingError, match=r"\.coroner\.cf"):
        load_store_config()


def test_a_home_that_may_not_be_looked_into_has_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Root may look everywhere, but not below a name of this length.
    monkeypatch.setenv("HOME", "/" + 300 * "h")

    assert find_store_config() in (None, *store_search_path()[1:])
