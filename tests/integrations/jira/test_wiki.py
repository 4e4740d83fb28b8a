"""Wiki markup, in which a crashed program must not be able to say anything."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from coresnap.integrations.jira.document import Link, code, paragraph
from coresnap.integrations.jira.wiki import to_wiki


def test_text_stays_readable() -> None:
    text = "server: parse_header ← read_request (glibc 2.36), 8 bytes at 0x10 in web-1."
    assert to_wiki((paragraph(text),)) == text


def test_links_are_ours_only() -> None:
    link = Link("0a1b]|x", "https://crashes.example.org/g")
    text = to_wiki((paragraph("At https://evil.example ", link),))
    assert text == (
        "At https&#58;//evil.example [0a1b&#93;&#124;x|https://crashes.example.org/g]"
    )


def test_the_fence_of_code_cannot_be_closed_from_inside() -> None:
    text = to_wiki((code(["{noformat}", "{NoFormat:x}", "{ noformat}", "a*b"]),))
    assert len(re.findall(r"\{\s*noformat", text, re.IGNORECASE)) >= 2
    inside = text.removeprefix("{noformat}\n").removesuffix("\n{noformat}")
    assert not re.search(r"\{noformat", inside, re.IGNORECASE)
    assert inside.endswith("a*b")


def test_what_is_empty_is_nothing() -> None:
    assert to_wiki((paragraph(""), code([]))) == ""


@given(
    st.text(alphabet="{}[]*_-+^~!?|#&<>@:()\\/hb1.qxyni a\n\x1b\u202e;", max_size=40)
)
def test_nothing_of_a_text_is_markup(text: str) -> None:
    written = to_wiki((paragraph(text),))
    bare = re.sub(r"&#\d+;", "", written)
    # Macros, links and mentions, emphasis, pictures, tables, headings, icons, escapes.
    assert not set(bare) & set("{}[]*^~!?|&@\\\n\x1b")
    assert not re.match(r"\s*(?:[hb](?:[1-6]|q)\.|[#-] )", bare, re.IGNORECASE)
    assert not re.search(r"(?:\((?:x|y|n|i|/)\)|:[^ ])", written.replace("&#58;", ""))
    # And it is still what it was.
    assert html.unescape(written) == "".join(paragraph(text).parts)  # type: ignore[arg-type]
