"""A fault as one HTML file that needs no network and runs no script."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from coresnap.views.fault.fault import Fault
from coresnap.views.fault.look import Look, anchor
from coresnap.views.fault.memory import ROW, interesting_addresses
from coresnap.views.fault.position import GLOBALS, Position
from coresnap.views.fault.section import sections_of
from coresnap.views.fault.windows import windows_around
from coresnap.views.web.rendering import make_environment

__all__ = ["render_report"]

_STYLES = Path(__file__).parent.parent / "web" / "static"
_VALUES = 4_000
_DEPTH = 8
_THREADS = 200
_FRAMES = 500
_FRAMES_OF_OTHERS = 100
_WHOLE_FRAMES = 300
_ROWS = 400
_AROUND = 3


class _Anchors:
    """Links within the file."""

    def at(self, position: Position) -> str:
        # The ids of elements are not escaped, the links to them are.
        return "#" + quote(anchor(position), safe="/.~[]*")

    def memory(self, address: int) -> str:
        return f"#m{address // ROW * ROW:#x}"

    def section(self, name: str) -> str:
        return f"#{name}"


def render_report(fault: Fault) -> str:
    """Return the page; its size is bounded whatever the snapshot holds."""
    threads = [group.first for group in fault.groups[:_THREADS]]
    addresses = [address for address, _ in interesting_addresses(fault.snapshot)]
    windows = windows_around(fault.memory, addresses, around=_AROUND, most=_ROWS)
    shown = {row.address for window in windows for row in window.rows}
    look = Look(
        _Anchors(),
        _VALUES,
        _DEPTH,
        is_kept=lambda at: at // ROW * ROW in shown,
        frames=_WHOLE_FRAMES,
        is_anchored=True,
    )
    style = _style()
    return _template().render(
        fault=fault,
        globals_position=Position(GLOBALS),
        look=look,
        most_frames=_FRAMES,
        most_frames_of_others=_FRAMES_OF_OTHERS,
        policy=_policy(style),
        register_threads=[t for t in threads if t.thread.crashed] or threads[:1],
        sections=sections_of(fault),
        shown_threads=threads,
        start=fault.start,
        style=Markup(style),
        version=version("coresnap"),
        windows=windows,
    )


@functools.cache
def _template() -> jinja2.Template:
    # Pieces take 70 ms to be compiled; a server makes many reports.
    return make_environment({}).get_template("pieces/report.html")


def _style() -> str:
    names = ("style.css", "fault.css")
    return "\n".join((_STYLES / name).read_text() for name in names)


def _policy(style: str) -> str:
    """Allow this style alone: what a process chose as its name can do nothing."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'"
