"""One paragraph in plain words: what went wrong, where, and how sure that is.

For people who read nothing else: a terminal's first lines, a chat message, the head of
a ticket. So it has no markup, and every part of it is a sentence of its own.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Sequence

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.classify.usefulness import by_usefulness, usefulness
from coresnap.model import Classifier, Frame, Signal, Thread

__all__ = ["summarise"]

_FINDINGS = 3
_WORTH_A_SENTENCE = 1.5
"""Usefulness from which a finding is told beside a better one: a probable cause, a
strong mechanism."""
_MOST = 1200
"""Characters: a ticket's field, and three lines of a wide terminal."""
_DOUBT = {"certain": "", "strong": "", "probable": "Probably, ", "hint": "Perhaps "}


def summarise(
    application: str,
    signal: Signal | None,
    threads: Sequence[Thread],
    classifiers: Sequence[Classifier],
) -> str:
    """Return the paragraph; ``classifiers`` in any order, threads crashed first."""
    told = [c for c in by_usefulness(classifiers) if c.summary]
    sentences = [_opening(application, signal, told), *_more(told)]
    if threads:
        sentences.extend(_where(threads))
    return _within(" ".join(sentences))


def _opening(
    application: str, signal: Signal | None, told: Sequence[Classifier]
) -> str:
    if told and told[0].confidence in ("certain", "strong"):
        return f"{application} {_clause(told[0])}."
    if signal is None:
        return f"{application} was alive when this core was taken."
    died = f"{application} was stopped by {signal.name}"
    if signal.description:
        died += f" ({signal.description})"
    return f"{died}. {_sentence(told[0])}" if told else f"{died}."


def _more(told: Sequence[Classifier]) -> Iterator[str]:
    seen = {told[0].summary} if told else set()
    for classifier in told[1:]:
        if usefulness(classifier) < _WORTH_A_SENTENCE:
            continue
        if classifier.summary not in seen and len(seen) < _FINDINGS:
            seen.add(classifier.summary)
            yield _sentence(classifier)


def _sentence(classifier: Classifier) -> str:
    text = _DOUBT[classifier.confidence] + "it " + _clause(classifier)
    return f"{text[:1].upper()}{text[1:]}."


def _clause(classifier: Classifier) -> str:
    return classifier.summary.rstrip(".")


def _where(threads: Sequence[Thread]) -> Iterator[str]:
    frames = threads[0].frames
    caller = first_outside_libraries(frames)
    own = frames[caller] if caller is not None else None
    inner = next((f for f in frames if f.function is not None), None)
    known = own is not None and (own.function or own.module)
    if own is not None and known and own is not inner:
        called = _called(frames[: caller or 0])
        place = f"It happened in {_place(own)}"
        yield place + (f", in a call of {called}" if called else "") + _thread(threads)
    elif inner is not None:
        yield f"It happened in {_place(inner)}{_thread(threads)}"


def _called(frames: Sequence[Frame]) -> str | None:
    """The library's function that was called, as people know it."""
    named = [f.function for f in frames if f.function is not None and not f.inline]
    return named[-1].removeprefix("__GI_").removeprefix("__libc_") if named else None


def _thread(threads: Sequence[Thread]) -> str:
    if len(threads) == 1:
        return "."
    name = f" “{threads[0].name}”" if threads[0].name else ""
    return f", in thread {threads[0].tid}{name} of {len(threads)}."


def _place(frame: Frame) -> str:
    text = frame.short_name or frame.function or ""
    if not text:
        module = os.path.basename(frame.module or "?")
        return f"{module}+{frame.module_offset or 0:#x}"
    if frame.file is not None:
        line = "" if frame.line is None else f":{frame.line}"
        return f"{text} ({os.path.basename(frame.file)}{line})"
    if frame.module is not None:
        return f"{text} ({os.path.basename(frame.module)})"
    return text


def _within(text: str) -> str:
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"
