"""Markdown as our pages are written in, turned into man(7)'s macros.

Tables become lists: a terminal has no room for their last column. Links to pages that
are manuals, too, become references as ``coresnap-list(1)``; of others the text stays.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

import attrs
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode as Node

__all__ = ["Manual", "render"]

_PARAGRAPHS = ("paragraph", "code_block", "fence")
_LONG = 40
_DASH = re.compile(r"\s+\\\[u201[34]\]\s+")
_OPTION = re.compile(r"^\s*[–—]\s+")


@attrs.frozen
class Manual:
    """What a page of the manual is called, and how its text refers to others."""

    name: str
    section: str
    date: str
    """Of its last change, as 2026-11-27."""
    version: str
    """Of the program that it describes."""
    references: Callable[[str], str | None]
    """From a link's target to ``name(section)``; None if that is no manual."""


def render(manual: Manual, markdown: str) -> str:
    """Return the page: ``markdown`` begins with a section, not with the title."""
    tree = Node(MarkdownIt("commonmark").enable("table").parse(markdown))
    title = f"{manual.name.upper()} {manual.section} {manual.date}"
    head = f'.TH {title} "coresnap {manual.version}" "Coresnap"'
    # Names and options are not to be parted, and lines not to be stretched.
    lines = [head, ".nh", ".ad l", *_Renderer(manual).blocks(tree.children)]
    return "\n".join(lines) + "\n"


@attrs.define
class _Renderer:
    manual: Manual
    section: str = ""

    def blocks(self, nodes: Sequence[Node]) -> Iterator[str]:
        for before, node in zip([None, *nodes], nodes, strict=False):
            # Headings, and items, end a paragraph by themselves.
            if node.type in _PARAGRAPHS and before and before.type != "heading":
                yield ".PP"
            yield from getattr(self, f"_{node.type}")(node)

    # --- blocks -------------------------------------------------------------------

    def _heading(self, node: Node) -> Iterator[str]:
        self.section = self._text(node)
        yield f"{'.SH' if node.tag == 'h2' else '.SS'} {_quoted(self.section)}"

    def _paragraph(self, node: Node) -> Iterator[str]:
        text = self._text(node)
        if self.section == "NAME":
            name, _, purpose = _DASH.sub("\0", text, 1).partition("\0")
            yield from _filled(f"{name.replace(' ', '-')} \\- {purpose}")
        else:
            yield from _filled(text)

    def _code_block(self, node: Node) -> Iterator[str]:
        yield from (".RS 4", ".nf")
        yield from _lines(_escaped(node.content.rstrip("\n")))
        yield from (".fi", ".RE")

    _fence = _code_block

    def _bullet_list(self, node: Node) -> Iterator[str]:
        for item in node.children:
            yield from self._item(item, "\\(bu")

    def _ordered_list(self, node: Node) -> Iterator[str]:
        start = int(node.attrs.get("start", 1))
        for number, item in enumerate(node.children, start):
            yield from self._item(item, f"{number}.")

    def _item(self, item: Node, mark: str) -> Iterator[str]:
        first, *rest = item.children
        term, found, text = self._term(first)
        if found:
            yield ".TP"
            yield from _filled(term)
            yield from _filled(text)
        else:
            yield f".IP {mark} 4"
            yield from _filled(self._text(first))
        if rest:
            yield ".RS"
            yield from self.blocks(rest)
            yield ".RE"

    def _term(self, node: Node) -> tuple[str, bool, str]:
        """Part an item ``code — text``, as options are written, at its dash."""
        inline = node.children[0].children if node.children else []
        for index, part in enumerate(inline):
            if part.type == "text" and (dash := _OPTION.match(part.content)):
                term = self._inline(inline[:index])
                head = _escaped(part.content[dash.end() :])
                return term, True, head + self._inline(inline[index + 1 :])
            if part.type == "text" and part.content.strip() not in (",", "", "/"):
                break
        return "", False, ""

    def _table(self, node: Node) -> Iterator[str]:
        head, body = node.children
        titles = [self._text(cell) for cell in head.children[0].children]
        for row in body.children:
            term, *cells = [self._text(cell) for cell in row.children]
            yield ".TP"
            yield from _filled(term or "\\-")
            yield from _filled("; ".join(_named(titles[1:], cells)) or "\\-")

    # --- inline -------------------------------------------------------------------

    def _text(self, node: Node) -> str:
        return "".join(self._inline(n.children) for n in node.children)

    def _inline(self, nodes: Sequence[Node]) -> str:
        return "".join(self._piece(node) for node in nodes)

    def _piece(self, node: Node) -> str:
        match node.type:
            case "text":
                return _escaped(node.content)
            case "softbreak" | "hardbreak":
                return "\n"
            case "code_inline":
                return f"\\fB{_breakable(_escaped(node.content))}\\fP"
            case "strong":
                return f"\\fB{self._inline(node.children)}\\fP"
            case "em":
                return f"\\fI{self._inline(node.children)}\\fP"
            case "link":
                return self._link(node)
        raise ValueError(f"{self.manual.name}: {node.type} has no form in a manual")

    def _link(self, node: Node) -> str:
        text = self._inline(node.children)
        reference = self.manual.references(str(node.attrs["href"]))
        if reference is None:
            return text
        name, _, section = reference.partition("(")
        shown = f"\\fB{_escaped(name)}\\fP({section}"
        plain = re.sub(r"\\f[BPI]|\\", "", text)
        # "list" alone, in tables of commands, is a name there as here.
        if self.section == "SEE ALSO" or plain == name:
            return shown
        return text if name == self.manual.name else f"{text} ({shown})"


def _named(titles: Sequence[str], cells: Sequence[str]) -> Iterator[str]:
    """Say of each cell but the only or last one what it is."""
    for index, (title, cell) in enumerate(zip(titles, cells, strict=True)):
        if cell and (index == len(cells) - 1 or not title):
            yield cell
        elif cell:
            yield f"{title} {cell}"


def _filled(text: str) -> Iterator[str]:
    """Yield lines as an editor would fill them: patches and lint read these."""
    wrap = textwrap.TextWrapper(78, break_long_words=False, break_on_hyphens=False)
    return _lines("\n".join(wrap.wrap(text)))


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        # A line that begins with one of these would be a request.
        yield f"\\&{line}" if line.startswith((".", "'")) else line


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    # In ASCII alone it is read in every locale.
    return "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in text)


def _breakable(code: str) -> str:
    """Let what is too long for a line be parted behind a colon, as lists of paths."""
    return code.replace(":/", ":\\:/") if len(code) > _LONG else code


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def page_of(target: str) -> str:
    """The name, without folder and suffix, of the page that a link leads to."""
    return PurePosixPath(target.partition("#")[0]).stem
