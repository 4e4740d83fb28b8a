"""What was looked for to read one module, in order, for the report."""

from __future__ import annotations

import msgspec

from coresnap.model import Search

__all__ = ["NOT_THERE", "USED", "SearchLog"]

USED = "used"
NOT_THERE = "not there"
_NOTHING = "no debug information"
_LIMIT = 64
"""Searches that are listed: a module may have thousands of split units."""


class SearchLog(msgspec.Struct):
    """Collects searches; what goes beyond the limit is counted."""

    searches: list[Search] = msgspec.field(default_factory=list)
    _left_out: int = 0

    def add(self, what: str, place: object, result: str) -> None:
        """Note one look, or what came of a further one at the same place."""
        last = self.searches[-1] if self.searches else None
        if last is not None and (last.what, last.place) == (what, str(place)):
            self.searches[-1] = Search(what, last.place, f"{last.result}; {result}")
        elif len(self.searches) < _LIMIT:
            self.searches.append(Search(what, str(place), result))
        else:
            self._left_out += 1

    def all(self) -> tuple[Search, ...]:
        """The searches, with a last line for those that are not listed."""
        if not self._left_out:
            return tuple(self.searches)
        last = Search(self.searches[-1].what, "…", f"{self._left_out} more not listed")
        return (*self.searches, last)

    def problem(self) -> str:
        """Why nothing was found, in one line for people."""
        # What became of the module's own file is said by the module.
        looks = [
            s for s in self.searches if s.what != "executable" or _NOTHING in s.result
        ]
        told = [
            f"{s.place}: {s.result.removeprefix(f'{USED}; ')}"
            for s in looks
            if s.result not in (USED, NOT_THERE)
        ]
        vain = sum(s.result == NOT_THERE for s in looks)
        if vain:
            told.append(f"nothing in {vain} other places" if told else _places(vain))
        return ": ".join(filter(None, (_NOTHING, "; ".join(dict.fromkeys(told)))))


def _places(count: int) -> str:
    return "nothing in the place" + (
        " that was looked at" if count == 1 else f"s that were looked at ({count})"
    )
