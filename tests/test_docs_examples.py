"""What the documentation shows exists: commands, settings, requests, files."""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.analysis.classify.catalogue import rules
from coresnap.config import SETTINGS, load_config
from coresnap.config.rulesets import load_rulesets
from coresnap.config.server_reading import load_server_config
from coresnap.config.server_settings import SERVER_SECTIONS, SERVER_SETTINGS
from coresnap.config.settings import APPLICATION_SETTINGS
from coresnap.config.store_reading import load_store_config
from coresnap.config.store_settings import STORE_SECTIONS, STORE_SETTINGS
from coresnap.store.api.endpoint import SCOPE, UNIVERSE
from coresnap.store.api.endpoints import ENDPOINTS
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import command_parser, load, main_parser
from coresnap.views.cli.program import CORESNAP, Program
from docs.pages import DECISIONS, DOCS, PAGES, REPOSITORY, TODAY, blocks, without_remark

PROGRAMS = {program.name: program for program in (CORESNAP, CORONER)}


def by_page(pages: list[Path]) -> pytest.MarkDecorator:
    ids = [page.relative_to(REPOSITORY).as_posix() for page in pages]
    return pytest.mark.parametrize("page", pages, ids=ids)


def inline_code(page: Path) -> list[str]:
    """The pieces in backticks outside of blocks."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)]


# --- commands -----------------------------------------------------------------


def typed_commands(page: Path) -> Iterator[str]:
    """Yield what a block lets one type, without what explains it."""
    for line in itertools.chain.from_iterable(blocks(page)):
        command = without_remark(line)
        if re.match(r"(coresnap|coroner) [a-z-]", command) and "…" not in command:
            yield command


def words_of(command: str) -> list[str]:
    """Return what the program gets of a line for the shell."""
    command = re.sub(r"\$\([^)]*\)", "1", command)
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if re.fullmatch(r"[();<>|&]+", word):
            break
        words.append(word)
    return words


def parse(words: list[str]) -> None:
    """Parse a command line as the program does; SystemExit if it is none."""
    program, words = PROGRAMS[words[0]], words[1:]
    while words and words[0].startswith("-"):
        words = words[2 if words[0] in program.config_options else 1 :]
    parser = command_parser(load(words[0], program), program)
    found, left = parser.parse_known_args(words[1:], argparse.Namespace(config=None))
    if left:
        parser.parse_intermixed_args(words[1:], found)


@by_page(TODAY)
def test_every_command_in_a_block_can_be_typed(page: Path) -> None:
    for command in typed_commands(page):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                parse(words_of(command))
            except SystemExit as end:
                if end.code:
                    pytest.fail(f"{command}\n{said.getvalue()}")


def options(program: Program, name: str) -> set[str]:
    parsers = (main_parser(program), command_parser(load(name, program), program))
    return {
        option
        for parser in parsers
        for action in parser._actions
        for option in action.option_strings
    }


@by_page(TODAY)
def test_every_command_and_option_in_the_text_exists(page: Path) -> None:
    for code in inline_code(page):
        words = code.split()
        program = PROGRAMS.get(words[0])
        if program is None or len(words) < 2 or not re.fullmatch("[a-z-]+", words[1]):
            continue
        if words[1].startswith("-"):
            continue
        assert words[1] in program.commands, f"{page.name}: {code}"
        known = options(program, words[1])
        for option in re.findall(r"(?<=\s)--[a-z-]+", code):
            assert option in known, f"{page.name}: {code}"


# --- settings -----------------------------------------------------------------

LOADERS = (
    ({*STORE_SECTIONS}, load_store_config),
    ({*SERVER_SECTIONS}, load_server_config),
    ({s.section for s in SETTINGS} | {"application"}, load_config),
    ({"ruleset", "rule"}, lambda path: load_rulesets([path])),
)
"""The sections that a file may have, to what reads it."""


def settings_files(page: Path) -> Iterator[str]:
    for lines in blocks(page):
        if re.match(r"\[[a-z]+( .+)?\]$", lines[0]) and "=" in "".join(lines):
            yield "\n".join(lines) + "\n"


@by_page(TODAY)
def test_every_file_of_settings_that_is_shown_can_be_read(
    page: Path, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    for text in settings_files(page):
        sections = set(re.findall(r"^\[([a-z]+)", text, flags=re.MULTILINE))
        loaders = [loader for known, loader in LOADERS if sections <= known]
        assert loaders, f"{page.name}: {sections}"
        if sections == {"daemon"}:
            is_ours = re.search("purge|metrics", text)
            loaders = [load_config if is_ours else load_store_config]
        if loaders[0] is load_store_config and "universe" not in sections:
            text = f"[universe]\nwrite = https://faults.example.com\n{text}"
        path.write_text(text)
        loaders[0](path)


EVERY_SETTING = (*SETTINGS, *APPLICATION_SETTINGS, *SERVER_SETTINGS, *STORE_SETTINGS)
OF_SETTINGS = {s.name for s in EVERY_SETTING} | {
    f"{s.section}.{s.name}" for s in EVERY_SETTING
}


@by_page(TODAY)
def test_no_setting_is_named_that_does_not_exist(page: Path) -> None:
    known = OF_SETTINGS | CATALOGUE.keys() | {name for r in rules() for name in r.names}
    beginnings = {name.partition(".")[0] for name in OF_SETTINGS if "." in name}
    for code in inline_code(page):
        is_dotted = re.fullmatch(r"[a-z]+(\.[a-z_]+)+", code)
        if is_dotted and code.partition(".")[0] in beginnings and code[-3:] != ".py":
            assert code in known, f"{page.name}: {code}"


# --- requests -----------------------------------------------------------------

REQUESTS = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE) ([…‥/][^\s?]*)")


def is_request(method: str, path: str) -> bool:
    path = path.replace("…", SCOPE).replace("‥", UNIVERSE)
    parts = re.sub(r"\b[A-Z]{2,}\b", "{}", path).split("/")
    return any(
        endpoint.method == ("GET" if method == "HEAD" else method)
        and len(known := endpoint.path.split("/")) == len(parts)
        and all("{" in a or a == b for a, b in zip(known, parts, strict=True))
        for endpoint in ENDPOINTS
    )


@by_page(TODAY)
def test_every_request_that_is_named_can_be_made(page: Path) -> None:
    for code in inline_code(page):
        for method, path in REQUESTS.findall(code):
            assert is_request(method, path), f"{page.name}: {method} {path}"


# --- files --------------------------------------------------------------------


@by_page(TODAY)
def test_every_file_of_the_sources_that_is_named_exists(page: Path) -> None:
    places = (REPOSITORY, REPOSITORY / "src" / "coresnap", page.parent)
    own = {
        path.name
        for place in places[:2]
        for path in place.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    }
    for code in inline_code(page):
        path = re.fullmatch(r"((?:[\w.-]+/)+)([\w.-]*)", code)
        if path is None or path[1].partition("/")[0] not in own - {"build"}:
            continue
        assert any((place / code).exists() for place in places), f"{page.name}: {code}"


def test_every_page_can_be_reached_from_the_first() -> None:
    reached, waiting = set(), [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target:
                waiting.append((page.parent / target).resolve())

    # Pieces of the changelog are read there, once it is made of them.
    pieces = set((DOCS / "changes").glob("*.*.md"))
    assert set(PAGES) - reached - pieces == set()


def test_every_decision_is_listed_by_its_number_and_title() -> None:
    listed = re.findall(
        r"^- \[(\d+)\]\((\S+)\): (.+)$",
        (DECISIONS / "README.md").read_text(),
        flags=re.MULTILINE,
    )
    titles = {
        page.name: page.read_text().partition("\n")[0]
        for page in DECISIONS.glob("0*.md")
        if page.name != "0000-template.md"
    }

    assert {name: f"# {number}. {title}" for number, name, title in listed} == titles
    assert len({number for number, _, _ in listed}) == len(titles)
