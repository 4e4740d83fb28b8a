"""The tables of recognised types."""

from __future__ import annotations

from types import ModuleType

import pytest

from coresnap.analysis.pretty import cplusplus, rust
from coresnap.analysis.pretty.names import bare_name, type_arguments
from coresnap.analysis.pretty.table import printer_of


@pytest.mark.parametrize("library", [cplusplus, rust])
def test_every_name_leads_to_a_function(library: ModuleType) -> None:
    for name, function in library.PRINTERS.items():
        assert callable(printer_of(library.__name__, function)), name


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("std::vector<int, std::allocator<int> >", "std::vector"),
        ("std::__cxx11::basic_string<char>", "std::basic_string"),
        ("std::__1::__fs::filesystem::path", "std::filesystem::path"),
        ("std::__debug::map<int, std::pair<int, int> >", "std::map"),
        ("std::_Tree<int>::node<char>", "std::_Tree::node"),
        ("plain", "plain"),
        ("a<b", "a"),
        (">>a", ">>a"),
    ],
)
def test_names_lose_their_arguments_and_versions(name: str, bare: str) -> None:
    assert bare_name(name) == bare


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("std::pair<int, std::map<int, char> >", ["int", "std::map<int, char>"]),
        (
            "H<int (int, char), f()::{lambda(int, int)#1}>",
            ["int (int, char)", "f()::{lambda(int, int)#1}"],
        ),
        ("std::tuple<>", []),
        ("plain", []),
    ],
)
def test_arguments_are_found_in_a_name(name: str, arguments: list[str]) -> None:
    assert type_arguments(name) == arguments
