"""The client of debuginfod, against Debian's server and against one that misbehaves."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from conftest import CompileProgram
from coresnap.analysis.debuginfo import download
from coresnap.analysis.debuginfo.debuginfod import (
    Debuginfod,
    DebuginfodSettings,
    check_url,
)
from coresnap.analysis.debuginfo.wanted import Fetched, Wanted
from coresnap.elfcore.elffile import open_elf
from coresnap.errors import UsageError
from debuginfod_server import Answer, FakeServer, debian_server, sends, serving

UNKNOWN = "ab" * 20
MEBIBYTE = 1 << 20


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving() as fake:
        yield fake


@pytest.fixture
def settings(server: FakeServer, tmp_path: Path) -> DebuginfodSettings:
    return DebuginfodSettings((server.url,), tmp_path / "cache", timeout=2)


@pytest.fixture
def program(compile_program: CompileProgram) -> Path:
    return compile_program("simple.c", "-g", "-Wl,--build-id=sha1", "-pthread")


def build_id_of(program: Path) -> str:
    build_id = open_elf(program).build_id
    assert build_id is not None
    return build_id


def fetch(settings: DebuginfodSettings, build_id: str) -> Fetched:
    wanted = Wanted(build_id, "debuginfo")
    return Debuginfod(settings).fetch([wanted])[wanted]


def result(fetched: Fetched) -> str:
    assert fetched.path is None
    (search,) = fetched.searches
    assert search.what == "debuginfod"
    return search.result


def kept(settings: DebuginfodSettings) -> list[str]:
    """What is in the cache, without the files with its numbers."""
    files = settings.cache.rglob("*")
    return sorted(
        str(file.relative_to(settings.cache))
        for file in files
        if file.is_file() and not file.name.endswith("_s")
    )


def test_what_was_fetched_is_kept_and_not_fetched_again(
    server: FakeServer, settings: DebuginfodSettings, program: Path
) -> None:
    build_id = build_id_of(program)
    server.serve(build_id, "debuginfo", program.read_bytes())
    fetched = fetch(settings, build_id)
    assert fetched.path == settings.cache / build_id / "debuginfo"
    assert fetched.path.read_bytes() == program.read_bytes()
    (search,) = fetched.searches
    assert search.place == f"{server.url}/buildid/{build_id}/debuginfo"
    assert search.result == "used"
    assert fetch(settings, build_id).path == fetched.path
    assert len(server.asked) == 1
    assert kept(settings) == [f"{build_id}/debuginfo"]


def test_a_miss_is_remembered_until_it_expires(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    assert result(fetch(settings, UNKNOWN)) == "not there (404)"
    assert "not there (404), remembered until 2" in result(fetch(settings, UNKNOWN))
    assert len(server.asked) == 1
    (settings.cache / "cache_miss_s").write_text("60")
    missed = settings.cache / UNKNOWN / "debuginfo"
    os.utime(missed, (time.time() - 61, time.time() - 61))
    assert result(fetch(settings, UNKNOWN)) == "not there (404)"
    assert len(server.asked) == 2


def test_all_that_is_wanted_is_asked_for_at_the_same_time(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    arrived: list[str] = []

    def waits_for_the_other(request: http.server.BaseHTTPRequestHandler) -> None:
        arrived.append(request.path)
        while len(arrived) < 2 and not server.ending.wait(0.01):
            pass
        request.send_error(404)

    ids = ["aa" * 20, "bb" * 20]
    for build_id in ids:
        server.serve(build_id, "debuginfo", waits_for_the_other)
    wanted = [Wanted(build_id, "debuginfo") for build_id in ids]
    found = Debuginfod(settings).fetch(wanted)
    assert [result(found[one]) for one in wanted] == ["not there (404)"] * 2


def test_another_build_is_not_kept(
    server: FakeServer, settings: DebuginfodSettings, program: Path
) -> None:
    server.serve(UNKNOWN, "debuginfo", program.read_bytes())
    expected = f"what came has build-id {build_id_of(program)}"
    assert result(fetch(settings, UNKNOWN)) == expected
    assert kept(settings) == []


@pytest.mark.parametrize("garbage", [b"", b"<html>login</html>", b"\x7fELF" * 9])
def test_what_is_no_elf_file_is_not_kept(
    server: FakeServer, settings: DebuginfodSettings, garbage: bytes
) -> None:
    server.serve(UNKNOWN, "debuginfo", garbage)
    found = result(fetch(settings, UNKNOWN))
    assert found in ("what came is not an ELF file", "what came has build-id none")
    assert kept(settings) == []


def test_more_than_the_limit_is_refused_before_it_is_read(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    server.serve(UNKNOWN, "debuginfo", bytes(1001))
    small = msgspec.structs.replace(settings, size_limit=1000)
    assert result(fetch(small, UNKNOWN)) == "larger than the limit of 1000 bytes"
    assert kept(settings) == []


def test_a_server_that_does_not_say_how_much_it_sends_is_cut_off(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    def sends_for_ever(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not server.ending.is_set():
            request.wfile.write(bytes(1 << 16))

    server.serve(UNKNOWN, "debuginfo", sends_for_ever)
    limited = msgspec.structs.replace(settings, size_limit=MEBIBYTE)
    assert (
        result(fetch(limited, UNKNOWN)) == f"larger than the limit of {MEBIBYTE} bytes"
    )
    assert kept(settings) == []


def test_a_bomb_in_gzip_is_cut_off(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    bomb = gzip.compress(bytes(1 << 24))
    server.serve(UNKNOWN, "debuginfo", sends(bomb, Content_Encoding="gzip"))
    limited = msgspec.structs.replace(settings, size_limit=MEBIBYTE)
    assert (
        result(fetch(limited, UNKNOWN)) == f"larger than the limit of {MEBIBYTE} bytes"
    )


def test_what_comes_in_gzip_is_unpacked(
    server: FakeServer, settings: DebuginfodSettings, program: Path
) -> None:
    build_id = build_id_of(program)
    packed = gzip.compress(program.read_bytes())
    server.serve(build_id, "debuginfo", sends(packed, Content_Encoding="gzip"))
    path = fetch(settings, build_id).path
    assert path is not None
    assert path.read_bytes() == program.read_bytes()


def test_gzip_without_an_end_is_not_kept(
    server: FakeServer, settings: DebuginfodSettings, program: Path
) -> None:
    packed = gzip.compress(program.read_bytes())[:-20]
    build_id = build_id_of(program)
    server.serve(build_id, "debuginfo", sends(packed, Content_Encoding="gzip"))
    assert "breaks off" in result(fetch(settings, build_id))
    assert kept(settings) == []


def test_a_file_that_breaks_off_is_not_kept(
    server: FakeServer, settings: DebuginfodSettings, program: Path
) -> None:
    build_id, data = build_id_of(program), program.read_bytes()

    def stops_halfway(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data[:5000])

    server.serve(build_id, "debuginfo", stops_halfway)
    missing = len(data) - 5000
    expected = f"breaks off: {missing} bytes are missing"
    assert result(fetch(settings, build_id)) == expected
    assert kept(settings) == []


def test_a_server_that_drips_is_given_up_and_not_asked_again(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    def drips(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not server.ending.wait(0.05):
            request.wfile.write(b"x")

    server.serve(UNKNOWN, "debuginfo", drips)
    client = Debuginfod(msgspec.structs.replace(settings, timeout=0.5))
    wanted = Wanted(UNKNOWN, "debuginfo")
    assert result(client.fetch([wanted])[wanted]) == "timed out after 0.5 seconds"
    again = result(client.fetch([wanted])[wanted])
    assert again == "not asked: the server timed out after 0.5 seconds"
    assert kept(settings) == []


def test_a_server_that_drips_its_headers_ends_with_the_time_for_all(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    def drips_headers(request: http.server.BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
        while not server.ending.wait(0.05):
            request.wfile.write(b"x")

    server.serve(UNKNOWN, "debuginfo", drips_headers)
    limited = msgspec.structs.replace(settings, time_limit=0.5)
    assert result(fetch(limited, UNKNOWN)) == "given up after 0.5 seconds"


def test_a_server_that_says_nothing_times_out(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    server.serve(UNKNOWN, "debuginfo", lambda request: _wait(server))
    silent = msgspec.structs.replace(settings, timeout=0.3)
    assert result(fetch(silent, UNKNOWN)) == "timed out after 0.3 seconds"


def _wait(server: FakeServer) -> None:
    server.ending.wait()


def test_a_server_that_lets_nobody_in_is_given_up_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_CONNECT_SECONDS", 0.3)
    with socket.socket() as listener, contextlib.ExitStack() as crowd:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):  # what comes now finds the queue full, and is dropped
            guest = crowd.enter_context(socket.socket())
            guest.setblocking(False)
            guest.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        found = result(fetch(DebuginfodSettings((url,), tmp_path), UNKNOWN))
    assert found == "cannot be reached within 0.3 seconds"


def test_where_nobody_listens_the_reason_is_given(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        nobody = DebuginfodSettings((f"http://127.0.0.1:{port}",), tmp_path)
        found = result(fetch(nobody, UNKNOWN))
    assert found == "cannot be reached: Connection refused"


def test_the_second_server_is_asked_when_the_first_does_not_have_it(
    server: FakeServer, settings: DebuginfodSettings, program: Path
) -> None:
    build_id = build_id_of(program)
    server.serve(build_id, "debuginfo", program.read_bytes())
    with serving() as other:
        both = msgspec.structs.replace(settings, urls=(other.url, server.url))
        fetched = fetch(both, build_id)
    assert fetched.path is not None
    assert [s.result for s in fetched.searches] == ["not there (404)", "used"]


def test_a_redirect_is_followed_but_never_to_a_file(
    server: FakeServer, settings: DebuginfodSettings, program: Path
) -> None:
    build_id = build_id_of(program)

    def redirects(place: str) -> Answer:
        def answer(request: http.server.BaseHTTPRequestHandler) -> None:
            request.send_response(302)
            request.send_header("Location", place)
            request.end_headers()

        return answer

    server.answers["/elsewhere"] = sends(program.read_bytes())
    server.answers[f"/buildid/{build_id}/debuginfo"] = redirects("/elsewhere")
    assert fetch(settings, build_id).path is not None
    for place in (f"file://{program}", f"ftp://127.0.0.1{program}"):
        server.answers[f"/buildid/{UNKNOWN}/debuginfo"] = redirects(place)
        assert fetch(settings, UNKNOWN).path is None
    server.answers[f"/buildid/{UNKNOWN}/debuginfo"] = redirects(
        f"/buildid/{UNKNOWN}/debuginfo"
    )
    assert fetch(settings, UNKNOWN).path is None


def test_a_proxy_is_asked_where_the_environment_names_one(
    server: FakeServer,
    settings: DebuginfodSettings,
    program: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build_id = build_id_of(program)
    place = f"http://debuginfod.invalid/buildid/{build_id}/debuginfo"
    server.answers[place] = sends(program.read_bytes())
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    far = msgspec.structs.replace(settings, urls=("http://debuginfod.invalid",))
    assert fetch(far, build_id).path is not None
    assert server.asked == [place]


@pytest.mark.root
def test_a_cache_that_cannot_be_written_is_reported(
    server: FakeServer, settings: DebuginfodSettings, program: Path
) -> None:
    settings.cache.write_text("in the way")
    server.serve(build_id_of(program), "debuginfo", program.read_bytes())
    found = result(fetch(settings, build_id_of(program)))
    assert found.startswith(f"cannot be kept in {settings.cache}: ")


def test_only_what_is_a_build_id_becomes_part_of_a_url(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    for text in ("../../secret", "", "AB" * 20, "ab", "zz" * 20):
        assert fetch(settings, text) == Fetched(None, ())
    assert server.asked == []


def test_what_nobody_used_for_long_goes(
    server: FakeServer, settings: DebuginfodSettings
) -> None:
    settings.cache.mkdir()
    old, new = settings.cache / ("aa" * 20), settings.cache / ("bb" * 20)
    for directory in (old, new):
        directory.mkdir()
        (directory / "debuginfo").write_bytes(b"x")
    foreign = settings.cache / "notes"
    foreign.write_text("not ours")
    long_ago = time.time() - 8 * 86400
    for path in (old / "debuginfo", foreign):
        os.utime(path, (long_ago, long_ago))
    mark = settings.cache / "cache_clean_interval_s"
    mark.write_text("3600")
    os.utime(mark, (long_ago, long_ago))
    fetch(settings, UNKNOWN)
    assert not old.exists()
    assert (new / "debuginfo").exists()
    assert foreign.exists()


def test_a_url_is_one_of_http() -> None:
    assert check_url("http://host:8002/") == "http://host:8002"
    for text in ("file:///etc/passwd", "host", "https://", "http://a\nb"):
        with pytest.raises(UsageError):
            check_url(text)


def test_the_variables_of_elfutils_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUGINFOD_URLS", "http://one/ https://two")
    monkeypatch.setenv("DEBUGINFOD_TIMEOUT", "7")
    monkeypatch.setenv("DEBUGINFOD_MAXTIME", "70")
    monkeypatch.setenv("DEBUGINFOD_MAXSIZE", "700")
    monkeypatch.setenv("DEBUGINFOD_CACHE_PATH", "/var/tmp/cache")
    assert DebuginfodSettings.from_environment() == DebuginfodSettings(
        ("http://one", "https://two"), Path("/var/tmp/cache"), 7, 70, 700
    )


# --- Debian's server ----------------------------------------------------------------


@pytest.fixture
def debian(program: Path, tmp_path: Path) -> Iterator[str]:
    """debuginfod(8) over a directory with one program and its debug file."""
    served = tmp_path / "served"
    served.mkdir()
    subprocess.run(
        ["objcopy", "--only-keep-debug", program, served / "program.debug"], check=True
    )
    stripped = shutil.copy(program, served / "program")
    subprocess.run(["strip", stripped], check=True)
    with debian_server(served) as url:
        yield url


@pytest.mark.compiler
def test_debian_s_server_gives_executable_and_debug_information(
    debian: str, program: Path, tmp_path: Path
) -> None:
    settings = DebuginfodSettings((debian,), tmp_path / "cache")
    build_id = build_id_of(program)
    wanted = [
        Wanted(build_id, "executable"),
        Wanted(build_id, "debuginfo"),
        Wanted(UNKNOWN, "debuginfo"),
    ]
    found = Debuginfod(settings).fetch(wanted)
    for one, name in zip(wanted, ("program", "program.debug"), strict=False):
        path = found[one].path
        assert path is not None, found[one]
        assert path.read_bytes() == (tmp_path / "served" / name).read_bytes()
    assert result(found[wanted[2]]) == "not there (404)"


@pytest.mark.compiler
def test_debian_s_server_is_told_the_limit(
    debian: str, program: Path, tmp_path: Path
) -> None:
    settings = DebuginfodSettings((debian,), tmp_path / "cache", size_limit=1000)
    found = result(fetch(settings, build_id_of(program)))
    assert found == "larger than the limit of 1000 bytes"
