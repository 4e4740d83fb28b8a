"""``coresnap doctor``: why is there no core?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable, without_surrogates
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.backends.base import Finding
    from coresnap.config import Config

NAME = "doctor"
HELP = "why is there no core?"
DESCRIPTION = """\
Checks everything that decides whether a crash leaves something behind: who gets the
kernel's cores (Linux: core_pattern, the handler and its owner, how many crashes are
handed over at once; FreeBSD: kern.corefile, the drop directory, devd, jails), set-id
programs, limits of this shell or of one process, the spool's rights, free blocks and
inodes, the daemon, the journal, what this kernel can do, and whether the confinement of
the workers that read cores holds when it is tried. If there is a
coroner.cf: whether the store answers and takes the tokens, whether both have the same
time, how many snapshots wait and for how long, which were refused or set aside and why.

Each line is ok, warn or fail, with what to do. The exit code is 1 if something fails.
"""

_MARKS = {"ok": "  ok", "warn": "warn", "fail": "FAIL"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``doctor``."""
    parser.add_argument(
        "--pid",
        metavar="PID",
        type=int,
        help="check the limits of this process instead of this shell's",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Check, print, and return 1 if something fails."""
    from coresnap.config import load_config

    findings = findings_of(load_config(arguments.config), arguments.pid)
    healthy = not any(finding.level == "fail" for finding in findings)
    emit(_as_json(findings, healthy) if arguments.json else _as_text(findings))
    return 0 if healthy else 1


def findings_of(config: Config, pid: int | None = None) -> tuple[Finding, ...]:
    """Return all that can be found out; ``pid`` is a process whose limits count."""
    from coresnap.backends import select
    from coresnap.daemon.confinement_trial import check_confinement
    from coresnap.daemon.diagnosis import diagnose
    from coresnap.daemon.sending_diagnosis import diagnose_sending

    backend = select(config)
    return (
        *backend.diagnose(pid),
        *diagnose(config),
        check_confinement(config, backend),
        *diagnose_sending(config),
    )


def _as_text(findings: Sequence[Finding]) -> str:
    width = max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        mark = _MARKS[finding.level]
        lines.append(f"{mark}  {finding.check:<{width}}  {printable(finding.message)}")
        if finding.remedy:
            lines.append(f"{'':{width + 8}}→ {printable(finding.remedy)}")
    return "\n".join(lines) + "\n"


def _as_json(findings: Sequence[Finding], healthy: bool) -> str:
    import attrs

    listed = [attrs.asdict(finding) for finding in findings]
    body = {"healthy": healthy, "findings": listed}
    return json.dumps(without_surrogates(body)) + "\n"
