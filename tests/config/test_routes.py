"""Routes: which project a crash belongs to."""

from __future__ import annotations

import pytest

from coresnap.config.interpret import interpret
from coresnap.config.routes import parse_route, project_of

NGINX = {"e": "nginx", "E": "/usr/sbin/nginx", "u": "33", "h": "web1", "s": "11"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("everything", True),
        ("web %e /nginx$", True),
        ("web %e /nginx$/", True),
        ("web %e /^ginx/", False),
        ("web %e /ginx/", True),
        ("web %E /^/usr/sbin/ %u /^33$/", True),
        ("web %E /^/usr/sbin/ %u /^0$/", False),
        ("web %h /^web\\d+$/ %s /^(6|11)$/", True),
        ("web %e /[/]/", False),
        ("web %E //nginx//", False),
        ("web %e /", True),
    ],
)
def test_every_condition_of_a_route_must_hold(text: str, wanted: bool) -> None:
    assert parse_route(1, text).fits(NGINX) is wanted


def test_a_value_that_is_not_known_is_empty() -> None:
    assert not parse_route(1, "web %u /33/").fits({})
    assert parse_route(1, "web %u /^$/").fits({})


def test_the_lowest_number_that_fits_counts_wherever_it_stands() -> None:
    reading = interpret(
        "[archive]\n"
        "format.10 = rest\n"
        "format.2 = second %e /nginx/\n"
        "format.1 = first %e /apache/\n"
    )

    assert reading.errors == ()
    assert [route.number for route in reading.config.routes] == [1, 2, 10]
    assert project_of(reading.config.routes, NGINX) == "second"
    assert project_of(reading.config.routes, {"e": "vim"}) == "rest"
    assert project_of((), NGINX) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is not a project"),
        ("a/b", "is not a project"),
        ("a %e", "by turns"),
        ("a %e /x/ %u", "by turns"),
        ("a %p /x/", "none of %e"),
        ("a e /x/", "none of %e"),
        ("a %e x", "/regular expression/"),
        ("a %e /(/", "no expression"),
        ("a %e /a{99999999999}/", "no expression"),
    ],
)
def test_a_route_that_makes_no_sense_is_refused_with_its_line(
    value: str, reason: str
) -> None:
    (error,) = interpret(f"[archive]\n\nformat.3 = {value}\n").errors

    assert error.line == 3
    assert error.message.startswith("[archive] format.3: ")
    assert reason in error.message


def test_a_number_may_be_given_once() -> None:
    (error,) = interpret("[archive]\nformat.1 = a\nformat.01 = b\n").errors

    assert "second time, after line 2" in error.message


@pytest.mark.parametrize("key", ["format", "format.", "format.N", "format.x"])
def test_a_route_has_a_number(key: str) -> None:
    (error,) = interpret(f"[archive]\n{key} = a\n").errors

    assert "no such setting" in error.message
