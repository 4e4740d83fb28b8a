"""The files below /etc/coresnap: every setting with its default, behind a ``#``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from builder.places import HANDLER
from coresnap.config.example import example
from coresnap.config.server_settings import SERVER_SECTIONS, SERVER_SETTINGS
from coresnap.config.setting import Setting
from coresnap.config.store_settings import STORE_SETTINGS

__all__ = ["coresnap_conf", "coroner_cf", "coronerd_conf"]

_STORE_HEADER = """\
# coroner.cf: where the object store is, and what opens it. coresnapd sends snapshots
# there as soon as write= and a token stand here: `systemctl restart coresnapd`.
# coroner.cf(5) explains all. Who can read a token can send in this machine's name.
"""
_TOKENS = """\
[token]

# A project, and the 64 hexadecimal digits that `coroner token create` has printed.
#blackhole = 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
"""
_SERVER_HEADER = """\
# coronerd.conf: the settings of the object store's server, each with its default behind
# a #. coronerd.conf(5) explains all; `systemctl reload coroner` lets changes hold.
"""


def coresnap_conf() -> str:
    """Return coresnap.conf; the handler stands in it, which the package brings."""
    default = "#handler = /usr/local/libexec/coresnap-catch\n"
    text = example()
    if text.count(default) != 1:
        raise ValueError(f"coresnap.conf has not one line {default!r}")
    return text.replace(
        default, f"# The package's own: it is always there.\nhandler = /{HANDLER}\n"
    )


def coroner_cf() -> str:
    """Return a coroner.cf that names no store yet."""
    section = "\n".join(_section("universe", STORE_SETTINGS))
    return f"{_STORE_HEADER}\n{section}\n{_TOKENS}"


def coronerd_conf() -> str:
    """Return a coronerd.conf in which the defaults hold."""
    sections = ("\n".join(_section(s, SERVER_SETTINGS)) for s in SERVER_SECTIONS)
    return "\n".join([_SERVER_HEADER, *sections])


def _section(name: str, settings: Iterable[Setting]) -> Iterator[str]:
    yield f"[{name}]"
    for setting in settings:
        if setting.section == name:
            yield ""
            yield from textwrap.wrap(f"# {setting.meaning}", 80, subsequent_indent="# ")
            yield f"#{setting.name} = {setting.default}".rstrip()
    yield ""
