from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.snapshot.name_tree import parsed
from coresnap.snapshot.short_names import short_function, short_type

STRING = (
    "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"
)

FUNCTIONS = {
    "std::vector<int, std::allocator<int> >::push_back": "std::vector<int>::push_back",
    f"{STRING}::append": "std::string::append",
    f"std::vector<{STRING}, std::allocator<{STRING} > >::at": (
        "std::vector<std::string>::at"
    ),
    "std::__1::vector<int, std::__1::allocator<int> >::at": "std::vector<int>::at",
    "std::unique_ptr<Foo, std::default_delete<Foo> >::operator->": (
        "std::unique_ptr<Foo>::operator->"
    ),
    "std::__invoke_impl<void, void (*)(int, char const*), int, char const*>": (
        "std::__invoke_impl<…>"
    ),
    "main::{lambda(std::vector<long, Other>, std::list<int>)#1}::operator()": (
        "main::{lambda(…)#1}::operator()"
    ),
    "A::operator std::vector<int, std::allocator<int> >": (
        "A::operator std::vector<int>"
    ),
    "f[abi:cxx11]": "f",
    "<alloc::vec::Vec<T> as core::ops::deref::Deref>::deref": (
        "<Vec<T> as Deref>::deref"
    ),
    "alloc::vec::Vec<i32, alloc::alloc::Global>::push": "Vec<i32>::push",
    "core::option::Option<T>::expect": "Option<T>::expect",
    "program::run::<i32, alloc::vec::Vec<u8>>": "program::run::<i32, Vec<u8>>",
    "program::run::h0123456789abcdef": "program::run",
}

LEFT_ALONE = [
    "main",
    "",
    "f(int)::{lambda(int)#1}::operator()",
    "A::operator< <int>",
    "operator<<",
    "A::operator()",
    "operator new",
    "(anonymous namespace)::f",
    "g<((1)>(0))>",
    "f<x->y>",
    "std::function<void (int, char)>::operator()",
    "core::panicking::panic_fmt",
    "std::panicking::begin_panic_handler::{{closure}}",
    "a::{impl#0}::fmt",
    "<<<<",
    "f(",
    "a,b",
    ")>",
]

TYPES = {
    "std::map<int, int, std::less<int>, std::allocator<std::pair<int const, int> > >": (
        "std::map<int, int>"
    ),
    f"std::set<{STRING}, std::less<{STRING} >, std::allocator<{STRING} > > *": (
        "std::set<std::string> *"
    ),
    "std::basic_ostream<char, std::char_traits<char> > &": "std::ostream &",
    "std::basic_string<wchar_t, std::char_traits<wchar_t>, std::allocator<wchar_t> >": (
        "std::wstring"
    ),
    "std::set<int, std::less<void>, std::allocator<int> >": (
        "std::set<int, std::less<void>>"
    ),
    "std::vector<int, Arena<int> >": "std::vector<int, Arena<int>>",
    "std::pair<int, std::allocator<int> >": "std::pair<int, std::allocator<int>>",
    "int (*)(char, std::vector<int, std::allocator<int> >)": (
        "int (*)(char, std::vector<int>)"
    ),
    "std::collections::hash::map::HashMap<alloc::string::String, i32, "
    "std::hash::random::RandomState>": "HashMap<String, i32>",
    "alloc::boxed::Box<dyn core::ops::function::Fn<()>, alloc::alloc::Global>": (
        "Box<dyn Fn<()>>"
    ),
}


@pytest.mark.parametrize(("name", "short"), FUNCTIONS.items())
def test_functions_lose_what_says_nothing(name: str, short: str) -> None:
    assert short_function(name) == short


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_a_name_that_cannot_be_shorter_is_the_same_name(name: str) -> None:
    assert short_function(name) == name
    assert short_type(name) == name


@pytest.mark.parametrize(("name", "short"), TYPES.items())
def test_types_lose_defaults_but_nothing_that_was_chosen(name: str, short: str) -> None:
    assert short_type(name) == short


def test_a_long_type_loses_its_innermost_arguments_first() -> None:
    inner = "wide::one<wide::two<wide::three>, wide::four>"
    assert short_type(f"std::pair<{inner}, {inner}>") == (
        "std::pair<wide::one<…>, wide::one<…>>"
    )


@given(st.text(alphabet="<>(){}[],:ab &*~operatstd_ 1", max_size=80))
def test_any_text_has_a_short_name_that_is_not_longer(text: str) -> None:
    for short in (short_function(text), short_type(text)):
        assert len(short) <= len(text)
        assert bool(short) == bool(text)


@pytest.mark.parametrize("bracket", ["<", "(", "[", "{"])
def test_brackets_without_end_are_left_alone(bracket: str) -> None:
    assert short_type(bracket * 10_000) == bracket * 10_000
    assert parsed(bracket * 200) is None
