"""The frames of a thread as lines."""

from __future__ import annotations

from coresnap.views.fault.stack import FrameView, ThreadView
from coresnap.views.viewer.annotations import annotation_lines_of
from coresnap.views.viewer.line import Line, line

__all__ = ["frame_lines"]


def frame_lines(thread: ThreadView) -> tuple[list[Line], list[FrameView | None]]:
    """Return the lines, and the frame of each; None for a remark."""
    lines: list[Line] = []
    frames: list[FrameView | None] = []
    for remark in annotation_lines_of(thread.thread.annotations):
        lines.append(remark)
        frames.append(None)
    for view in thread.frames:
        if view.frame.left_out:
            text = f"    … {view.frame.left_out:,} frames left out …"
            lines.append(line((text, "doubt"), is_item=False))
            frames.append(None)
        lines.append(_line(view))
        frames.append(view)
    if thread.end:
        lines.append(line((f"    ({thread.end})", "doubt"), is_item=False))
        frames.append(None)
    return lines, frames


def _line(view: FrameView) -> Line:
    name, space, rest = view.signature.partition(" (")
    mark = ("! ", "warning") if view.frame.annotations else ""
    return line(
        f"#{view.number:<3} ",
        mark,
        (name, "function"),
        space + rest,
        " at ",
        (view.place, "place"),
        ("".join(f" {doubt}" for doubt in view.doubts), "doubt"),
        target=view.position,
    )
