"""What Atlassian's document format allows, as far as tickets of groups use it.

From its published schema: a document has version 1 and a list of blocks; a code block
holds unmarked texts, a paragraph holds texts; a text has at least one character, and
the mark ``link`` needs an href. Nodes have no other members.
"""

from __future__ import annotations

from typing import Any

__all__ = ["check_document", "text_of"]


def check_document(document: object) -> None:
    """Raise AssertionError for what Jira would refuse."""
    assert isinstance(document, dict), "Operation value must be an Atlassian Document"
    assert document.keys() == {"type", "version", "content"}
    assert (document["type"], document["version"]) == ("doc", 1)
    for block in document["content"]:
        assert block.keys() == {"type", "content"}
        assert block["type"] in ("paragraph", "codeBlock")
        for node in block["content"]:
            _check_text(node, is_code=block["type"] == "codeBlock")


def _check_text(node: dict[str, Any], *, is_code: bool) -> None:
    assert node["type"] == "text"
    assert node.keys() <= {"type", "text", "marks"}
    assert isinstance(node["text"], str)
    assert node["text"]
    assert not (is_code and "marks" in node)
    for mark in node.get("marks", ()):
        assert mark == {"type": "link", "attrs": {"href": mark["attrs"]["href"]}}


def text_of(document: dict[str, Any]) -> str:
    """Return the text of a document, a line for each block."""
    return "\n".join(
        "".join(node["text"] for node in block["content"])
        for block in document["content"]
    )
