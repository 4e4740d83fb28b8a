"""A build of coresnap-catch that fails, or dies, at a chosen call (native/faults.c)."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

import catcher as catching

SOURCE = Path(__file__).parent / "native" / "faults.c"
WRAPPED = sorted(
    set(
        re.findall(
            r"^(?:WRAP\w*\(|\w+ __wrap_)([a-z_]+)[,(]",
            SOURCE.read_text(),
            re.MULTILINE,
        )
    )
)
"""The functions of libc between which a fault can happen."""


@attrs.frozen
class Faults:
    """A helper, and the plan it reads when it starts."""

    program: Path

    @property
    def _plan(self) -> Path:
        return self.program.with_name("plan")

    @property
    def _trace(self) -> Path:
        return self.program.with_name("plan.trace")

    def plan(self, action: str, name: str, number: int, error: int = 0) -> None:
        """Let the next runs meet ``action`` at the ``number``th call of ``name``.

        The first is 1; the name ``any`` stands for all.
        """
        self._plan.write_text(f"{action} {name} {number} {error}\n")
        self._trace.unlink(missing_ok=True)

    def none(self) -> None:
        """Let the next runs meet no fault."""
        self.plan("none", "any", 0)

    def trace(self) -> list[str]:
        """Names of the calls since the plan was made."""
        return self._trace.read_text().split()


def build(directory: Path, *flags: str) -> Faults:
    """Compile the helper with its faults into ``directory``."""
    wraps = (f"-Wl,--wrap={name}" for name in WRAPPED)
    plan = f'-DFAULTS_PLAN="{directory / "plan"}"'
    # Fortified calls have other names, which are not wrapped.
    flags = ("-O1", "-g", "-U_FORTIFY_SOURCE", *flags)
    program = catching.build(directory / "catch", *flags, plan, *wraps, str(SOURCE))
    return Faults(program)
