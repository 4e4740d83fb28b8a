"""The documentation and what it documents say the same."""

from __future__ import annotations

import argparse
import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from coresnap import model
from coresnap.collect.journal import Event, State
from coresnap.config import SETTINGS
from coresnap.config.routes import SPECIFIERS
from coresnap.config.server_settings import SERVER_SETTINGS
from coresnap.config.settings import APPLICATION_SETTINGS
from coresnap.config.store_settings import STORE_SETTINGS
from coresnap.snapshot.memory import MemoryIndex
from coresnap.snapshot.schema import SECTION_TYPES
from coresnap.store.api.endpoints import ENDPOINTS
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import command_parser, load, main_parser
from coresnap.views.cli.program import CORESNAP, Program

REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "docs"
PAGES = sorted(
    [
        *DOCS.rglob("*.md"),
        *(REPOSITORY / f"{n}.md" for n in ("README", "CONTRIBUTING", "CHANGELOG")),
        REPOSITORY / "benchmarks" / "README.md",
    ]
)
MANUAL_SECTIONS = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "OPTIONS",
    "EXIT STATUS",
    "EXAMPLES",
    "SEE ALSO",
]


def rows(text: str) -> dict[str, list[str]]:
    """First cell of each table row, without backticks, to the other cells."""
    found = {}
    for line in text.splitlines():
        # `|` inside backticks does not part cells.
        cells = re.findall(r"\|\s*((?:`[^`]*`|[^|`])*?)\s*(?=\|)", line)
        if line.startswith("| `") and cells:
            found[cells[0].strip("`")] = cells[1:]
    return found


def section(page: str, heading: str) -> str:
    """The text below ``heading`` up to the next heading of any depth."""
    text = (DOCS / page).read_text()
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    bodies = dict(zip(parts[1::2], parts[2::2], strict=True))
    return bodies[heading]


# --- commands -----------------------------------------------------------------


PROGRAMS = (CORESNAP, CORONER)
EVERY_COMMAND = pytest.mark.parametrize(
    ("program", "name"),
    [(program, name) for program in PROGRAMS for name in program.commands],
    ids=lambda value: value.name if isinstance(value, Program) else value,
)


def manual(program: Program, name: str) -> Path:
    return DOCS / "commands" / f"{program.name}-{name}.md"


def parser_of(program: Program, name: str) -> argparse.ArgumentParser:
    return command_parser(load(name, program), program)


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


def documented_options(page: Path) -> set[str]:
    items = re.findall(r"^- (`.*)$", page.read_text(), flags=re.MULTILINE)
    return {
        match
        for item in items
        for match in re.findall(r"`(--?[A-Za-z][a-z-]*)", item.partition(" — ")[0])
    }


@EVERY_COMMAND
def test_a_manual_page_has_every_option_of_its_command_and_no_other(
    program: Program, name: str
) -> None:
    page = manual(program, name)

    assert documented_options(page) == options(parser_of(program, name))


@EVERY_COMMAND
def test_a_manual_page_names_every_argument(program: Program, name: str) -> None:
    synopsis = manual(program, name).read_text()
    for action in parser_of(program, name)._actions:
        if not action.option_strings:
            assert f"`{action.metavar}`" in synopsis


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_the_page_of_a_program_lists_every_command_and_its_own_options(
    program: Program,
) -> None:
    page = DOCS / "commands" / f"{program.name}.md"

    assert documented_options(page) == options(main_parser(program))
    listed = re.findall(
        rf"^\| \[(\S+)\]\({program.name}-\1\.md\) \| (.*) \|$",
        page.read_text(),
        re.MULTILINE,
    )
    # In the help's order, with its words.
    assert listed == [(name, load(name, program).HELP) for name in program.commands]


def test_no_page_describes_a_command_that_is_not_there() -> None:
    pages = {page.stem for page in (DOCS / "commands").glob("*.md")}

    commands = {f"{p.name}-{name}" for p in PROGRAMS for name in p.commands}
    assert pages == commands | {program.name for program in PROGRAMS} | {"coresnapd"}


@pytest.mark.parametrize("page", sorted((DOCS / "commands").glob("*.md")), ids=str)
def test_a_manual_page_has_the_sections_of_one(page: Path) -> None:
    headings = re.findall(r"^## (.*)$", page.read_text(), flags=re.MULTILINE)

    assert headings == MANUAL_SECTIONS


# --- settings, attributes -----------------------------------------------------


def test_every_setting_is_documented_with_its_kind_and_default() -> None:
    documented = {
        (heading, name): (cells[0].replace(" or ", "|"), cells[1].strip("`"))
        for heading in {setting.section for setting in SETTINGS}
        for name, cells in rows(section("configuration.md", f"[{heading}]")).items()
    }

    assert documented == {
        (s.section, s.name): (s.kind.replace(" or ", "|"), s.default) for s in SETTINGS
    }


def test_every_setting_of_the_store_is_documented() -> None:
    documented = {
        name: (cells[0], cells[1].strip("`"), cells[2])
        for name, cells in rows(
            section("configuration.md", "Section [universe] of coroner.cf")
        ).items()
    }

    assert documented == {
        s.name: (s.kind, s.default, s.meaning) for s in STORE_SETTINGS
    }


def test_every_setting_of_an_application_is_documented() -> None:
    documented = rows(section("configuration.md", "[application PATTERN]"))

    assert {
        name: cells[0].replace(" or ", "|") for name, cells in documented.items()
    } == {s.name: s.kind.replace(" or ", "|") for s in APPLICATION_SETTINGS}


