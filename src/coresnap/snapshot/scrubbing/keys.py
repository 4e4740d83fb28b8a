"""Keys and tokens that are known by their shape, wherever they stand.

The shapes are those that their issuers publish so that they can be searched for; a cut
one counts from its first characters on.
"""

from __future__ import annotations

from coresnap.snapshot.scrubbing.pattern import Pattern

__all__ = ["KEY_PATTERNS"]

_NOT_WITHIN = r"(?<![A-Za-z0-9_-])"

KEY_PATTERNS = (
    Pattern(
        # RFC 7468, RFC 1421 (with headers), OpenSSH, PGP; newlines may be escaped.
        "-----begin",
        r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-\0]|-(?!----)){0,16384}(?:-----END [A-Z0-9 ]{1,48}-----)?",
    ),
    Pattern("age-secret-key-1", r"AGE-SECRET-KEY-1[0-9A-Z]{20,64}"),
    Pattern("akia asia", _NOT_WITHIN + r"A[KS]IA[0-9A-Z]{16}(?![0-9A-Za-z])"),
    Pattern("aiza", r"AIza[0-9A-Za-z_-]{24,40}"),
    Pattern("ya29.", r"ya29\.[0-9A-Za-z_-]{20,512}"),
    Pattern("gocspx-", r"GOCSPX-[0-9A-Za-z_-]{20,40}"),
    Pattern("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[0-9A-Za-z]{20,255}"),
    Pattern("github_pat_", r"github_pat_[0-9A-Za-z_]{20,255}"),
    Pattern("glpat-", r"glpat-[0-9A-Za-z_-]{16,64}"),
    Pattern("xox xapp-", r"(?:xox[abeoprs]|xapp)-[0-9A-Za-z-]{10,255}"),
    Pattern(
        "hooks.slack.com/services/",
        r"hooks\.slack\.com/services/([0-9A-Za-z/]{20,128})",
    ),
    Pattern(
        "sk_live_ sk_test_ rk_live_ rk_test_",
        r"[sr]k_(?:live|test)_[0-9A-Za-z]{10,255}",
    ),
    Pattern(
        "sk-",
        _NOT_WITHIN + r"sk-(?:proj-|svcacct-|ant-[a-z0-9]{1,8}-)?"
        r"(?=[a-z-]{0,64}[0-9A-Z])[0-9A-Za-z_-]{24,255}",
    ),
    Pattern("sg.", _NOT_WITHIN + r"SG\.[0-9A-Za-z_-]{16,32}\.[0-9A-Za-z_-]{16,64}"),
    Pattern("npm_", _NOT_WITHIN + r"npm_[0-9A-Za-z]{30,64}"),
    Pattern("pypi-age", r"pypi-AgE[0-9A-Za-z_-]{40,512}"),
    Pattern("hf_", _NOT_WITHIN + r"hf_[0-9A-Za-z]{30,64}"),
    Pattern("hvs.", _NOT_WITHIN + r"hvs\.[0-9A-Za-z_-]{20,255}"),
    Pattern("dop_v1_", r"dop_v1_[0-9a-f]{32,64}"),
    Pattern("shpat_ shpss_", r"shp(?:at|ss)_[0-9a-fA-F]{24,64}"),
    Pattern(
        # RFC 7519: header and claims begin with {" in base64url.
        "eyj",
        _NOT_WITHIN + r"eyJ[0-9A-Za-z_-]{8,4096}+\.[0-9A-Za-z_-]{8,16384}+"
        r"(?:\.[0-9A-Za-z_-]{0,4096}+){0,3}",
    ),
)
"""Scrubber ``key``."""
