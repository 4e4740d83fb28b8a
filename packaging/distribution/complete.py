"""Completes a wheel that auditwheel has repaired: licences, list of parts, equal bytes.

Run as ``python -m distribution.complete WHEEL``, in the place where it was built: what
the system's packages are called is asked of that system.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from distribution.cyclonedx import describe_wheel
from distribution.parts import LICENCES, Part, UnknownPartError, parts_of
from distribution.providers import package_of
from distribution.wheel_file import directory_of_metadata, read_wheel, write_wheel

__all__ = ["complete"]


def complete(wheel: Path, epoch: int) -> list[Part]:
    """Complete the file ``wheel`` in place; return what others wrote of it.

    Every file gets the time ``epoch``. Raises UnknownPartError.
    """
    files = read_wheel(wheel)
    metadata = directory_of_metadata(files)
    version, platform = wheel.name.split("-")[1], wheel.stem.rpartition("-")[2]
    parts = parts_of(files, platform)
    sboms = f"{metadata}/sboms/"
    for name in [name for name in files if name.startswith(sboms)]:
        del files[name]  # auditwheel's own names fewer libraries and no licence
    document = describe_wheel(version, parts, files, package_of)
    files[f"{sboms}bundled.cdx.json"] = (False, document)
    for text in sorted({text for part in parts for text in part.texts}):
        files[f"{metadata}/licenses/bundled/{text}"] = (
            False,
            (LICENCES / text).read_bytes(),
        )
    listing = _listing(parts)
    files[f"{metadata}/licenses/bundled/README.txt"] = (False, listing.encode())
    write_wheel(wheel, files, epoch)
    return parts


def _listing(parts: list[Part]) -> str:
    lines = [
        "This wheel holds, beside coresnap itself, files of others. Nothing in them",
        "was changed but names of libraries, and where they are looked for.",
        "",
    ]
    for part in parts:
        lines += [
            f"{part.name}: {part.licence}",
            f"  for     {part.purpose}",
            f"  source  {part.source}",
            f"  text    {', '.join(part.texts)}",
            *(f"  file    {name}" for name in part.files),
            "",
        ]
    return "\n".join(lines)


def main() -> int:
    """Complete the wheels that are named; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL")
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))
    try:
        for wheel in parser.parse_args().wheels:
            complete(wheel, epoch)
    except UnknownPartError as error:
        print(f"distribution.complete: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
