"""The licence of everything that a package brings, from the metadata of wheels."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import attrs

from builder.places import SITE_PACKAGES

__all__ = ["Distribution", "copyright_text", "distributions"]

_HEADER = """\
{package} {version}: copyright and licences

Coresnap: copyright 2026 its authors{ours}.

Besides it this package brings these distributions of the Python Package Index, as their
authors built them. The texts of their licences are below
/{place}.
Debian has the common ones as /usr/share/common-licenses/Apache-2.0 and
/usr/share/common-licenses/LGPL-3, too.

"""
_OWN_NAME = "coresnap"
_TEXTS = ("LICEN[CS]E*", "licen[cs]e*", "COPYING*", "NOTICE*", "AUTHORS*")


@attrs.frozen
class Distribution:
    """One distribution of an environment."""

    name: str
    version: str
    licence: str
    """An SPDX expression where its authors wrote one, else their own words."""
    address: str
    """Of its home; empty if it names none."""
    texts: tuple[Path, ...]


def distributions(root: Path) -> list[Distribution]:
    """Return what is installed below ``root``, by name."""
    found = (root / SITE_PACKAGES).glob("*.dist-info")
    return sorted(map(_read, found), key=lambda d: d.name.lower())


def copyright_text(package: str, version: str, root: Path) -> str:
    """Return what stands in /usr/share/doc/PACKAGE/copyright."""
    found = distributions(root)
    own = next((d.licence for d in found if d.name == _OWN_NAME), "")
    head = _HEADER.format(
        package=package,
        version=version,
        place=SITE_PACKAGES,
        ours=f", under {own}" if own else "",
    )
    others = [d for d in found if d.name != _OWN_NAME]
    return head + "\n".join("".join(_lines(d, root)) for d in others)


def _lines(distribution: Distribution, root: Path) -> Iterator[str]:
    yield f"{distribution.name} {distribution.version}\n"
    yield f"  {distribution.licence}\n"
    yield f"  {distribution.address}\n"
    for path in distribution.texts:
        yield f"  {path.relative_to(root / SITE_PACKAGES)}\n"


def _read(directory: Path) -> Distribution:
    text = (directory / "METADATA").read_text("utf-8")
    metadata = HeaderParser().parsestr(text)
    texts = {p for t in _TEXTS for p in directory.rglob(t) if p.is_file()}
    return Distribution(
        name=metadata["Name"],
        version=metadata["Version"],
        licence=_licence(metadata),
        address=_address(metadata),
        texts=tuple(sorted(texts)),
    )


def _licence(metadata: Message) -> str:
    if expression := metadata["License-Expression"]:
        return str(expression)
    classifiers = metadata.get_all("Classifier", [])
    marks = [c for c in classifiers if c.startswith("License :: ")]
    if marks:
        return ", ".join(c.rpartition(" :: ")[2] for c in marks)
    # Some have the whole text there; its first line is its name.
    return str(metadata["License"] or "").strip().partition("\n")[0]


def _address(metadata: Message) -> str:
    if home := metadata["Home-page"]:
        return str(home)
    urls = [u.split(", ", 1) for u in metadata.get_all("Project-URL", []) if ", " in u]
    by_label = {label.lower(): url for label, url in urls}
    for label in ("homepage", "source", "source code", "repository", "github"):
        if label in by_label:
            return by_label[label]
    return urls[0][1] if urls else ""
