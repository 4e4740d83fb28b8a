"""docs/fingerprints.md lists what there is."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from coresnap.analysis.fingerprint import VERSION
from coresnap.analysis.fingerprint.circumstances import FAMILIES
from coresnap.analysis.fingerprint.digest import MOST_FRAMES
from coresnap.analysis.fingerprint.policies import policies
from coresnap.config.bounded_regex import LONGEST_TEXT
from coresnap.config.rulesets import FrameRule, Ruleset
from coresnap.snapshot.similarity import SIMILAR

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "fingerprints.md").read_text()


def keys(kind: type) -> set[str]:
    """Fields as they are written in a file of rules."""
    return {field.name.replace("_", ".") for field in attrs.fields(kind)}


def test_every_family_is_described() -> None:
    told = {section.argument for section in policies().failure.exact.values()}
    cells = "".join(re.findall(r"^\| (`.*?) \|", PAGE, flags=re.MULTILINE))

    for family in (told | set(FAMILIES.values()) | {"stack-overflow"}) - {""}:
        assert f"`{family}`" in cells


def test_every_key_of_a_ruleset_and_every_action_is_described() -> None:
    table = set(re.findall(r"^\| `([\w.]+)", PAGE, flags=re.MULTILINE))
    predicates = {"function", "object", "source"}

    assert keys(Ruleset) - {"rules"} <= table
    assert keys(FrameRule) - {"name", "set"} - predicates <= table
    assert "set.ATTRIBUTE" in table
    assert all(f"`{predicate}`" in PAGE for predicate in predicates)


def test_the_numbers_are_those_of_the_rules() -> None:
    assert f"({VERSION} today)" in PAGE
    assert f"up to {MOST_FRAMES} normalised frames" in PAGE
    assert f"first {LONGEST_TEXT} characters" in PAGE
    similar = (DOCS / "commands" / "coresnap-similar.md").read_text()
    assert f"further than {SIMILAR} is not printed" in " ".join(similar.split())
