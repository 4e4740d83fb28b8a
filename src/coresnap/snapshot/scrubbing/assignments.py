"""Secrets that are known by the name they stand behind."""

from __future__ import annotations

import re

from coresnap.snapshot.scrubbing.pattern import Pattern

__all__ = [
    "ENVIRONMENT_PATTERNS",
    "TOKEN_PATTERNS",
    "URL_PATTERNS",
    "is_secret_name",
]

_NAMES = "password passwd passphrase pwd secret api_key api-key apikey access_key"
_MORE_NAMES = "access-key accesskey token account_key accountkey"
# name"] => "value": as in JSON, INI, YAML, code, query strings and command lines.
_BETWEEN = r"[A-Za-z0-9_-]{0,32}+[\"']?\]?[ \t]{0,4}+(?::=|:|=>?)[ \t]{0,4}+"
_WORD = r"[A-Za-z0-9._~+/=%!@#$^*-]"
# What code assigns to a variable of such a name is an expression, not a secret.
_NO_CODE = r"(?![A-Za-z0-9._~+/=%!@#$^*-]|[ \t]*[(\[{]|->|::)"

TOKEN_PATTERNS = (
    Pattern(
        f"{_NAMES} {_MORE_NAMES}",
        rf"[A-Za-z_-]{{3}}{_BETWEEN}(?:\"([^\"\0\n\\]{{4,512}})\"|'([^'\0\n\\]{{4,512}})'"
        rf"|((?=[A-Za-z._~+/=%!@#$^*-]{{0,64}}[0-9]){_WORD}{{6,512}}){_NO_CODE})",
    ),
    Pattern(
        "password= passwd= passphrase= password: passwd:",
        rf"[A-Za-z]{{6,10}}[=:]({_WORD}{{4,512}}){_NO_CODE}",
    ),
    Pattern(
        "authorization",
        r"[A-Za-z]{13}[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?"
        r"(?:(?i:basic|bearer|token|digest|negotiate|aws4-hmac-sha256)[ \t]{1,4})?"
        r"([^\s\"'\0]{6,4096})",
    ),
    Pattern(
        "bearer",
        r"[A-Za-z]{6}[ \t]{1,4}"
        r"((?=[A-Za-z._~+/=-]{0,64}[0-9])[A-Za-z0-9._~+/=-]{8,4096})",
    ),
    Pattern("cookie:", r"[A-Za-z]{6}:[ \t]{0,4}([^\r\n\0]{8,4096})"),
)
"""Scrubber ``token``."""

_SECRET_VARIABLES = (
    "password passwd passphrase secret token api_key apikey access_key accesskey "
    "private_key credential _pass= _pwd= encryption_key signing_key account_key"
)

ENVIRONMENT_PATTERNS = (
    Pattern(
        _SECRET_VARIABLES,
        r"[A-Z_][A-Z0-9_]{2,127}+=([^\0\n\r\"']{1,8192})",
        begins_a_word=True,
    ),
)
"""Scrubber ``env``."""

URL_PATTERNS = (Pattern("://", r"://[^\s/@:\0\"'<>]{0,128}+:([^\s/@\0\"'<>]{1,256})@"),)
"""Scrubber ``url``: the password in it."""

_SECRET_NAME = re.compile(
    r"(?i)passw(?:or)?d|passphrase|secret|credential"
    r"|(?:api|access|private|signing|encryption)[_-]?key"
)


def is_secret_name(name: str) -> bool:
    """Whether what has this name, an attribute or a variable, is a secret as a whole.

    ``token`` is no such name: parsers call words of their input so.
    """
    return _SECRET_NAME.search(name[:256]) is not None
