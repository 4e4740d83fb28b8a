"""Rust's standard library, from 1.60 or so on."""

from __future__ import annotations

from coresnap.analysis.pretty.presentation import Present
from coresnap.analysis.pretty.rust import collections, enums, pointers
from coresnap.analysis.pretty.table import printer_of
from coresnap.analysis.pretty.types import ValueType

__all__ = ["PRINTERS", "present"]

PRINTERS = {
    "alloc::string::String": "texts.string",
    "std::ffi::os_str::OsString": "texts.string",
    "std::path::PathBuf": "texts.string",
    "alloc::vec::Vec": "collections.vector",
    "alloc::collections::vec_deque::VecDeque": "collections.deque",
    "std::collections::hash::map::HashMap": "tables.table",
    "std::collections::hash::set::HashSet": "tables.table",
    "hashbrown::map::HashMap": "tables.table",
    "hashbrown::set::HashSet": "tables.table",
    "alloc::collections::btree::map::BTreeMap": "trees.tree",
    "alloc::collections::btree::set::BTreeSet": "trees.tree",
    "alloc::rc::Rc": "pointers.counted",
    "alloc::rc::Weak": "pointers.counted",
    "alloc::sync::Arc": "pointers.counted",
    "alloc::sync::Weak": "pointers.counted",
    "core::ptr::non_null::NonNull": "pointers.wrapped",
    "core::ptr::unique::Unique": "pointers.wrapped",
    "core::cell::Ref": "cells.borrowed",
    "core::cell::RefMut": "cells.borrowed",
    "core::cell::Cell": "cells.transparent",
    "core::cell::UnsafeCell": "cells.transparent",
    "core::cell::RefCell": "cells.ref_cell",
    "core::mem::manually_drop::ManuallyDrop": "cells.transparent",
    "core::num::wrapping::Wrapping": "cells.transparent",
    "core::num::nonzero::NonZero": "cells.transparent",
    "std::sync::mutex::Mutex": "cells.mutex",
    "std::sync::poison::mutex::Mutex": "cells.mutex",
    "std::sync::rwlock::RwLock": "cells.read_write_lock",
    "std::sync::poison::rwlock::RwLock": "cells.read_write_lock",
    "core::sync::atomic::Atomic": "cells.transparent",
    "core::time::Duration": "times.duration",
    "std::time::Instant": "times.point",
    "std::time::SystemTime": "times.point",
}
"""Name of a type, without arguments, to the function that knows it."""


_ATOMICS = "core::sync::atomic::Atomic"
"""How their names begin: ``AtomicU32``, in time ``Atomic<u32>``."""


def present(type: ValueType) -> Present | None:
    """How values of the type are presented; None if it is not one of the library's."""
    name = type.bare_name
    if name.startswith(_ATOMICS):
        name = _ATOMICS
    printer = printer_of(__name__, PRINTERS.get(name))
    found = printer(type) if printer is not None else None
    if found is not None:
        return found
    unnamed = (collections.unnamed, pointers.trait_object, enums.present)
    return next(filter(None, (printer(type) for printer in unnamed)), None)
