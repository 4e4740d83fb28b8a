"""Exceptions, terminate and panics: the object, and who stands on the stack."""

from __future__ import annotations

import pytest

from coresnap.analysis.classify.rules import allocation, exceptions, panics
from coresnap.analysis.classify.verdict import judge
from coresnap.analysis.messages.message import Message

from ..cases import case, concluded

RULES = (*exceptions.RULES, *panics.RULES, *allocation.RULES)
THROW = ("abort", "std::terminate", "__cxa_throw", "serve", "main")
NOEXCEPT = ("abort", "std::terminate", "__gxx_personality_v0", "__cxa_throw", "quiet")


def thrown(
    state: str, found_by: str = "handler list", bases: str = "St9exception"
) -> Message:
    parts = {"type": "shop::Empty", "what": "no more", "state": state, "bases": bases}
    return Message("exception", "shop::Empty: no more", 0x5000_0100, found_by, 1, parts)


@pytest.mark.parametrize(
    ("functions", "message", "expected"),
    [
        (THROW, thrown("uncaught"), {"exception.uncaught": "certain"}),
        (THROW, thrown("uncaught", "stack"), {"exception.uncaught": "strong"}),
        (THROW, None, {"exception.uncaught": "strong"}),
        (("abort", "main"), thrown("handled"), {"exception.handled": "hint"}),
        (("abort", "main"), thrown("unknown"), {"exception.uncaught": "probable"}),
        (NOEXCEPT, thrown("uncaught"), {"noexcept": "certain"}),
        (NOEXCEPT, None, {"noexcept": "certain"}),
        (("abort", "std::terminate", "main"), None, {"terminate": "certain"}),
        (
            ("abort", "std::terminate", "__cxa_rethrow", "main"),
            None,
            {"terminate": "certain"},
        ),
        (
            ("abort", "std::terminate", "__cxa_pure_virtual", "main"),
            None,
            {"pure-virtual": "certain"},
        ),
        (
            ("abort", "alloc::alloc::handle_alloc_error", "main"),
            None,
            {"oom": "strong"},
        ),
        (("abort", "main"), None, {}),
        (("serve", "main"), None, {}),
    ],
)
def test_each_end_has_its_own_name(
    functions: tuple[str, ...], message: Message | None, expected: dict[str, str]
) -> None:
    messages = () if message is None else (message,)
    crash = case(6, -6, None, functions=functions, messages=messages)
    assert concluded(crash, *RULES) == expected


def test_a_failed_allocation_is_said_besides_its_exception() -> None:
    message = thrown("uncaught", bases="St9bad_alloc St9exception")
    crash = case(6, -6, None, functions=THROW, messages=(message,))
    assert concluded(crash, *RULES) == {
        "exception.uncaught": "certain",
        "oom": "strong",
    }
    handled = thrown("handled", bases="St9bad_alloc St9exception")
    crash = case(6, -6, None, functions=("abort", "main"), messages=(handled,))
    assert "oom" not in concluded(crash, *RULES)


def test_a_message_that_says_so_is_memory_that_ran_out() -> None:
    text = "../glib/gmem.c:136: failed to allocate 1099511627776 bytes"
    message = Message("glib", text, 0x1000, "log fields", 1, {"reason": text})
    found = concluded(case(5, 128, None, messages=(message,)), *RULES)
    assert found == {"oom": "strong"}


def test_the_summary_has_type_text_and_the_function_that_threw() -> None:
    crash = case(6, -6, None, functions=THROW, messages=(thrown("uncaught"),))
    (found,) = judge(crash, RULES).classifiers
    assert (
        found.summary == "threw shop::Empty ('no more') in serve, which nobody caught"
    )
    assert found.frame == 3


def panic(**parts: str) -> Message:
    return Message("panic", parts.get("what", "?"), 0x5000_0200, "stack", 1, parts)


def test_a_panic_names_its_language_and_place() -> None:
    said = panic(language="Rust", what="no", file="a.rs", line="3", frame="1")
    (found,) = judge(case(6, -6, None, messages=(said,)), RULES).classifiers
    assert (found.name, found.confidence) == ("panic", "certain")
    assert found.summary == "panicked (Rust) at a.rs:3: no"
    assert found.frame == 1


def test_a_panic_without_the_names_of_its_functions_is_probable() -> None:
    said = panic(language="Rust", what="no", state="unknown")
    assert concluded(case(6, -6, None, messages=(said,)), *RULES) == {
        "panic": "probable"
    }


def test_a_frame_that_is_not_there_is_not_named() -> None:
    (found,) = judge(
        case(6, -6, None, messages=(panic(language="Go", frame="99"),)), RULES
    ).classifiers
    assert found.frame is None
