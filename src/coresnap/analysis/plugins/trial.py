"""Trying a plug-in where there is no process any more: on a snapshot, or on a core."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from coresnap.analysis.plugins.contributions import Contributions
from coresnap.analysis.plugins.processes import ProcessOfCore, ProcessOfSnapshot
from coresnap.analysis.plugins.run import Plugin, ask
from coresnap.analysis.plugins.views import Process
from coresnap.analysis.variable_paths import variable_paths
from coresnap.errors import SnapshotFormatError
from coresnap.model import Annotation, Classifier, Snapshot
from coresnap.snapshot.container import read_snapshot

__all__ = ["PluginTrial", "try_plugin"]


class PluginTrial(msgspec.Struct, frozen=True):
    """What became of a plug-in."""

    attributes: dict[str, int | float | str]
    classifiers: tuple[Classifier, ...]
    annotations: tuple[tuple[str, Annotation], ...]
    """Each with what it belongs to: ``thread 4242 #1 main: queue->length``."""
    problem: str | None
    """What it raised, or that it took too long."""


def try_plugin(
    plugin: Plugin, source: Snapshot | str | os.PathLike[str]
) -> PluginTrial:
    """Have ``plugin`` look at ``source`` and return what it adds.

    ``source`` is a snapshot, or the path of a snapshot or core; a core is analysed
    first. Of a snapshot the plug-in reads the memory that was kept. Raises what
    ``read_snapshot`` and ``analyze`` do.
    """
    if isinstance(source, Snapshot):
        return _on(source, ProcessOfSnapshot(source), plugin)
    try:
        snapshot = read_snapshot(source)
    except SnapshotFormatError:
        return _on_core(plugin, source)
    return _on(snapshot, ProcessOfSnapshot(snapshot), plugin)


def _on_core(plugin: Plugin, path: str | os.PathLike[str]) -> PluginTrial:
    from coresnap.analysis.heap.find import find_heaps
    from coresnap.analysis.session import analyze
    from coresnap.elfcore.corefile import open_core

    snapshot = analyze(path)
    with open_core(path) as core:
        return _on(snapshot, ProcessOfCore(core, find_heaps(core)), plugin)


def _on(snapshot: Snapshot, process: Process, plugin: Plugin) -> PluginTrial:
    added = Contributions(getattr(plugin, "__name__", "plugin"))
    problem = ask(plugin, snapshot, process, added)
    return PluginTrial(
        added.attributes,
        tuple(added.classifiers),
        tuple(_placed(snapshot, added)),
        problem,
    )


def _placed(
    snapshot: Snapshot, added: Contributions
) -> Iterator[tuple[str, Annotation]]:
    yield from (("", annotation) for annotation in added.annotations)
    for place, owner in _owners(snapshot):
        for annotation in added.remarks.get(id(owner), ()):
            yield place, annotation


def _owners(snapshot: Snapshot) -> Iterator[tuple[str, object]]:
    for path, variable in variable_paths(snapshot.globals):
        yield path, variable
    for thread in snapshot.threads:
        place = f"thread {thread.tid}"
        yield place, thread
        for number, frame in enumerate(thread.frames):
            where = f"{place} #{number} {frame.function or '??'}"
            yield where, frame
            for path, variable in variable_paths(frame.variables):
                yield f"{where}: {path}", variable
