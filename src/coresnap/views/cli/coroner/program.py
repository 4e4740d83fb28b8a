"""The ``coroner`` program and its commands."""

from __future__ import annotations

from coresnap.views.cli.coroner.default_words import default_words
from coresnap.views.cli.program import Program

__all__ = ["CORONER"]

_COMMANDS = {
    "list": "list",
    "put": "put",
    "get": "get",
    "view": "view",
    "report": "report",
    "group": "group",
    "set": "set",
    "merge": "merge",
    "unmerge": "unmerge",
    "similar": "similar",
    "explain": "explain",
    "reprocess": "reprocess",
    "describe": "describe",
    "attribute": "attribute",
    "summary": "summary",
    "export": "export",
    "attachment": "attachment",
    "delete": "delete",
    "retention": "retention",
    "sampling": "sampling",
    "integrations": "integrations",
    "symbols": "symbols",
    "login": "login",
    "status": "status",
    "config": "config",
    "token": "token",
    "project": "project",
    "user": "user",
    "daemon": "daemon",
    "serve": "serve",
    "reindex": "reindex",
}

_GUIDE = """\
coroner keeps the faults of a fleet, groups them, and answers questions about them.

  coroner serve --data DIR --project blackhole    run the store
  cp DIR/coroner.cf ~/.coroner.cf                 its address, and a token
  coroner put blackhole admin FILE                send it a snapshot
  coroner list blackhole --age 1d -R              what crashed since yesterday?
  coroner get blackhole ID                        read one fault
  coroner set blackhole GROUP state=resolved      it is repaired

`coroner -h` lists all commands, `coroner COMMAND -h` explains one.
"""

_EPILOG = """\
examples:
  coroner list blackhole --filter=application=simple -R -H1 -i1
  coroner list blackhole --filter 'callstack~parse_.*' --factor hostname
  coroner describe blackhole vm.
  coroner get blackhole 431991db -o fault.csnap

The object store and its tokens are named in coroner.cf (`docs/configuration.md`).
`coroner COMMAND -h` explains a command. Exit codes follow sysexits.h; 0 is success.
"""

CORONER = Program(
    name="coroner",
    purpose="Keeps the faults of a fleet, groups them, and answers questions.",
    package="coresnap.views.cli.coroner",
    commands=_COMMANDS,
    guide=_GUIDE,
    epilog=_EPILOG,
    settings="coroner.cf",
    config_options=("-c", "--config"),
    default_words=default_words,
)
