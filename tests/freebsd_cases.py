"""What is known of the corpus' FreeBSD cores: its expected.json."""

from __future__ import annotations

import json
from typing import Any

from conftest import CORPUS

FREEBSD = CORPUS / "freebsd"


def all_cases() -> list[dict[str, Any]]:
    """Every case; none where there is no corpus."""
    path = FREEBSD / "expected.json"
    if not path.exists():
        return []
    cases: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return cases


def cases() -> list[dict[str, Any]]:
    """Those whose core is not empty."""
    return [case for case in all_cases() if case["core_size"]]


def expected(name: str) -> dict[str, Any]:
    """The case that is called so."""
    return next(case for case in all_cases() if case["case"] == name)
