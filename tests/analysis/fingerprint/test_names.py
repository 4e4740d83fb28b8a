"""Names of functions and modules: one spelling each, and none that makes us fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.fingerprint.names import normalise_function, normalise_module


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("_IO_vfprintf", "vfprintf"),
        ("___vfprintf_chk", "vfprintf"),
        ("__stack_chk_fail", "__stack_chk_fail"),
        ("___pthread_mutex_lock", "pthread_mutex_lock"),
        ("IA__gtk_main", "gtk_main"),
        ("memcpy@@GLIBC_2.14", "memcpy"),
        ("memcpy@plt", "memcpy"),
        ("__sin_fma", "sin"),
        ("sum.avx2.0", "sum"),
        ("sum.default.1", "sum"),
        ("sum.arch_haswell.2", "sum"),
        ("dav1d_put_8tap_avx2", "dav1d_put_8tap"),
        ("compute_fast", "compute_fast"),
        ("f() [clone .cold]", "f"),
        ("run.part.0.lto_priv.1", "run"),
        ("count.4032", "count"),
        ("std::__1::vector<int>::push_back", "std::vector::push_back"),
        ("std::__cxx11::basic_string<char>::append", "std::basic_string::append"),
        ("run()::{lambda(int)#2}::operator()", "run::{lambda}"),
        ("run::$_0::operator()", "run::{lambda}"),
        ("(anonymous namespace)::f", "{anonymous}::f"),
        ("Foo<int>::operator->", "Foo::operator->"),
        ("a::operator<< <char>", "a::operator<<"),
        ("Foo::operator std::vector<int>", "Foo::operator std::vector"),
        ("operator new[]", "operator new[]"),
        ("Foo<(bar)1>::baz", "Foo::baz"),
        ("app::run::{closure#0}", "app::run::{closure}"),
        ("app::run::{{closure}}", "app::run::{closure}"),
        ("core::ops::FnOnce::call_once{{vtable.shim}}", "core::ops::FnOnce::call_once"),
        ("main.(*T).Run", "main.(*T).Run"),
        ("main.run.func1.2", "main.run.func"),
        ("runtime.exit", "runtime.exit"),
    ],
)
def test_one_function_has_one_spelling(name: str, spelling: str) -> None:
    assert normalise_function(name) == spelling


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/lib/x86_64-linux-gnu/libc.so.6", "libc.so"),
        ("/lib/libc-2.31.so", "libc.so"),
        ("/lib/ld-musl-x86_64.so.1", "libc.so"),
        ("/lib/libpthread-2.31.so", "libc.so"),
        ("/lib/libthr.so.3", "libc.so"),
        ("/lib64/ld-linux-x86-64.so.2", "ld.so"),
        ("/libexec/ld-elf.so.1", "ld.so"),
        ("/usr/lib/libstdc++.so.6.0.30 (deleted)", "libstdc++.so"),
        ("/usr/lib/libglib-2.0.so.0.7400.6", "libglib.so"),
        ("/opt/mod_foo.so", "mod_foo.so"),
        ("[vdso]", "linux-vdso.so"),
        ("/usr/bin/python3.11", "python3.11"),
        (None, "?"),
        ("", "?"),
    ],
)
def test_one_module_has_one_name(path: str | None, name: str) -> None:
    assert normalise_module(path) == name


@given(st.text("ab:<>(){}[]$'. &*@_0-#,=~", max_size=80))
def test_whatever_a_symbol_table_holds_has_a_spelling(text: str) -> None:
    assert isinstance(normalise_function(text), str)
    assert normalise_module(text)


@given(st.text("ab:<>(){}[]", max_size=8).map(lambda text: text * 2000))
def test_long_names_take_no_longer_than_their_beginning(text: str) -> None:
    assert len(normalise_function(text)) <= 4096 + 200
