"""The pages of the documentation, their blocks, and the commands in these."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs

__all__ = [
    "DECISIONS",
    "DOCS",
    "PAGES",
    "REPOSITORY",
    "RULES",
    "TODAY",
    "Block",
    "Rule",
    "all_blocks",
    "blocks",
    "commands",
    "rules",
    "steps",
    "without_remark",
]

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted(
    [
        *DOCS.rglob("*.md"),
        *(REPOSITORY / f"{n}.md" for n in ("README", "CONTRIBUTING", "CHANGELOG")),
        REPOSITORY / "benchmarks" / "README.md",
    ]
)
DECISIONS = DOCS / "adr"
"""They tell what was so then, and are not rewritten."""
TODAY = [page for page in PAGES if page.parent != DECISIONS]
RULES = Path(__file__).with_name("commands.toml")


@attrs.frozen
class Block:
    """A block of code: what stands behind its fence, if it has one, and its lines."""

    label: str
    lines: list[str]

    @property
    def title(self) -> str | None:
        """The file whose content it is, where the fence says so."""
        found = re.search('title="([^"]+)"', self.label)
        return found and found[1]


@attrs.frozen
class Rule:
    """What is said of a command that is not simply run and ends with 0."""

    kind: str
    """``not_run``, ``fails`` or ``serves``."""
    command: re.Pattern[str]
    reason: str
    exit: int = 0
    until: str = ""
    pages: str = ".*"


def all_blocks(page: Path) -> Iterator[Block]:
    """Yield each block of code, fenced or indented, its lines as they are typed."""
    label: str | None = None
    indent = 0
    lines: list[str] = []
    for line in [*page.read_text().splitlines(), ""]:
        fence = line.lstrip().startswith("```")
        if fence and label is None:
            if lines:
                yield Block("", _joined(lines))
            label, indent, lines = line.strip("` "), len(line) - len(line.lstrip()), []
        elif label is not None and not fence:
            lines.append(line[indent:])
        elif label is None and line.startswith("    "):
            lines.append(line[4:])
        else:
            if lines:
                yield Block(label or "", _joined(lines))
            label, lines = None, []


def _joined(lines: list[str]) -> list[str]:
    return re.sub(r" *\\\n *", " ", "\n".join(lines)).split("\n")


def blocks(page: Path) -> Iterator[list[str]]:
    """Yield the lines of each block."""
    for block in all_blocks(page):
        yield block.lines


def without_remark(line: str) -> str:
    """Return what is typed of a line, without what explains it."""
    typed = line.strip().removeprefix("$ ")
    return re.split(r"\s{3,}|\s+[#─]", typed)[0].strip()


_PROGRAMS = """
apt apt-get aws cc coresnap coresnapd coroner cp createdb curl dnf docker dpkg echo env
gdb install journalctl kubectl mkdir openssl pg_dump pg_restore pip pkg podman python
rsync service sqlite3 sudo sysctl systemctl systemd-nspawn sysrc test tox umask useradd
userdel
"""
PROGRAMS = frozenset(_PROGRAMS.split())
"""What the first word of a command is, or begins with."""
_SHELLS = {"console", "sh", "shell", "bash"}


def _is_typed(line: str) -> bool:
    words = line.split()
    if not words or line.startswith((" ", "#")) or "…" in line or "──▶" in line:
        return False
    known = words[0] in PROGRAMS or words[0].startswith(("packaging/", "tests/"))
    return known and not re.match(r"\S+ (=|:)|\S+:$", line)


def _whole(lines: list[str]) -> list[str]:
    """Join lines of which a quotation makes one command."""
    whole: list[str] = []
    for line in lines:
        if whole and whole[-1].count("'") % 2:
            whole[-1] += "\n" + line
        else:
            whole.append(line)
    return whole


def commands(block: Block) -> list[str]:
    """Return the commands that a block lets one type."""
    if block.title or block.label.split(" ")[0] in {"ini", "toml", "yaml", "json", "c"}:
        return []
    prompted = [line for line in block.lines if line.startswith("$ ")]
    if prompted:
        return [without_remark(line) for line in prompted]
    if block.label in _SHELLS:
        typed = [line for line in block.lines if line.strip() and line[0] != "#"]
        return [without_remark(line) for line in _whole(typed)]
    if not block.lines or not any(_is_typed(line) for line in block.lines[:2]):
        return []
    typed = [line for line in _whole(block.lines) if _is_typed(line)]
    return [without_remark(line) for line in typed]


def steps(page: Path) -> Iterator[tuple[str, str]]:
    """Yield what a reader does: ``("type", command)`` or ``(path, text of a file)``."""
    for block in all_blocks(page):
        if block.title:
            yield block.title, "\n".join(block.lines) + "\n"
        else:
            for command in commands(block):
                yield "type", command


def rules() -> list[Rule]:
    """Return what ``commands.toml`` says."""
    return [
        Rule(kind, re.compile(entry.pop("command")), **entry)
        for kind, entries in tomllib.loads(RULES.read_text()).items()
        for entry in entries
    ]
