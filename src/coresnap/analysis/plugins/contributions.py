"""What one plug-in adds, within bounds: it may be wrong, and it may not be endless."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from coresnap.errors import UsageError
from coresnap.model import Annotation, Classifier
from coresnap.model.attributes import ATTRIBUTES

__all__ = ["LEVELS", "Contributions"]

LEVELS = ("comment", "warning", "critical")
_CONFIDENCES = ("certain", "strong", "probable", "hint")
_ATTRIBUTES, _CLASSIFIERS, _ANNOTATIONS = 64, 16, 1000
"""The most of one plug-in."""
_TEXT = 1024
_TREE = 64 * 1024
"""Bytes of an annotation's data, as MessagePack."""
_EVIDENCE = 16
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_CLASSIFIER_NAME = re.compile(r"[a-z][a-z0-9.-]{0,63}")
_OURS = "coresnap."


class Contributions(msgspec.Struct):
    """Attributes, classifiers and annotations of the plug-in ``source``.

    Every method raises ``UsageError`` for what cannot be taken: a wrong name, or one
    more than the bound.
    """

    source: str
    attributes: dict[str, int | float | str] = msgspec.field(default_factory=dict)
    classifiers: list[Classifier] = msgspec.field(default_factory=list)
    annotations: list[Annotation] = msgspec.field(default_factory=list)
    """Of the whole snapshot."""
    remarks: dict[int, list[Annotation]] = msgspec.field(default_factory=dict)
    """Of what is in it: see ``remarks.Remarks``."""
    _annotation_count: int = 0

    def add_attribute(self, name: str, value: int | float | str) -> None:
        """Take an attribute that is not one of ours."""
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of an attribute")
        if name in ATTRIBUTES or name.startswith(_OURS):
            raise UsageError(f"the attribute {name} is coresnap's own")
        if not isinstance(value, int | float | str):
            raise UsageError(f"the attribute {name} is no number and no text")
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
            raise UsageError(f"the attribute {name} is beyond 64 bits")
        self._room(len(self.attributes), _ATTRIBUTES, "attributes")
        self.attributes[name] = value[:_TEXT] if isinstance(value, str) else value

    def add_classifier(self, classifier: Classifier) -> None:
        """Take a conclusion; its rule becomes the plug-in."""
        if not _CLASSIFIER_NAME.fullmatch(classifier.name):
            raise UsageError(f"{classifier.name!r} is no name of a classifier")
        if classifier.confidence not in _CONFIDENCES:
            raise UsageError(
                f"{classifier.confidence!r} is no confidence",
                remedy=f"There are {', '.join(_CONFIDENCES)}.",
            )
        self._room(len(self.classifiers), _CLASSIFIERS, "classifiers")
        evidence = tuple(str(e)[:_TEXT] for e in classifier.evidence[:_EVIDENCE])
        self.classifiers.append(
            msgspec.structs.replace(
                classifier,
                evidence=evidence,
                rule=self.source,
                summary=classifier.summary[:_TEXT],
            )
        )

    def annotate(
        self,
        owner: object | None,
        level: str,
        message: str,
        title: str,
        data: Mapping[str, Any] | None,
    ) -> None:
        """Take a remark on ``owner``, a noun of the snapshot; None: on all of it."""
        if level not in LEVELS:
            raise UsageError(
                f"{level!r} is no level", remedy=f"There are {', '.join(LEVELS)}."
            )
        self._room(self._annotation_count, _ANNOTATIONS, "annotations")
        self._annotation_count += 1
        tree = _plain_tree(data or {})
        remark = Annotation(level, message[:_TEXT], title[:_TEXT], tree, self.source)
        if owner is None:
            self.annotations.append(remark)
        else:
            self.remarks.setdefault(id(owner), []).append(remark)

    def _room(self, have: int, most: int, what: str) -> None:
        if have >= most:
            raise UsageError(f"a plug-in may add {most} {what}, and no more")


def _plain_tree(data: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of texts, numbers, lists and maps alone, of at most ``_TREE`` bytes."""
    try:
        encoded = msgspec.msgpack.encode(dict(data))
    except (TypeError, OverflowError, RecursionError, ValueError) as error:
        raise UsageError(f"an annotation's data cannot be stored: {error}") from error
    if len(encoded) > _TREE:
        raise UsageError(f"an annotation's data has more than {_TREE} bytes")
    tree: dict[str, Any] = msgspec.msgpack.decode(encoded)
    return tree