def test_every_kind_of_value_and_specifier_of_a_route_is_documented() -> None:
    page = (DOCS / "configuration.md").read_text()

    kinds = {s.kind for s in (*SETTINGS, *APPLICATION_SETTINGS) if "|" not in s.kind}
    table = page.partition("## [archive]")[0]
    assert set(re.findall(r"`([a-z, ]+)`(?=.*\|.*\|)", table)) >= kinds
    assert rows(section("configuration.md", "Routes")).keys() == {
        f"%{letter}" for letter in SPECIFIERS
    }


def test_every_attribute_is_documented_with_its_kind_format_and_unit() -> None:
    documented = {
        name: cells[:3]
        for heading in ("Of a snapshot", "Of the store", "Of a group")
        for name, cells in rows(section("attributes.md", heading)).items()
    }

    assert documented == {
        a.name: [a.kind, a.format, a.unit or "–"] for a in CATALOGUE.values()
    }


# --- the server ---------------------------------------------------------------


def test_every_operation_of_the_server_is_documented_with_its_capability() -> None:
    table = rows(section("http.md", "Operations"))

    assert {name: cells[1] for name, cells in table.items()} == {
        endpoint.operation: endpoint.capability or "–" for endpoint in ENDPOINTS
    }


def test_every_setting_of_the_server_is_documented_with_its_kind_and_default() -> None:
    documented = {
        (heading, name): (cells[0].replace(" or ", "|"), cells[1].strip("`"))
        for heading in {setting.section for setting in SERVER_SETTINGS}
        for name, cells in rows(section("http.md", f"[{heading}]")).items()
    }

    assert documented == {
        (s.section, s.name): (s.kind.replace(" or ", "|"), s.default)
        for s in SERVER_SETTINGS
    }


# --- the environment ----------------------------------------------------------


def read_variables(path: Path) -> Iterator[str]:
    """Names in ``os.environ.get("NAME")`` and ``os.environ["NAME"]``, and elfutils'."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case (
                ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="environ")),
                    args=[ast.Constant(value=str(name)), *_],
                )
                | ast.Subscript(
                    value=ast.Attribute(attr="environ"),
                    slice=ast.Constant(value=str(name)),
                )
            ):
                yield name
            case ast.Constant(value=str(name)) if re.fullmatch(
                "DEBUGINFOD_[A-Z_]*[A-Z]", name
            ):
                yield name


def test_every_variable_of_the_environment_that_is_read_is_documented() -> None:
    sources = (REPOSITORY / "src" / "coresnap").rglob("*.py")
    read = {name for path in sources for name in read_variables(path)}

    documented = rows((DOCS / "reference" / "environment.md").read_text())
    assert documented.keys() == read


# --- formats ------------------------------------------------------------------

NOUNS: dict[str, type[msgspec.Struct]] = {
    "Snapshot fields": model.Snapshot,
    "Signal": model.Signal,
    "Thread": model.Thread,
    "Frame": model.Frame,
    "Variable": model.Variable,
    "Module": model.Module,
    "Mapping": model.Mapping,
    "Classifier": model.Classifier,
    "Instruction": model.Instruction,
    "Access": model.Access,
    "Block": model.Block,
    "HeapDamage": model.HeapDamage,
    "Allocator": model.Allocator,
    "Alias": model.Alias,
    "Annotation": model.Annotation,
    "QualityPart": model.QualityPart,
    "Note": model.Note,
}


@pytest.mark.parametrize("heading", NOUNS)
def test_every_field_of_a_noun_is_documented(heading: str) -> None:
    fields = [field.name for field in msgspec.structs.fields(NOUNS[heading])]

    assert list(rows(section("formats.md", heading))) == fields


def test_every_field_of_the_memory_sections_is_documented() -> None:
    kinds = (MemoryIndex, model.MemoryRange)
    fields = [field.name for kind in kinds for field in msgspec.structs.fields(kind)]

    assert list(rows(section("formats.md", "Memory"))) == fields


def test_every_section_is_documented_with_its_fields() -> None:
    documented = rows(section("formats.md", "Sections"))

    assert documented.keys() == {*SECTION_TYPES, "memory", "memory-data"}
    for name, kind in SECTION_TYPES.items():
        fields = [field.name for field in msgspec.structs.fields(kind)]
        assert re.findall(r"`(\w+)`", documented[name][0]) == fields


@pytest.mark.parametrize(
    ("heading", "enumeration"),
    [
        ("Thread", model.UnwindEnd),
        ("Frame", model.Trust),
        ("Variable", model.VariableKind),
    ],
)
def test_every_value_of_an_enumeration_is_documented(
    heading: str, enumeration: type[model.UnwindEnd]
) -> None:
    text = section("formats.md", heading)
    for value in enumeration:
        assert f"`{value}`" in text


def test_every_state_and_event_of_the_journal_is_documented() -> None:
    text = section("formats.md", "Journal")
    for word in (*State, *Event):
        assert f"`{word}`" in text


# --- tests --------------------------------------------------------------------


def test_every_marker_of_the_tests_is_documented_in_its_order() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    markers = settings["tool"]["pytest"]["ini_options"]["markers"]
    table = (REPOSITORY / "CONTRIBUTING.md").read_text().partition("| marker |")[2]

    assert list(rows(table)) == [marker.partition(":")[0] for marker in markers]


@pytest.mark.parametrize(
    ("name", "file"),
    re.findall(r"\[`(test_\w+)`\]\((\S+)\)", (DOCS / "security-model.md").read_text()),
)
def test_a_defence_is_held_by_the_test_that_is_named(name: str, file: str) -> None:
    assert f"\ndef {name}(" in (DOCS / file).read_text()


# --- links --------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix()
)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page.name}: {target}"


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix()
)
def test_no_page_names_a_path_of_a_developer_s_machine(page: Path) -> None:
    assert not re.search(r"/(home/\w|root/|work/|Users/)", page.read_text())
