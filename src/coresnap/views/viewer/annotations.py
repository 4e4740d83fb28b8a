"""Annotations as lines beside what they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from coresnap.model import Annotation
from coresnap.snapshot.annotation_lines import annotation_lines
from coresnap.snapshot.ink import Ink
from coresnap.views.viewer.line import Line, inked

__all__ = ["annotation_lines_of"]


def annotation_lines_of(
    annotations: Sequence[Annotation] | Iterable[Annotation], indent: str = "     "
) -> list[Line]:
    """Return the lines of annotations that have one owner."""
    made = inked(annotation_lines(annotations, Ink(colour=True), indent))
    return [msgspec.structs.replace(one, is_item=False) for one in made]
