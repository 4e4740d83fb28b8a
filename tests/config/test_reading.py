"""coresnap.conf: defaults, parsing, and errors that say where."""

from __future__ import annotations

import contextlib
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.config import SETTINGS, Config, load_config, places
from coresnap.errors import ConfigError, MissingError


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "coresnap.conf"
    path.write_text(text)
    return load_config(path)


def failure(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return caught.value


def test_every_setting_has_a_field_and_every_field_a_setting() -> None:
    fields = {field.name for field in attrs.fields(Config)} - {"applications", "source"}

    assert fields == {setting.attribute for setting in SETTINGS}
    assert len(SETTINGS) == len(fields)


def test_the_defaults_stand_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SEARCH_PATH", (Path("/nonexistent/coresnap.conf"),))

    loaded = load_config()

    assert loaded.source is None
    assert loaded.spool == Path("/var/coresnap/archive")
    assert loaded.dump_quota == 10
    assert loaded.purge_disabled is False
    assert loaded.worker_memory == 4 << 30
    assert loaded.sysroot is None
    assert loaded.debug_directories == ()


def test_an_empty_file_means_the_same_as_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "SEARCH_PATH", ())

    assert attrs.evolve(load(tmp_path, ""), source=None) == load_config()


def test_the_first_file_of_the_search_path_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "1.conf", tmp_path / "2.conf"
    first.write_text("[daemon]\nuser = alice\n")
    second.write_text("[daemon]\nuser = bob\n")
    missing = tmp_path / "0.conf"
    monkeypatch.setattr(places, "SEARCH_PATH", (missing, first, second))

    assert load_config().user == "alice"
    assert load_config().source == first


def test_values_are_parsed_with_their_units(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        "# a comment\n"
        "[archive]\n"
        "dump.quota = 0%\n"
        "environ.allow = LANG, LC_*\n"
        "drain = yes\n"
        "[daemon]\n"
        "worker.memory = 512 MiB\n"
        "purge.pending.age = 12h\n"
        "worker.attempts = 7\n"
        "[analysis]\n"
        "debug.directories = /a/b:/c\n"
        "sysroot = /srv//root/\n",
    )

    assert loaded.dump_quota == 0
    assert loaded.environ_allow == ("LANG", "LC_*")
    assert loaded.drain is True
    assert loaded.worker_memory == 512 << 20
    assert loaded.purge_pending_age == 12 * 3600
    assert loaded.worker_attempts == 7
    assert loaded.debug_directories == (Path("/a/b"), Path("/c"))
    assert loaded.sysroot == Path("/srv/root")


def test_an_unknown_key_is_refused_with_its_line(tmp_path: Path) -> None:
    error = failure(tmp_path, "[daemon]\n\npurge.aeg = 3d\n")

    assert f"{tmp_path}/coresnap.conf:3: [daemon] purge.aeg" in str(error)


def test_a_key_in_the_wrong_section_is_sent_to_the_right_one(tmp_path: Path) -> None:
    error = failure(tmp_path, "[daemon]\ndump.quota = 5%\n")

    assert "belongs in section [archive]" in error.remedy


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("archive", "dump.quota = 101%"),
        ("archive", "dump.quota = ten"),
        ("archive", "root = relative/path"),
        ("archive", "fetch = telepathy"),
        ("archive", "environ.allow = A=B"),
        ("archive", "drain = maybe"),
        ("daemon", "purge.pending.age = 3"),
        ("daemon", "purge.pending.age = -3d"),
        ("daemon", "purge.sending.age = 0d"),
        ("daemon", "purge.core = sometimes"),
        ("daemon", "worker.attempts = 0"),
        ("daemon", "worker.memory = 4 gigs"),
        ("daemon", "user = ../etc"),
        ("analysis", "debug.directories = /a:b"),
    ],
)
def test_a_bad_value_names_file_line_section_and_key(
    tmp_path: Path, section: str, line: str
) -> None:
    error = failure(tmp_path, f"[{section}]\n{line}\n")

    key = line.partition(" =")[0]
    assert f"coresnap.conf:2: [{section}] {key}: " in str(error)
    assert error.remedy.startswith("Default: ")
    assert error.exit_code == 78


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("user = x\n", 1, "before the first [section]"),
        ("[daemon]\nuser\n", 2, "neither a section nor"),
        ("[daemon]\nuser = a\nuser = b\n", 3, "a second time"),
        ("[daemon]\n[archive]\n[daemon]\n", 3, "a second time"),
    ],
)
def test_what_is_no_ini_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    message = str(failure(tmp_path, text))

    assert f"coresnap.conf:{line}: " in message
    assert reason in message


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"none\.conf"):
        load_config(tmp_path / "none.conf")


def test_a_binary_file_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "coresnap.conf"
    path.write_bytes(b"\x7fELF\x00\xff\xfe")

    with pytest.raises(ConfigError):
        load_config(path)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.conf"
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    with contextlib.suppress(ConfigError):
        load_config(path)


# --- hostile files ------------------------------------------------------------


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "coresnap.conf"
    path.write_bytes(b"\xef\xbb\xbf[daemon]\r\nuser = alice\r\n")

    assert load_config(path).user == "alice"


def test_a_zero_byte_is_refused_with_its_line(tmp_path: Path) -> None:
    error = failure(tmp_path, "[daemon]\nuser = al\0ice\n")

    assert "coresnap.conf:2: a control character" in str(error)


def test_what_is_no_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "coresnap.conf"
    path.write_bytes(b"[daemon]\n\n# caf\xe9\n")

    with pytest.raises(ConfigError, match=r"coresnap\.conf:3: byte 0xe9 is no UTF-8"):
        load_config(path)


@pytest.mark.parametrize("content", [b"# x\n", b"\0", b"[a]\n", b"a=b\n"])
def test_a_huge_file_is_refused_before_it_is_read(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "coresnap.conf"
    path.write_bytes(content * (10_000_000 // len(content)))

    with pytest.raises(ConfigError, match="larger than"):
        load_config(path)


def test_what_never_ends_is_refused() -> None:
    with pytest.raises(ConfigError, match="larger than"):
        load_config(Path("/dev/zero"))


def test_no_file_is_an_empty_file() -> None:
    assert load_config(Path("/dev/null")).user == "coresnap"


def test_a_directory_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    "line", ["include = {}", "!include {}", ".include {}", "%include {}", "@{}"]
)
def test_no_line_reads_another_file(tmp_path: Path, line: str) -> None:
    other = tmp_path / "other.conf"
    other.write_text("[daemon]\nuser = mallory\n")

    with pytest.raises(ConfigError):
        load(tmp_path, "[daemon]\n" + line.format(other) + "\n")


def test_the_first_error_is_said_with_the_number_of_the_others(tmp_path: Path) -> None:
    error = failure(tmp_path, "[daemon]\na = 1\nb = 2\nc = 3\n")

    assert ":2: " in str(error)
    assert "2 more" in str(error)
