"""Rules of one's own act before those that come with coresnap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coresnap.analysis.fingerprint import Fate, Fingerprint
from coresnap.config.rulesets import load_rulesets
from fingerprint.stacks import fingerprint_of, frame, stack

FRAMES = [
    frame("log_fatal"),
    frame("libour.so!check", file="/src/our/check.c"),
    frame("libour.so!inner", file="/src/our/inner.c"),
    frame("handle_put_v3", language="C11"),
    frame("serve"),
    frame("service"),
]


Apply = Callable[..., Fingerprint]


@pytest.fixture
def applied(tmp_path: Path) -> Apply:
    def apply(rules: str, heading: str = "", **attributes: str) -> Fingerprint:
        file = tmp_path / "own.conf"
        file.write_text(f"[ruleset]\n{heading}\n{rules}")
        return fingerprint_of(
            FRAMES,
            rulesets=load_rulesets([file]),
            system="Linux",
            attributes=attributes,
        )

    return apply


def names(found: Fingerprint) -> list[str]:
    return [text.partition(":")[2] for text in found.frames]


ALL = ["log_fatal", "check", "inner", "handle_put_v3", "serve", "service"]


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("function = ^log_\nignore = yes", ALL[1:]),
        (r"object = libour\.so" "\nignore = yes", [ALL[0], *ALL[3:]]),
        ("source = inner\nignore = yes", [*ALL[:2], *ALL[3:]]),
        ("function = check\nsource = inner\nignore = yes", ALL),
        ("function = check\nskip.object = yes", [ALL[0], *ALL[3:]]),
        ("function = serve\nterminate = yes", ALL[:5]),
        ("function = serve\nterminate = yes\nignore = yes", ALL[:4]),
        (
            "function = ^handle_(\\w+)_v[0-9]\nrename = handle_\\1",
            [*ALL[:3], "handle_put", *ALL[4:]],
        ),
        ("object = libour\nrename = ours", [ALL[0], "ours", *ALL[3:]]),
    ],
)
def test_actions(applied: Apply, rule: str, left: list[str]) -> None:
    assert names(applied(f"[rule one]\n{rule}")) == left


def test_the_rule_that_acted_is_told(applied: Apply) -> None:
    found = applied("[rule quiet]\nfunction = ^log_\nignore = yes", "name = house")

    assert (found.lines[0].fate, found.lines[0].rule) == (Fate.DROPPED, "house: quiet")


def test_a_frame_that_is_kept_is_dropped_by_nothing(tmp_path: Path) -> None:
    file = tmp_path / "own.conf"
    file.write_text("[rule poll]\nfunction = ^poll$\nkeep = yes\n")
    frames = stack("libc.so.6!poll", "main")

    assert fingerprint_of(frames).frames == ("app:main",)
    found = fingerprint_of(frames, rulesets=load_rulesets([file]))
    assert found.frames == ("libc.so:poll",)


@pytest.mark.parametrize(
    ("heading", "acts"),
    [
        ("", True),
        ("systems = Linux, FreeBSD", True),
        ("systems = FreeBSD", False),
        ("languages = C", True),
        ("languages = C++, Rust", False),
        ("enabled = no", False),
    ],
)
def test_a_ruleset_holds_where_it_says(
    applied: Apply, heading: str, acts: bool
) -> None:
    rule = "[rule one]\nfunction = ^handle_\nignore = yes"

    assert ("handle_put_v3" not in names(applied(rule, heading))) is acts


def test_in_order_only_the_first_rule_that_fits_acts(applied: Apply) -> None:
    rules = (
        "[rule one]\nfunction = serve\nrename = first\n"
        "[rule two]\nfunction = serve|first\nset.seen = two\n"
    )

    assert applied(rules).attributes == {}
    both = applied(rules, "ordered = no")
    assert both.attributes == {"seen": "two"}
    assert "first" in names(both)


def test_an_attribute_becomes_a_part_of_the_fingerprint(applied: Apply) -> None:
    rule = "[rule one]\nfunction = serve\nsign = tenant"

    one = applied(rule, tenant="a")
    other = applied(rule, tenant="b")
    assert one.signed == ("tenant=a",)
    assert one.digest != other.digest
    assert one.frames == other.frames
    assert applied("[rule one]\nfunction = nobody\nsign = tenant").signed == ()
