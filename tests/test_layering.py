"""The arrows between the parts of the house (docs/adr/0001-layout-and-arrows.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "coresnap"

EVERYONE = {"crash", "model", "errors", "config"}
ARROWS = {
    "backends": set(),
    "collect": {"backends", "_native"},
    "elfcore": {"_native"},
    "integrations": {"snapshot"},
    "snapshot": set(),
    "analysis": {"elfcore", "snapshot", "_capstone", "_native", "_libdw"},
    "store": {"snapshot"},
    "daemon": {"backends", "collect", "analysis", "store"},
    "views": {"snapshot", "store", "collect"},
}
_FILES = "what analysis would find is shown, fetched and stored without a snapshot"
_OS = "the command is the backend's or the daemon's work, started by hand"
EXCEPTIONS = {
    # `coresnap` itself is the library's two calls; analyze is one of them.
    ("views/cli/analyze.py", ""): "the command is the library call, with options",
    ("views/cli/plugin.py", "analysis"): "what runs in every analysis is listed",
    ("views/cli/plugin.py", "plugin"): "the command is the library call",
    ("views/cli/pretty.py", "pretty"): "the command is the library call",
    ("analysis/session.py", "collect"): "what the archive compressed it restores",
    ("daemon/job.py", "snapshot"): "the worker writes what the call returned",
    ("daemon/scrubbing_program.py", "snapshot"): "what leaves is scrubbed first",
    ("daemon/courier.py", "snapshot"): "what leaves is scrubbed, or its summary alone",
    ("views/cli/catch_test.py", "backends"): _OS,
    ("views/cli/catch_test.py", "daemon"): _OS,
    ("views/cli/config_reload.py", "backends"): _OS,
    ("views/cli/coroner/refingerprinting.py", "analysis"): "rules make it",
    ("views/cli/coroner/serve.py", "daemon"): "its log and its service manager",
    ("views/web/openid/provider.py", "integrations"): "the one way out",
    ("views/cli/coroner/ways.py", "integrations"): "the store is given its channels",
    ("views/cli/crashinfo.py", "analysis"): "what a dump says is kept, not the dump",
    ("views/cli/crashinfo.py", "backends"): _OS,
    ("views/cli/daemon.py", "daemon"): _OS,
    ("views/cli/doctor.py", "backends"): _OS,
    ("views/cli/doctor.py", "daemon"): _OS,
    ("views/cli/import_.py", "backends"): _OS,
    ("views/cli/explain.py", "analysis"): "what rules did is asked of the rules",
    ("views/cli/install.py", "backends"): _OS,
    ("views/cli/resymbolize.py", "analysis"): "what is read again is analysed",
    ("views/cli/metrics.py", "backends"): _OS,
    ("views/cli/metrics.py", "daemon"): "what the daemon's process serves is printed",
    ("views/cli/retry.py", "backends"): _OS,
    ("views/cli/retry.py", "daemon"): _OS,
    ("views/cli/status.py", "backends"): _OS,
    ("views/cli/symbol_options.py", "analysis"): _FILES,
    ("views/cli/symbols.py", "analysis"): _FILES,
    ("views/cli/uninstall.py", "backends"): _OS,
    ("views/support/ours.py", "backends"): _OS,
    ("views/viewer/disassembly.py", "analysis"): "code that is kept is decoded there",
    ("views/viewer/disassembly.py", "elfcore"): "for the machine that it is of",
}
"""(file, part it imports) to the reason why the arrow may be crossed there."""


def imports(path: Path) -> Iterator[str]:
    """Yield the parts of coresnap that ``path`` imports; "" is coresnap itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import hides the arrow"
            names = [str(node.module)]
            if node.module == "coresnap":
                names = [f"coresnap.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == "coresnap":
                yield rest.partition(".")[0]


@pytest.mark.parametrize("part", sorted(ARROWS))
def test_a_part_imports_only_what_its_arrows_allow(part: str) -> None:
    allowed = ARROWS[part] | EVERYONE | {part}
    crossed = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in (PACKAGE / part).rglob("*.py")
        for name in imports(path)
        if name not in allowed
    }
    assert crossed - EXCEPTIONS.keys() == set()


def test_the_nouns_and_errors_stand_below_everything() -> None:
    for name in EVERYONE:
        for path in (*PACKAGE.glob(f"{name}.py"), *PACKAGE.glob(f"{name}/*.py")):
            # A package imports its own modules.
            own = {name} if path.parent != PACKAGE else set()
            assert set(imports(path)) <= EVERYONE - {name} | own


def test_every_part_has_its_arrows() -> None:
    parts = {path.name for path in PACKAGE.iterdir() if any(path.glob("**/*.py"))}
    assert parts - EVERYONE == set(ARROWS)


def test_every_exception_is_needed() -> None:
    for file, name in EXCEPTIONS:
        assert name in set(imports(PACKAGE / file)), f"{file} no longer needs it"


def test_the_daemon_reaches_analysis_through_a_job_and_its_helpers_alone() -> None:
    reaching = {
        path.name
        for path in (PACKAGE / "daemon").glob("*.py")
        if "analysis" in set(imports(path))
    }
    assert reaching == {"debug_keeper.py", "fetch_broker.py", "job.py"}


def test_only_backends_ask_which_system_this_is() -> None:
    asking = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("sys.platform", "os.name", "platform.system")
    }
    assert asking <= {"backends"}
