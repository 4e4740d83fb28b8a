"""What each built-in scrubber takes for a secret, and what it does not."""

from __future__ import annotations

import pytest

from coresnap.errors import ConfigError
from coresnap.snapshot.scrubbing.rules import BUILT_IN, Expression, Rules
from coresnap.snapshot.scrubbing.scrubber import Secrets, compile_rules

PEM = """\
-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,6F3D5C1A9B

MIIEowIBAAKCAQEAn1Zkq5R8s0c6kq2p8y9b1c3d5e7f9g1h3j5k7m9n1p3q5r7s
-----END RSA PRIVATE KEY-----"""
JWT = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0"
    ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
)
SECRET = [
    ("key", f"before\n{PEM}\nafter", "before\n{}\nafter"),
    ("key", PEM[:60], "{}"),
    ("key", "id AKIAIOSFODNN7EXAMPLE;", "id {};"),
    ("key", "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "{}"),
    ("key", "ghp_" + "a1B2" * 9, "{}"),
    ("key", "xoxb-123456789012-abcdefABCDEF", "{}"),
    ("key", f"Cookie-like {JWT}", "Cookie-like {}"),
    ("key", "sk-proj-" + "Ab3d" * 10, "{}"),
    ("token", "Authorization: Bearer s3cr3t-t0ken-value", "Authorization: Bearer {}"),
    ("token", "authorization: Basic dXNlcjpwYXNz", "authorization: Basic {}"),
    ("token", "X-Api-Key: 0123456789abcdef", "X-Api-Key: {}"),
    ("token", '{"password": "correct horse"}', '{{"password": "{}"}}'),
    ("token", "password=hunter2", "password={}"),
    ("token", "?user=me&access_token=a1b2c3d4e5&x=1", "?user=me&access_token={}&x=1"),
    ("token", "Cookie: session=abcdef; theme=dark", "Cookie: {}"),
    ("ccn", "card 4111111111111111 ok", "card {} ok"),
    ("ccn", "4111 1111 1111 1111", "{}"),
    ("ccn", "12 1234 4111 1111 1111 1111 10", "12 1234 {} 10"),
    ("ccn", "5500-0000-0000-0004", "{}"),
    ("ccn", "3782 822463 10005", "{}"),
    ("ssn", "is 078-05-1120.", "is {}."),
    ("ssn", "ssn=078051120", "ssn={}"),
    (
        "env",
        "PATH=/bin\0DB_PASSWORD=two words\0HOME=/",
        "PATH=/bin\0DB_PASSWORD={}\0HOME=/",
    ),
    ("env", "AWS_SESSION_TOKEN=x", "AWS_SESSION_TOKEN={}"),
    ("url", "postgres://app:hunter@db/x", "postgres://app:{}@db/x"),
]
INNOCENT = [
    "0x4111111111111111",
    "4111111111111112",
    "41111111111111111111111",
    "a4111111111111111",
    "1.4111111111111111",
    "140737353977856",
    "1234 5678 9012 3456",
    "4026 1 0 3 4111 9 12",
    "000-12-3456 078-00-1120 1078-05-1120",
    "token = strtok(text, separators);",
    "password = read_password(descriptor);",
    "expected token: end of file",
    "bearer of bad news",
    "PATH=/usr/bin\0PWD=/root\0OLDPWD=/tmp",
    "https://example.org:8080/path?x=1",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "tasks-0123456789 risk-adjusted",
    "fingerprint 9f3c2b1d9f3c2b1d9f3c2b1d9f3c2b1d",
]


@pytest.mark.parametrize(("name", "text", "expected"), SECRET)
def test_a_secret_gets_a_mark_in_text_and_stars_in_memory(
    name: str, text: str, expected: str
) -> None:
    rules = Rules(built_in=(name,))
    scrubbed, count = Secrets(compile_rules(rules)).text(text)
    assert scrubbed == expected.format(f"[scrubbed {name}]")
    assert count == {name: 1}

    for memory in (text.encode(), text.encode("utf-16-le")):
        changed, count = Secrets(compile_rules(rules)).memory(b"\1" + memory + b"\0")
        assert len(changed) == len(memory) + 2
        assert count == {name: 1}
        assert changed.count(b"*") > memory.count(b"*")


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert Secrets(compile_rules(Rules())).text(text) == (text, {})


@pytest.mark.parametrize(("name", "text", "expected"), SECRET)
def test_what_was_scrubbed_is_not_scrubbed_again(
    name: str, text: str, expected: str
) -> None:
    for wide in ("utf-8", "utf-16-le"):
        once, _ = Secrets(compile_rules(Rules())).memory(text.encode(wide))
        assert Secrets(compile_rules(Rules())).memory(once) == (once, {})
    once_text, _ = Secrets(compile_rules(Rules())).text(text)
    assert Secrets(compile_rules(Rules())).text(once_text) == (once_text, {})


def test_an_administrators_expression_takes_out_its_group() -> None:
    rules = Rules((), (Expression("customer", "customer ([0-9]+)"),))
    text, count = Secrets(compile_rules(rules)).text("the customer 4711 is here")
    assert text == "the customer [scrubbed customer] is here"
    assert count == {"customer": 1}


def test_an_expression_reaches_across_the_pieces_that_it_is_tried_on() -> None:
    rules = Rules((), (Expression("customer", "customer-[0-9]{6}"),))
    for before in range(700, 1100, 7):
        data = b"." * before + b"customer-123456" + b"." * 2000
        changed, _ = Secrets(compile_rules(rules)).memory(data)
        assert changed == data.replace(b"customer-123456", b"*" * 15)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(("keys",)),
        Rules((), (Expression("mine", "(a+)+"),)),
        Rules((), (Expression("mine", "("),)),
        Rules((), (Expression("key", "a"),)),
        Rules((), (Expression("no name", "a"),)),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: Rules) -> None:
    with pytest.raises(ConfigError):
        compile_rules(rules)


def test_every_built_in_scrubber_finds_something() -> None:
    assert {name for name, _, _ in SECRET} == set(BUILT_IN)
