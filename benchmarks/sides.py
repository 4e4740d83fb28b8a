"""The two commits that are compared: a worktree and an environment of each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import attrs

__all__ = ["CannotCompareError", "Side", "make_side", "remove_worktree", "resolve"]

REPOSITORY = Path(__file__).parents[1]
EXTRAS = "client,server,viewer"
CONSTRAINTS = REPOSITORY / "packaging" / "requirements-server.txt"
"""Both sides get these versions of others' libraries: what differs is ours."""


class CannotCompareError(Exception):
    """A side that cannot be had; the message says why and what to do."""


@attrs.frozen
class Side:
    """One of the commits, installed as users have it."""

    name: str
    """``base`` or ``head``."""
    commit: str
    """40 hex digits."""
    subject: str
    python: Path
    """The interpreter of its environment."""

    @property
    def command(self) -> Path:
        """The script ``coresnap``."""
        return self.python.with_name("coresnap")

    @property
    def catch(self) -> Path:
        """The handler that it installed."""
        found = self.python.parent.parent.glob("lib/python3*/site-packages")
        return next(found) / "coresnap" / "libexec" / "coresnap-catch"


def resolve(revision: str) -> tuple[str, str]:
    """Return a revision's commit and its subject; raise CannotCompareError."""
    words = ["git", "-C", str(REPOSITORY), "log", "-1", "--format=%H%n%h %s"]
    done = subprocess.run(
        [*words, revision, "--"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotCompareError(
            f"{revision} is no commit here: {done.stderr.strip()}\n"
            "  Name one as git does: HEAD~20, a tag, the beginning of its number."
        )
    commit, subject = done.stdout.splitlines()
    return commit, subject


def make_side(name: str, revision: str, directory: Path) -> Side:
    """Check a revision out below ``directory`` and install it, unless that is done."""
    commit, subject = resolve(revision)
    environment = directory / f"{commit[:12]}.environment"
    side = Side(name, commit, subject, environment / "bin" / "python")
    done = environment / "installed"
    if done.exists():
        return side
    source = directory / f"{commit[:12]}.source"
    if not source.exists():
        _run("git", "-C", REPOSITORY, "worktree", "add", "--detach", source, commit)
    print(f"compare: installing {name}, {subject}", file=sys.stderr)
    _run(sys.executable, "-m", "uv", "venv", "--clear", "--python", "3.11", environment)
    install = [sys.executable, "-m", "uv", "pip", "install", "--compile-bytecode"]
    without_hashes = directory / "constraints.txt"
    lines = CONSTRAINTS.read_text().splitlines()
    pinned = [line.rstrip(" \\") for line in lines if line[:1].isalpha()]
    without_hashes.write_text("\n".join(pinned) + "\n")
    _run(
        *install,
        *("--python", side.python, "--constraint", without_hashes),
        f"coresnap[{EXTRAS}] @ {source.as_uri()}",
    )
    done.touch()
    return side


def remove_worktree(directory: Path) -> None:
    """Let git forget the worktrees below ``directory``."""
    for source in directory.glob("*.source"):
        _run("git", "-C", REPOSITORY, "worktree", "remove", "--force", source)


def _run(*words: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotCompareError(
            f"{' '.join(map(str, words[:6]))} … failed:\n{done.stderr.strip()}"
        )
