"""Patterns of executables: the handler and Python agree on what they match."""

from __future__ import annotations

import ctypes
import locale
import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coresnap.config.pattern import check_pattern, matches

LIBC = ctypes.CDLL(None)


def fnmatch(pattern: str, path: str) -> bool:
    """fnmatch(3) of the C library, in the C locale that the handler has."""
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    try:
        found = LIBC.fnmatch(os.fsencode(pattern), os.fsencode(path), 0)
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    assert found in (0, 1)
    return bool(found == 0)


def is_accepted(pattern: str) -> bool:
    try:
        check_pattern(pattern)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("/usr/bin/*", "/usr/bin/a/b", True),
        ("/usr/bin/*", "/usr/bin/.hidden", True),
        ("/usr/bin", "/usr/bin/a", False),
        ("*/nginx", "/opt/sbin/nginx", True),
        ("/a?c", "/a/c", True),
        ("/[ab]", "/b", True),
        ("/[!ab]", "/b", False),
        ("/[^ab]", "/c", True),
        ("/[]]", "/]", True),
        (r"/\*", "/*", True),
        (r"/\*", "/a", False),
        ("/ä", "/ä", True),
        ("/??", "/ä", True),
    ],
)
def test_a_pattern_is_matched_as_a_whole(pattern: str, path: str, wanted: bool) -> None:
    check_pattern(pattern)

    assert matches(pattern, path) is wanted
    assert fnmatch(pattern, path) is wanted


# Both are drawn from few characters, else hardly anything would ever match.
TEXTS = st.text(alphabet="ab-/.*?[]!^\\ä", max_size=8)
PATHS = st.text(alphabet="ab-/.*?[]!^\\ä", max_size=6)


@settings(max_examples=1500)
@example("[a-]", "-")
@example("[--b]", "a")
@example("[a-b-]", "-")
@example("[!]a]", "]")
@example("[]-a]", "^")
@example("[^-]", "-")
@example("[/-a]", "/")
@given(TEXTS.filter(is_accepted), PATHS)
def test_what_is_accepted_matches_as_in_the_c_library(pattern: str, path: str) -> None:
    assert matches(pattern, path) is fnmatch(pattern, path)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a\tb",
        "a\nb",
        "[[:alpha:]]",
        "a\\",
        "[ab",
        r"[\]]",
        "[b-a]",
        "[ä]",
        "\udc80",
    ],
)
def test_what_could_be_matched_in_two_ways_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has|ends)"):
        check_pattern(pattern)
