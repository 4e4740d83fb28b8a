"""The pages that are made of the code have all of it, and links lead where they did."""

from __future__ import annotations

import re

import pytest

from coresnap import errors
from coresnap.config import SETTINGS
from coresnap.config.server_settings import SERVER_SETTINGS
from coresnap.config.store_settings import STORE_SETTINGS
from coresnap.store.api.endpoints import ENDPOINTS
from coresnap.views.cli.main import command_parser, load
from coresnap.views.cli.program import Program
from website.commands import PROGRAMS, commands_page
from website.contents import expand
from website.exit_codes import exit_codes_page
from website.links import address_of, rewrite, targets
from website.openapi import operations_page
from website.places import DOCS, REPOSITORY
from website.repository import linked_pages, outside_pages
from website.settings import settings_page
from website.tables import unescape_pipes


def section(page: str, heading: str) -> str:
    """The text below ``heading`` up to the next one of its depth or less."""
    depth = len(heading) - len(heading.lstrip("#"))
    below = page.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{depth}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


# --- pages of the code --------------------------------------------------------


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_every_command_is_there_with_its_words(program: Program) -> None:
    page = commands_page()
    for name in program.commands:
        table = section(page, f"### {program.name} {name}")
        parser = command_parser(load(name, program), program)
        for action in parser._actions:
            for word in action.option_strings or [str(action.metavar)]:
                assert "`" + word.replace("|", "\\|") in table
        assert "%(" not in table


def test_every_setting_is_there_once_with_what_it_means() -> None:
    page = settings_page()
    for setting in (*SETTINGS, *STORE_SETTINGS, *SERVER_SETTINGS):
        meaning = " ".join(setting.meaning.replace("|", "\\|").split())
        assert re.search(
            rf"^\| `{re.escape(setting.name)}` \|.*\| {re.escape(meaning)} \|$",
            page,
            re.MULTILINE,
        )
    rows = len(re.findall(r"^\| `", page, re.MULTILINE))
    assert rows == len(SETTINGS) + len(STORE_SETTINGS) + len(SERVER_SETTINGS)


def test_every_error_is_there_with_its_code() -> None:
    rows = re.findall(r"^\| (\d+) \|.*?\| `(\w+)` \|", exit_codes_page(), re.MULTILINE)

    assert {name: int(code) for code, name in rows} == {
        name: getattr(errors, name).exit_code for name in errors.__all__
    }


def test_every_operation_is_there_with_what_it_needs_and_each_body_it_names() -> None:
    page = operations_page("openapi.json")
    for endpoint in ENDPOINTS:
        text = section(page, f"### {endpoint.operation}")
        assert f"    {endpoint.method} {endpoint.path}\n" in text
        assert f"- *needs* {endpoint.capability or 'no token'}\n" in text
        for parameter in endpoint.parameters:
            assert f"`?{parameter.name}=`" in text
    named = set(re.findall(r"\]\(#(\w+)\)", page))
    assert named == {
        name.lower() for name in re.findall(r"^### ([A-Z]\w+)$", page, re.M)
    }


# --- links ------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "link", "becomes"),
    [
        ("docs/http.md", "query.md#age", "query.md#age"),
        (
            "docs/freebsd.md",
            "../CONTRIBUTING.md#set-up",
            "project/CONTRIBUTING.md#set-up",
        ),
        ("docs/commands/coresnap.md", "../capture.md", "../capture.md"),
        ("README.md", "docs/capture.md#storms", "../capture.md#storms"),
        ("README.md", "CHANGELOG.md", "CHANGELOG.md"),
        ("README.md", "tox.ini", "../repository/tox.ini.md"),
        ("README.md", "https://example.org/docs", "https://example.org/docs"),
        ("README.md", "#more", "#more"),
        (
            "CONTRIBUTING.md",
            ".github/workflows/ci.yml",
            "../repository/github/workflows/ci.yml.md",
        ),
        ("docs/console.md", "screenshots", "repository/docs/screenshots.md"),
    ],
)
def test_a_link_leads_to_the_same_page_of_the_site(
    source: str, link: str, becomes: str
) -> None:
    path = REPOSITORY / source

    changed = rewrite(f"see [it]({link}).", path, address_of(path))

    assert changed == f"see [it]({becomes})."


def test_what_looks_like_a_link_in_a_block_of_code_is_none() -> None:
    text = "```md\n[a](../README.md)\n```\n[b](../README.md)"

    changed = rewrite(text, DOCS / "http.md", "http.md")

    assert changed == "```md\n[a](../README.md)\n```\n[b](project/README.md)"
    assert list(targets(text, DOCS / "http.md")) == [REPOSITORY / "README.md"]


def test_every_file_that_a_page_links_to_is_brought_along() -> None:
    brought = dict([*outside_pages(), *linked_pages()])
    for page in DOCS.rglob("*.md"):
        for target in targets(page.read_text(), page):
            if not target.is_relative_to(DOCS):
                assert address_of(target) in brought
    workflow = brought["repository/github/workflows/ci.yml.md"]
    assert (REPOSITORY / ".github/workflows/ci.yml").read_text().strip() in workflow


def test_a_pipe_in_code_of_a_table_has_no_backslash() -> None:
    row, code = "| `\\|/x` | a \\| b `-\\|-` |", "```\n| `\\|` |\n```"

    assert unescape_pipes(f"{row}\n{code}") == f"| `|/x` | a \\| b `-|-` |\n{code}"


# --- the table of contents ----------------------------------------------------


def test_a_folder_stands_for_its_pages_with_its_readme_first() -> None:
    contents = expand([{"Project": [{"Decisions": "adr/"}, "index.md"]}])

    decisions = contents[0]["Project"][0]["Decisions"]
    pages = {f"adr/{path.name}" for path in (DOCS / "adr").glob("*.md")}
    assert decisions[0] == "adr/README.md"
    assert decisions[1:] == sorted(decisions[1:])
    assert set(decisions) == pages - {"adr/0000-template.md"}
    assert contents[0]["Project"][1] == "index.md"


def test_manual_pages_are_in_the_order_of_the_help() -> None:
    coresnap, coroner, daemon = expand("commands/")

    for group, program in zip((coresnap, coroner), PROGRAMS, strict=True):
        pages = [page for entry in group[program.name] for page in entry.values()]
        names = [program.name, *(f"{program.name}-{name}" for name in program.commands)]
        assert pages == [f"commands/{name}.md" for name in names]
    assert daemon == {"coresnapd": "commands/coresnapd.md"}
