"""docs/query.md and the language say the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import msgspec
import pytest

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.store.query.checking import check
from coresnap.store.query.query import FoldName, Operator, Query
from coresnap.store.query.times import parse_range
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import main

PAGE = (Path(__file__).parents[3] / "docs" / "query.md").read_text()
COMMANDS = re.findall(r"(?:^    |`)(coroner list [^`\n]*)", PAGE, flags=re.MULTILINE)
KNOWN = {
    **CATALOGUE,
    "customer": Attribute("customer", Kind.TEXT),
    "error.type": Attribute("error.type", Kind.TEXT),
}
NOW = 1_764_028_800


def first_cells(heading: str) -> list[str]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)`", section, flags=re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_makes_a_query_that_can_be_asked(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for word in shlex.split(command)[1:] if word != "--query"]

    assert main([*words, "--query"], CORONER) == 0
    query = msgspec.json.decode(capsys.readouterr().out, type=Query)
    check(query, KNOWN, NOW)


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) > 20


def test_every_operator_is_on_the_page() -> None:
    assert first_cells("Filters") == list(Operator)


def test_every_fold_is_on_the_page() -> None:
    assert set(first_cells("Grouping and folds")) == set(FoldName)


def test_every_kind_is_on_the_page() -> None:
    assert first_cells("Attributes") == list(Kind)


@pytest.mark.parametrize("text", first_cells("Times"))
def test_every_range_of_the_page_is_understood(text: str) -> None:
    for word in text.split("`, `"):
        assert parse_range(word, NOW).begin is not None


def test_the_tree_on_the_page_is_a_query() -> None:
    example = PAGE.split("```json\n")[1].split("```")[0]

    assert msgspec.json.decode(example, type=Query).group == ("hostname",)
