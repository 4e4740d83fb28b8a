"""What was concluded, and by which signs a person can check it, as text."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.model import Access, Classifier, Instruction, Snapshot
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable

__all__ = ["verdict_lines"]

_NAME_WIDTH = 20


def verdict_lines(snapshot: Snapshot, display: Display) -> Iterator[str]:
    """Yield the section of the verdict; nothing where there is none."""
    if snapshot.classifiers or snapshot.instruction is not None:
        yield display.ink.title("verdict")
    for classifier in snapshot.classifiers:
        yield from _classifier_lines(classifier, display)
    if snapshot.instruction is not None:
        yield from _instruction_lines(snapshot.instruction, display)


def _classifier_lines(classifier: Classifier, display: Display) -> Iterator[str]:
    name = display.ink.title(f"{printable(classifier.name):<{_NAME_WIDTH}}")
    sure = printable(classifier.confidence)
    evidence = [printable(one) for one in classifier.evidence]
    yield f"  {name} {sure}: {evidence[0] if evidence else ''}".rstrip()
    for one in evidence[1:]:
        yield " " * (_NAME_WIDTH + 5) + one


def _instruction_lines(instruction: Instruction, display: Display) -> Iterator[str]:
    place = f"{instruction.address:#x}  {printable(instruction.text)}"
    yield f"  {display.ink.title('instruction'.ljust(_NAME_WIDTH))} {place}"
    for index, access in enumerate(instruction.accesses):
        failed = " (failed)" if index == instruction.fault else ""
        yield " " * (_NAME_WIDTH + 5) + _access(access) + failed


def _access(access: Access) -> str:
    unit = "byte" if access.width == 1 else "bytes"
    width = f"{access.width} {unit} " if access.width else ""
    at = (
        "at an unknown address" if access.address is None else f"at {access.address:#x}"
    )
    return f"{printable(access.kind)} {width}{at}: {printable(access.expression)}"
