"""The C++ standard library, as libstdc++ and libc++ lay it out."""

from __future__ import annotations

from coresnap.analysis.pretty.presentation import Present
from coresnap.analysis.pretty.table import printer_of
from coresnap.analysis.pretty.types import ValueType

__all__ = ["PRINTERS", "present"]

PRINTERS = {
    "std::basic_string": "texts.string",
    "std::basic_string_view": "texts.string_view",
    "std::filesystem::path": "texts.path",
    "std::vector": "sequences.vector",
    "std::array": "sequences.array",
    "std::span": "sequences.span",
    "std::initializer_list": "sequences.span",
    "std::deque": "deques.deque",
    "std::stack": "sequences.adaptor",
    "std::queue": "sequences.adaptor",
    "std::priority_queue": "sequences.adaptor",
    "std::bitset": "sequences.bitset",
    "std::__wrap_iter": "sequences.iterator",
    "__gnu_debug::_Safe_iterator": "sequences.safe_iterator",
    "__gnu_cxx::__normal_iterator": "sequences.iterator",
    "std::list": "linked.linked_list",
    "std::forward_list": "linked.forward_list",
    "std::__value_type": "trees.map_entry",
    "std::__hash_value_type": "trees.map_entry",
    "std::map": "trees.ordered",
    "std::multimap": "trees.ordered",
    "std::set": "trees.ordered",
    "std::multiset": "trees.ordered",
    "std::_Rb_tree_iterator": "trees.iterator",
    "std::_Rb_tree_const_iterator": "trees.iterator",
    "std::__map_iterator": "trees.iterator",
    "std::__map_const_iterator": "trees.iterator",
    "std::__tree_iterator": "trees.iterator",
    "std::__tree_const_iterator": "trees.iterator",
    "std::unordered_map": "tables.unordered",
    "std::unordered_multimap": "tables.unordered",
    "std::unordered_set": "tables.unordered",
    "std::unordered_multiset": "tables.unordered",
    "std::__hash_iterator": "tables.iterator",
    "std::__hash_const_iterator": "tables.iterator",
    "std::__hash_map_iterator": "tables.iterator",
    "std::__hash_map_const_iterator": "tables.iterator",
    "std::__detail::_Node_iterator": "tables.iterator",
    "std::__detail::_Node_const_iterator": "tables.iterator",
    "std::unique_ptr": "pointers.unique_pointer",
    "std::shared_ptr": "pointers.shared_pointer",
    "std::weak_ptr": "pointers.shared_pointer",
    "std::reference_wrapper": "pointers.reference_wrapper",
    "std::pair": "wrappers.pair",
    "std::tuple": "wrappers.tuple_",
    "std::optional": "wrappers.optional",
    "std::variant": "wrappers.variant",
    "std::any": "wrappers.any_",
    "std::complex": "wrappers.complex_",
    "std::atomic": "wrappers.atomic",
    "std::chrono::duration": "times.duration",
    "std::chrono::time_point": "times.time_point",
    "std::function": "facilities.function",
    "std::logic_error": "facilities.message",
    "std::runtime_error": "facilities.message",
    "std::error_code": "facilities.error_code",
    "std::error_condition": "facilities.error_code",
    "std::__exception_ptr::exception_ptr": "facilities.exception_pointer",
    "std::exception_ptr": "facilities.exception_pointer",
    "std::mutex": "facilities.mutex",
    "std::recursive_mutex": "facilities.mutex",
    "std::timed_mutex": "facilities.mutex",
    "std::recursive_timed_mutex": "facilities.mutex",
    "std::thread": "facilities.thread",
    "std::thread::id": "facilities.thread",
    "std::jthread": "facilities.thread",
    "std::__thread_id": "facilities.thread",
}
"""Name of a type, without arguments, to the function that knows it."""


def present(type: ValueType) -> Present | None:
    """How values of the type are presented; None if it is not one of the library's."""
    printer = printer_of(__name__, PRINTERS.get(type.bare_name))
    return printer(type) if printer is not None else None
