"""Which value holds, and where it comes from."""

from __future__ import annotations

from coresnap.config.interpret import interpret
from coresnap.config.origin import Effective, effective_settings
from coresnap.config.settings import SETTINGS

TEXT = """\
[daemon]
purge.age = 7d
purge.sending.age = 1d

[archive]
keep = stacks
format.2 = other
format.1 = web %e /nginx/

[application /usr/*]
keep = notes
purge.age = 2d
project = system
"""


def by_name(text: str, executable: str | None = None) -> dict[str, Effective]:
    reading = interpret(text)
    assert reading.errors == ()
    return {one.name: one for one in effective_settings(reading, executable)}


def test_without_a_file_everything_is_a_default() -> None:
    found = by_name("")

    assert list(found) == [s.name for s in SETTINGS if not s.is_numbered]
    assert all(one.line is None for one in found.values())
    assert {one.value for one in found.values()} == {
        s.default for s in SETTINGS if not s.is_numbered
    }


def test_a_value_of_the_file_has_its_line() -> None:
    found = by_name(TEXT)

    assert (found["keep"].value, found["keep"].line) == ("stacks", 6)
    assert (found["fetch"].value, found["fetch"].line) == ("auto", None)


def test_a_value_that_another_setting_gives_says_so() -> None:
    found = by_name(TEXT)

    pending = found["purge.pending.age"]
    assert (pending.value, pending.line, pending.by) == ("7d", 2, "purge.age")
    sending = found["purge.sending.age"]
    assert (sending.value, sending.line, sending.by) == ("1d", 3, "")


def test_routes_stand_by_number() -> None:
    routes = [one for name, one in by_name(TEXT).items() if name.startswith("format")]

    assert [(one.name, one.line) for one in routes] == [
        ("format.1", 8),
        ("format.2", 7),
    ]


def test_an_application_s_section_goes_before() -> None:
    found = by_name(TEXT, "/usr/bin/vim")

    assert (found["keep"].value, found["keep"].line) == ("notes", 11)
    assert found["keep"].application == "/usr/*"
    sending = found["purge.sending.age"]
    assert (sending.value, sending.line, sending.by) == ("2d", 12, "purge.age")
    assert found["project"].value == "system"
    assert found["fetch"].line is None


def test_an_application_without_a_section_has_what_all_have() -> None:
    found = by_name(TEXT, "/opt/x")

    assert found.pop("project") == Effective("application", "project", "", None)
    assert found == by_name(TEXT)


def test_what_is_shown_is_what_the_configuration_holds() -> None:
    reading = interpret(TEXT)
    shown = by_name(TEXT, "/usr/bin/vim")
    lines = [
        f"[{one.section}]\n{one.name} = {one.value}\n"
        for one in shown.values()
        if one.section != "application" and one.name != "purge.age"
    ]

    # Each section once: the parts of one are joined.
    text = ""
    for section in ("archive", "daemon", "analysis"):
        head = f"[{section}]\n"
        text += head + "".join(
            x.removeprefix(head) for x in lines if x.startswith(head)
        )
    again = interpret(text)
    assert again.errors == ()
    policy = reading.config.policy_for("/usr/bin/vim")
    assert again.config.policy_of({"project": "system"}) == policy
