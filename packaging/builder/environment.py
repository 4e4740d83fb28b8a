"""The locked environment below /usr/lib/coresnap: interpreter, modules, commands."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from builder.command import run
from builder.places import COMMANDS, HANDLER, PACKAGING, PREFIX, SITE_PACKAGES
from builder.wheel import version_of

__all__ = [
    "add_requirements",
    "compile_modules",
    "link_interpreter",
    "make_environment",
]

_INTERPRETER = "/usr/bin/python3.11"
_SETTINGS = """\
home = /usr/bin
include-system-site-packages = false
"""
_COMMAND = """\
#!/{prefix}/bin/python -I
import sys

from {module} import {function}

sys.exit({function}())
"""
# What pip would look at when it changes the environment, which only the system's
# package manager may; direct_url.json names directories of the build.
_OF_INSTALLERS = (
    "INSTALLER",
    "RECORD",
    "REQUESTED",
    "direct_url.json",
    "uv_cache.json",
)


def make_environment(root: Path, wheel: Path) -> None:
    """Make the environment of package coresnap below ``root``."""
    programs = root / PREFIX / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(_INTERPRETER)
    (root / PREFIX / "pyvenv.cfg").write_text(_SETTINGS)
    (root / SITE_PACKAGES).mkdir(parents=True)
    add_requirements(root, "requirements.txt")
    words = ("--no-index", "--find-links", str(wheel.parent))
    _install(root, *words, f"coresnap=={version_of(wheel)}")
    _place_handler(root)
    _write_commands(root)


def link_interpreter(root: Path) -> None:
    """Let the interpreter be found in the root of a system that ``root`` becomes."""
    link = root / PREFIX / "bin" / "python"
    link.unlink()
    link.symlink_to(os.path.relpath(_INTERPRETER, Path("/", PREFIX, "bin")))


def add_requirements(root: Path, lock: str) -> None:
    """Install what is locked in a file of packaging/, checked by its hashes."""
    words = ("--require-hashes", "--only-binary", ":all:")
    _install(root, *words, "-r", str(PACKAGING / lock))


def compile_modules(root: Path) -> None:
    """Compile every module, so that nobody who is root writes bytecode later.

    The bytecode is used without a look at its source: the package manager replaces
    both, and what a look would compare, the time, is one for all files of a package.
    """
    words = [_INTERPRETER, "-m", "compileall", "-q", "-f", "-j1"]
    words += ["--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/"]
    # The order of sets of constants depends on hashes of strings.
    run([*words, root / SITE_PACKAGES], env={"PYTHONHASHSEED": "0"})


def _install(root: Path, *words: str) -> None:
    python = str(root / PREFIX / "bin" / "python")
    options = ("--no-deps", "--no-config", "--link-mode", "copy", "--quiet")
    run(["uv", "pip", "install", "--python", python, *options, *words])
    for path in list(_not_ours(root)):
        path.unlink()


def _not_ours(root: Path) -> Iterator[Path]:
    """What installers leave: their notes, and commands of libraries."""
    for name in _OF_INSTALLERS:
        yield from (root / SITE_PACKAGES).glob(f"*.dist-info/{name}")
    for path in (root / PREFIX / "bin").iterdir():
        if path.name != "python":
            yield path
    lock = root / PREFIX / ".lock"
    if lock.exists():
        yield lock


def _place_handler(root: Path) -> None:
    """Move the handler to where the kernel starts it, and leave a link to it."""
    built = root / SITE_PACKAGES / "coresnap" / "libexec" / "coresnap-catch"
    target = root / HANDLER
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(built, target)
    built.symlink_to(os.path.relpath(target, built.parent))


def _write_commands(root: Path) -> None:
    for name, (module, function) in COMMANDS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            _COMMAND.format(prefix=PREFIX, module=module, function=function)
        )
        path.chmod(0o755)
