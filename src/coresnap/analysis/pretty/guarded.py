"""Printers of other people: what they raise is told, and costs one value."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from coresnap.analysis.pretty.presentation import (
    Item,
    Present,
    Presentation,
    Printer,
)
from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.pretty.value import Value
from coresnap.errors import InputError

__all__ = ["guarded"]


def guarded(name: str, printer: Printer, complain: Callable[[str], None]) -> Printer:
    """``printer``, whose failures go to ``complain`` and become ``InputError``."""

    def failed(type: ValueType, error: Exception) -> InputError:
        text = f"printer {name} failed on {type.name}: {error!r}"
        complain(text)
        return InputError(text)

    def items(
        type: ValueType, presentation: Presentation
    ) -> Iterator[Item | tuple[Value, Value]]:
        try:
            yield from presentation.items
        except InputError:
            raise
        except Exception as error:
            raise failed(type, error) from error

    def match(type: ValueType) -> Present | None:
        try:
            present = printer(type)
        except Exception as error:
            failed(type, error)
            return None
        if present is None:
            return None

        def guarded_present(value: Value) -> Presentation:
            try:
                found = present(value)
                return msgspec.structs.replace(found, items=items(type, found))
            except InputError:
                raise  # the value's fault, not the printer's
            except Exception as error:
                raise failed(type, error) from error

        return guarded_present

    return match
