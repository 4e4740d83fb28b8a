"""All modules of coresnap in one file, so that the command starts sooner.

An analysis imports 150 modules. Python looks for each in directories, opens its file
and reads it in pieces: 0.06 ms for a module, an eighth of the time that a small core
takes. A build compiles the modules into one file, which is mapped (docs/adr/0031). It
is used where the Python that runs is of the kind that built it, else it is as good as
none; and a module's own file is read if it was changed after it was installed.

The format: Python's magic number of bytecode, the length of the index (4 bytes,
little-endian), the index, then the modules, both as ``marshal`` writes them. The index
has for each module's name whether it is a package, its file below the directory that
``coresnap`` is in, and where its bytes begin, counted from the index's end, and end.
"""

from __future__ import annotations

import _imp
import marshal
import mmap
import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.resources.abc import TraversableResources

__all__ = ["archive_name", "import_from_archive", "packed"]

_HEAD = len(MAGIC_NUMBER) + 4
_INSTALLATION_NS = 600 * 10**9
"""An installation takes less; what is changed later was changed by somebody."""


def archive_name() -> str:
    """The file's name in the directory of ``coresnap``."""
    return f"modules.{sys.implementation.cache_tag}.bytecode"


def packed(files: dict[str, tuple[bool, str, bytes]]) -> bytes:
    """An archive of modules: by name, whether it is a package, its file, its source."""
    index: dict[str, tuple[bool, str, int, int]] = {}
    contents = b""
    for name, (is_package, file, source) in files.items():
        code = marshal.dumps(compile(source, file, "exec", dont_inherit=True))
        index[name] = (is_package, file, len(contents), len(contents) + len(code))
        contents += code
    head = marshal.dumps(index)
    return MAGIC_NUMBER + len(head).to_bytes(4, "little") + head + contents


def import_from_archive(package: str) -> None:
    """Have modules imported from the archive in the directory ``package``, if any."""
    path = os.path.join(package, archive_name())
    try:
        with open(path, "rb") as stream:
            installed = os.fstat(stream.fileno()).st_mtime_ns
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return  # not built, or for another Python
    if mapped[: len(MAGIC_NUMBER)] == MAGIC_NUMBER:
        latest = installed + _INSTALLATION_NS
        sys.meta_path.insert(0, _Finder(memoryview(mapped), path, latest))


class _Finder:
    """Finds and loads modules of the archive (``importlib.abc.MetaPathFinder``)."""

    def __init__(self, data: memoryview, path: str, latest: int) -> None:
        end = _HEAD + int.from_bytes(data[_HEAD - 4 : _HEAD], "little")
        self._index: dict[str, tuple[bool, str, int, int]]
        self._index = marshal.loads(data[_HEAD:end])
        self._contents = data[end:]
        self._path = path
        self._directory = os.path.dirname(os.path.dirname(path))
        self._latest = latest

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Where the module is; None if it is not ours, or was changed."""
        entry = self._index.get(name)
        if entry is None:
            return None
        file = f"{self._directory}/{entry[1]}"
        try:
            if os.stat(file).st_mtime_ns > self._latest:
                return None
        except OSError:
            return None
        loader = cast("Loader", self)
        spec = ModuleSpec(name, loader, origin=file, is_package=entry[0])
        if entry[0]:
            spec.submodule_search_locations = [os.path.dirname(file)]
        # Both are computed, for 20 µs a module, where they are not given.
        spec.has_location, spec.cached = True, self._path
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Python makes it."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in it."""
        _, _, start, end = self._index[module.__name__]
        code = marshal.loads(self._contents[start:end])
        # As importlib does for what was compiled elsewhere: tracebacks have the path.
        _imp._fix_co_filename(code, module.__file__)  # type: ignore[attr-defined]
        exec(code, module.__dict__)

    def get_source(self, name: str) -> str:
        """The module's text, which tracebacks show a line of."""
        with open(self._file(name), encoding="utf-8") as stream:
            return stream.read()

    def get_resource_reader(self, name: str) -> TraversableResources:
        """What ``importlib.resources`` finds a package's other files by."""
        from importlib.readers import FileReader

        return FileReader(SourceFileLoader(name, self._file(name)))

    def _file(self, name: str) -> str:
        return os.path.join(self._directory, self._index[name][1])
