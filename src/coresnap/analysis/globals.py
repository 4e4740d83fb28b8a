"""Variables that belong to no function: globals, file-static ones, each thread's own.

By default those of the module that crashed are read, first those of the source files
that the crashed thread is in, then of those that other threads are in, then the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.debuginfo.constants import Tag
from coresnap.analysis.globals_choice import GlobalsChoice
from coresnap.analysis.values.global_variables import GlobalReader
from coresnap.errors import InputError
from coresnap.model import Dropped, Note, Variable, VariableKind

if TYPE_CHECKING:
    from coresnap.analysis.debuginfo.records import GlobalVariable
    from coresnap.analysis.frames import FrameBuilder
    from coresnap.analysis.modules import ReadableModule
    from coresnap.analysis.unwind.stack import Stack
    from coresnap.analysis.values.variables import PlannedVariable

__all__ = ["GlobalsFinder"]

_MOST_VARIABLES = 500
"""Variables that nobody asked for by name; a program may have a hundred thousand."""
_MOST_NODES = 20_000
"""Members and elements below those."""
_MOST_OTHER_UNITS = 64
"""Units without a frame that are read although nobody asked for them."""
_MOST_THREADS = 64
"""Threads whose own values are read."""
_MOST_UNREAD = 100_000
"""Variables that are counted as left out."""

_C_LIBRARY = (
    "libc.",
    "libc-",
    "libc++.",
    "libc++-",
    "libstdc++.",
    "libstdc++-",
    "libpthread.",
    "libpthread-",
    *("libcxxrt.", "libsys.", "libthr."),
    *("ld-elf", "ld-linux", "ld-musl"),
)
_UNIT_PREFIX = r"'?([^':]+)'?::(.+)"
"""A name with its source file, as gdb takes it: ``'file.c'::name``."""


class _Found(msgspec.Struct, frozen=True, eq=False):
    """A variable, and where it was found."""

    reader: GlobalReader
    unit: int
    variable: GlobalVariable
    name: str
    """With the namespaces around it."""


class GlobalsFinder(msgspec.Struct, eq=False):
    """Finds and reads globals over the modules of a builder whose frames are built.

    ``threads`` are thread ids with their stacks, the crashed one first.
    """

    builder: FrameBuilder
    threads: Sequence[tuple[int, Stack]]
    choice: GlobalsChoice
    dropped: list[Dropped] = msgspec.field(default_factory=list)
    notes: list[Note] = msgspec.field(default_factory=list)
    _readers: dict[str, GlobalReader | None] = msgspec.field(default_factory=dict)

    def read(self) -> tuple[Variable, ...]:
        """The variables that are wanted, most wanted first; ``dropped`` and ``notes``
        then say what is not among them."""
        if self.choice.modules == "none":
            return ()
        self.builder.begin_globals(_MOST_NODES if not self.choice.names else None)
        variables: list[Variable] = []
        unread = 0
        for found in self._distinct():
            if len(variables) < _MOST_VARIABLES or self.choice.names:
                variables.extend(self._values(found))
            else:
                unread += 1
            if unread >= _MOST_UNREAD:
                break
        if unread:
            reason = f"more than {_MOST_VARIABLES}; those asked for by name are read"
            self.dropped.append(Dropped("globals", unread, reason))
        self._miss(variables)
        return tuple(variables)

    def _miss(self, variables: list[Variable]) -> None:
        """Note the names that nothing was found for."""
        for name in sorted(self.choice.names):
            if not any(_has_name(variable.name, name) for variable in variables):
                self.notes.append(Note("globals", f"there is no variable {name}"))

    def _distinct(self) -> Iterator[_Found]:
        """What is wanted, each once; those whose names are the same with their unit."""
        found = list(self._wanted())
        names = Counter(one.name for one in found)
        for one in found:
            if names[one.name] > 1:
                unit = one.reader.unit_name(one.unit)
                yield msgspec.structs.replace(one, name=f"'{unit}'::{one.name}")
            else:
                yield one

    def _wanted(self) -> Iterator[_Found]:
        seen: set[tuple[str, int, int]] = set()
        for reader, unit in self._units():
            for variable in reader.variables(unit):
                if not self._may_have_name(variable):
                    continue
                name = reader.qualified_name(unit, variable)
                # An inline variable stands in each unit that has seen it.
                key = name, id(reader), variable.address or variable.handle
                if key not in seen and self._is_named(name, reader, unit):
                    seen.add(key)
                    yield _Found(reader, unit, variable, name)
            if len(seen) > _MOST_UNREAD:
                return

    def _may_have_name(self, variable: GlobalVariable) -> bool:
        own = variable.name or ""
        if own.endswith("::{vtable}") or own.endswith("::{vtable_type}"):
            return False
        names = self.choice.names
        return not names or any(_last_part(name) == own for name in names)

    def _is_named(self, name: str, reader: GlobalReader, unit: int) -> bool:
        if not self.choice.names:
            return True
        qualified = f"'{reader.unit_name(unit)}'::{name}"
        return any(
            _has_name(name, one) or _has_name(qualified, one)
            for one in self.choice.names
        )

    def _units(self) -> Iterator[tuple[GlobalReader, int]]:
        """Units in order of importance: those with frames, then the others."""
        modules = self._modules()
        seen: set[int] = set()
        for module, unit in self._with_frames(modules):
            reader = self._reader(module)
            if reader is not None and unit not in seen:
                seen.add(unit)
                yield reader, unit
        for module in modules:
            reader = self._reader(module)
            if reader is not None:
                for unit in self._others(module, reader, seen):
                    seen.add(unit)
                    yield reader, unit

    def _others(
        self, module: ReadableModule, reader: GlobalReader, seen: set[int]
    ) -> list[int]:
        """Units without a frame: to read all of a large program would take minutes."""
        others = [(unit, tag) for unit, tag in reader.units() if unit not in seen]
        # What dwz(1) moved into partial units stood in those that are counted.
        count = sum(tag != Tag.PARTIAL_UNIT for _, tag in others)
        if self.choice.modules == "all" or count <= _MOST_OTHER_UNITS:
            return [unit for unit, _ in others]
        text = (
            f"{module.loaded.path}: only those of units that a frame is in, not of "
            f"{count} others; those asked for by name are read"
        )
        self.notes.append(Note("globals", text))
        return []

    def _with_frames(
        self, modules: Sequence[ReadableModule]
    ) -> Iterator[tuple[ReadableModule, int]]:
        wanted = {id(module) for module in modules}
        for _, stack in self.threads[:_MOST_THREADS]:
            for module, unit in self.builder.units(stack):
                if id(module) in wanted:
                    yield module, unit

    def _modules(self) -> Sequence[ReadableModule]:
        if self.choice.modules == "all":
            return self.builder.readable_modules()
        module = self._crashed()
        return () if module is None else (module,)

    def _crashed(self) -> ReadableModule | None:
        """The module of the innermost frame with debug information that is not the C
        library, which is where a program that aborts ends."""
        for _, stack in self.threads[:1]:
            modules = [module for module, _ in self.builder.units(stack)]
            for module in modules:
                name = module.loaded.path.rpartition("/")[2]
                if not name.startswith(_C_LIBRARY):
                    return module
            return modules[0] if modules else None
        return None

    def _reader(self, module: ReadableModule) -> GlobalReader | None:
        path = module.loaded.path
        if path not in self._readers:
            self._readers[path] = None
            try:
                self._readers[path] = module.globals()
            except InputError as error:
                self.notes.append(Note("globals", str(error)))
        return self._readers[path]

    def _values(self, found: _Found) -> Iterator[Variable]:
        try:
            planned = found.reader.plan(found.variable, found.name)
        except InputError as error:
            kind = VariableKind.GLOBAL
            yield Variable(found.name, "?", kind, missing=str(error))
            return
        if planned.kind is VariableKind.GLOBAL:
            yield found.reader.read(planned, None)
        else:
            yield from self._of_threads(found.reader, planned)

    def _of_threads(
        self, reader: GlobalReader, planned: PlannedVariable
    ) -> Iterator[Variable]:
        """The crashed thread's own value, and those that other threads have."""
        for index, (tid, stack) in enumerate(self.threads[:_MOST_THREADS]):
            if not stack.frames:
                continue
            pointer = self.builder.thread_pointer(stack.frames[0])
            variable = reader.read(planned, pointer)
            if variable.missing is None or index == 0:
                yield msgspec.structs.replace(variable, location=f"thread {tid}")


def _last_part(name: str) -> str:
    return name.rpartition("::")[2]


def _has_name(qualified: str, name: str) -> bool:
    """Whether a variable is the one that ``name`` means: all of it, or its end."""
    prefix = re.fullmatch(_UNIT_PREFIX, name)
    if prefix is not None and "." in prefix[1]:
        name = f"'{prefix[1]}'::{prefix[2]}"
    return qualified == name or qualified.endswith("::" + name)
