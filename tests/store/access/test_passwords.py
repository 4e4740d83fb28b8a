"""What is kept of passwords and secrets."""

from __future__ import annotations

from coresnap.store.access.passwords import hashed, is_password
from coresnap.store.access.secrets import digest_of, is_secret, new_secret


def test_a_password_is_known_again_and_another_is_not() -> None:
    kept = hashed("correct horse")

    assert is_password("correct horse", kept)
    assert not is_password("correct Horse", kept)
    assert not is_password("", kept)
    assert not is_password("correct horse", None)


def test_the_same_password_is_kept_in_another_way_each_time() -> None:
    first, second = hashed("correct horse"), hashed("correct horse")

    assert first != second
    assert "horse" not in first


def test_any_text_can_be_a_password() -> None:
    for text in ("\0", "\ud800", "ü" * 1000):
        assert is_password(text, hashed(text))


def test_secrets_are_64_hex_digits_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert all(is_secret(secret) for secret in secrets)
    assert not any(is_secret(digest_of(s)[:-1]) for s in secrets)
    assert not is_secret("A" * 64)
    assert not is_secret("é" * 64)
