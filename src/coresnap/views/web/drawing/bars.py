"""A share of a whole as a bar, for one line of a histogram."""

from __future__ import annotations

from markupsafe import Markup

__all__ = ["share_bar"]

_LEAST = 0.5


def share_bar(share: float) -> Markup:
    """Return an SVG that is filled to ``share``, from 0 to 1.

    It says nothing to those who do not see it: the number stands beside it.
    """
    filled = 100 * min(1.0, max(0.0, share))
    if 0 < filled < _LEAST:
        filled = _LEAST  # something, for whatever is not nothing
    return Markup(
        '<svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" '
        'aria-hidden="true"><rect width="{:.4g}" height="1"/></svg>'
    ).format(filled)
