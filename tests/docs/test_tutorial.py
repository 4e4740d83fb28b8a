"""The tutorial: what its reader types is typed here, and compared with the page.

Everything is real: `coresnap install` gives this machine's crashes to a spool of the
test's own, coresnapd analyses and sends them, `coroner serve` keeps them. Blocks of the
page that begin with a prompt are made of what was typed and said:
``CORESNAP_WRITE_TUTORIAL=1`` writes them anew.
"""

from __future__ import annotations

import functools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

import kernel
from conftest import SOURCES
from docs.pages import DOCS
from imported import SOURCE
from shortpath import short_directory

PAGE = DOCS / "tutorial.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
WIDTH = 160
"""Characters of a line that the page shows."""
_RUN = f"exec env PYTHONPATH={SOURCE} {sys.executable} -c"
_FROM = "from coresnap.views.cli.process import"


@attrs.define
class Reader:
    """Somebody who follows the page, on a machine that has only what it says."""

    directory: Path
    background: list[subprocess.Popen[bytes]] = attrs.field(factory=list)

    @property
    def work(self) -> Path:
        """Where the reader types."""
        return self.directory / "work"

    @property
    def environment(self) -> dict[str, str]:
        """Their environment: our commands come first."""
        path = f"{self.directory}/bin:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.directory), "LANG": "C.UTF-8"}

    def type(self, command: str) -> str:
        """Type a command; return what is said, whatever becomes of it."""
        run = subprocess.run(
            ["bash", "-c", f"ulimit -c unlimited; cd {self.work}; {command}; exit $?"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=120,
        )
        return run.stdout

    def start(self, command: str, until: Callable[[], bool]) -> None:
        """Start what does not end by itself, and wait until it is there."""
        log = (self.directory / f"log{len(self.background)}").open("wb")
        with log:
            process = subprocess.Popen(
                ["bash", "-c", f"cd {self.work}; exec {command}"],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self.background.append(process)
        wait_for(until, lambda: Path(log.name).read_text(errors="replace"))

    def end(self) -> None:
        """End what runs."""
        for process in reversed(self.background):
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def wait_for(what: Callable[[], bool], said: Callable[[], str] = str) -> None:
    """Return once ``what`` is true."""
    end = time.monotonic() + 120
    while not what():
        assert time.monotonic() < end, said()
        time.sleep(0.2)


def install_commands(directory: Path) -> None:
    """Put coresnap and coroner where they read the reader's own settings."""
    (directory / "bin").mkdir()
    for name, line in (
        ("coresnap", f"'{_FROM} run_process as run; run()' --config {directory}/conf"),
        ("coroner", f"'{_FROM} run_coroner as run; run()'"),
    ):
        path = directory / "bin" / name
        path.write_text(f'#!/bin/sh\n{_RUN} {line} "$@"\n')
        path.chmod(0o755)
    (directory / "conf").write_text(
        f"[archive]\nroot = {directory}/var\nhandler = {directory}/coresnap-catch\n"
        f"door.socket = {directory}/core\ndump.quota = 1%\n"
        f"[daemon]\nuser = root\nsocket = {directory}/notify\n"
        f"[sending]\nstore.config = {directory}/.coroner.cf\n"
    )


@pytest.fixture
def reader() -> Iterator[Reader]:
    with short_directory() as directory, kernel.core_pattern("core", suid_dumpable=0):
        install_commands(directory)
        made = Reader(directory)
        made.work.mkdir()
        (made.work / "simple.c").write_bytes((SOURCES / "simple.c").read_bytes())
        try:
            store = "coroner serve --data ./store --universe backtrace"
            made.start(
                f"{store} --project blackhole --listen http://127.0.0.1:0",
                lambda: "listens on" in (directory / "log0").read_text(),
            )
            settings = (made.work / "store" / "coroner.cf").read_text()
            settings = settings.replace("admin = ", "blackhole = ")
            (directory / ".coroner.cf").write_text(settings)
            (directory / ".coroner.cf").chmod(0o600)
            made.type("coresnap install")
            made.start("coresnap daemon --foreground", (directory / "notify").exists)
            yield made
        finally:
            made.end()
            made.type("coresnap uninstall")


def has_faults(reader: Reader, count: int) -> bool:
    """Whether the store has indexed so many faults."""
    said = reader.type("coroner list blackhole --json")
    found = re.search(r'"count": (\d+)', said)
    return found is not None and int(found[1]) >= count


def follow(page: str, reader: Reader) -> str:
    """Type every command of the page's blocks; return the page with what was said."""
    crashes = 0
    known = {"ID": "", "GROUP": ""}

    def typed(block: re.Match[str]) -> str:
        nonlocal crashes
        lines: list[str] = []
        for command in re.findall(r"^\$ (.*)$", block[1], flags=re.MULTILINE):
            command = _with_ids(command, known)
            said = reader.type(command).replace(str(reader.work), "/srv/kim")
            if "./simple" in command and "cc " not in command:
                crashes += 1
                told = re.search(r"(Segmentation fault)\s+(\(core dumped\))", said)
                assert told is not None, said
                wait_for(functools.partial(has_faults, reader, crashes))
                said = " ".join(told.groups())
            known.update(_ids_of(said, known))
            lines += [f"$ {command}", *_shortened(said)]
        return "```console\n" + "\n".join(lines).rstrip() + "\n```"

    return BLOCK.sub(typed, page)


def _ids_of(said: str, known: dict[str, str]) -> dict[str, str]:
    found = {}
    if not known["ID"] and (id := re.search(r"sending/([0-9a-f]{8})", said)):
        found["ID"] = id[1]
    if group := re.search(r"^\[([0-9a-f]{8})[0-9a-f]{56}\]", said, flags=re.MULTILINE):
        found["GROUP"] = group[1]
    return found


def _with_ids(command: str, known: dict[str, str]) -> str:
    """The page's ids are those of the run that wrote it; this run has its own."""
    command = re.sub(
        r"(coresnap (?:show|report) )[0-9a-f]{8}", rf"\g<1>{known['ID']}", command
    )
    command = re.sub(r"(get blackhole )[0-9a-f]{8}", rf"\g<1>{known['ID']}", command)
    group = rf"\g<1>{known['GROUP']}"
    return re.sub(r"((?:set|group) blackhole )[0-9a-f]{8}", group, command)


def _shortened(said: str) -> list[str]:
    """What stands in the page: the first lines, cut where they leave it."""
    lines = [line.rstrip() for line in said.rstrip().split("\n") if line.strip()]
    shown = [
        line if len(line) <= WIDTH else line[: WIDTH - 1] + "…" for line in lines[:24]
    ]
    return [*shown, "…"] if len(lines) > 24 else shown


def same_in_every_run(text: str) -> list[str]:
    """Words without what differs: numbers, times, names of machines, directories."""
    text = re.sub(r"^(.{60}).*…$", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b(-[0-9a-f]{3}\.\.\.)?", "HEX", text)
    text = re.sub(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} +\d+", "DAY", text)
    text = re.sub(r"^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)", "M", text)
    text = re.sub(r"^( +)\S+( +\d+ 100.00%.*)$", "HOST", text, flags=re.MULTILINE)
    text = re.sub(r"(  system +Linux).*|(  capture +).*", r"\1\2", text)
    text = re.sub(r"\d+(\.\d+)?", "N", re.sub(r"[▁-█]+|_+", "TREND", text))
    return text.split()


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
@pytest.mark.root
def test_the_reader_sees_what_the_page_shows(reader: Reader) -> None:
    page = PAGE.read_text()

    followed = follow(page, reader)

    if os.environ.get("CORESNAP_WRITE_TUTORIAL"):
        PAGE.write_text(followed)
        page = followed
    assert same_in_every_run(followed) == same_in_every_run(page), followed
    assert re.search(
        r'resolved until version >= "1.1" → open .*"1.2" > "1.1"', followed
    )
