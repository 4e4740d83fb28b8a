"""What a rule is: one class that looks at a case and may conclude something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from coresnap.analysis.classify.case import Case
    from coresnap.model import Classifier

__all__ = ["CERTAIN", "CONFIDENCES", "HINT", "PROBABLE", "STRONG", "Rule"]

CERTAIN = "certain"
"""The kernel, the C library or the program itself said so."""
STRONG = "strong"
"""The memory shows it, and nothing else would look the same."""
PROBABLE = "probable"
"""The memory shows it; something else might, too."""
HINT = "hint"
"""Worth a look."""
CONFIDENCES = (CERTAIN, STRONG, PROBABLE, HINT)


class Rule:
    """One way to conclude. Subclasses are listed in a module's ``RULES``.

    The class attributes are what ``docs/classifiers.md`` is made of; the class's name
    is the rule's, and its docstring says in a sentence or two what it looks at.
    """

    names: ClassVar[tuple[str, ...]]
    """Classifiers that it may give."""
    confidence: ClassVar[tuple[str, ...]]
    """How sure it may be, most first."""
    replaces: ClassVar[tuple[str, ...]] = ()
    """Names of other rules' classifiers that say less than this one, and go when it
    speaks of the same thread."""

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Yield what this rule concludes from ``case``; raises ``MemoryReadError``."""
        raise NotImplementedError
