"""The options and output that ``report`` has in both programs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import ConfigError, UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.output import emit
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.views.fault.fault import Fault

__all__ = ["add_arguments", "write_report"]

_BY_SUFFIX = {
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the form of the report, and where it goes."""
    forms = parser.add_mutually_exclusive_group()
    for form, meaning in (
        ("html", "one page that needs no network (default)"),
        ("text", "as `coresnap show` prints it"),
        ("markdown", "what a ticket needs, in 30,000 characters at most"),
    ):
        forms.add_argument(
            f"--{form}",
            dest="form",
            action="store_const",
            const=form,
            help=meaning,
        )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to write it, for you alone to read; its ending says the form where "
        "no option does. Without: standard output",
    )


def write_report(fault: Fault, arguments: argparse.Namespace) -> None:
    """Write the report that ``arguments`` ask for.

    Raises UsageError for what cannot be, and what writing a file raises.
    """
    output: str | None = None if arguments.output == "-" else arguments.output
    form = arguments.form or _BY_SUFFIX.get(Path(output or "").suffix, "html")
    if output is None and arguments.json:
        raise UsageError("--json needs -o FILE", remedy="It says what was written.")
    if output is None and form == "html" and sys.stdout.isatty():
        raise UsageError(
            "a page of HTML is not for a terminal",
            remedy="Give -o fault.html, or --text.",
        )
    text = _rendered(fault, form)
    if output is None:
        emit(text)
        return
    from coresnap.snapshot.placing import place

    data = text.encode("utf-8", "backslashreplace")
    place(data, output)
    if arguments.json:
        body = {"file": output, "form": form, "size": len(data)}
        emit(json.dumps(body) + "\n")
    else:
        emit(f"{printable(output)}: {decimal_size(len(data))}\n")


def _rendered(fault: Fault, form: str) -> str:
    if form == "text":
        from coresnap.snapshot.text import render

        return render(fault.snapshot)
    if form == "markdown":
        from coresnap.views.fault.markdown import render_markdown

        return render_markdown(fault)
    try:
        from coresnap.views.fault.report import render_report
    except ImportError as error:
        raise ConfigError(
            "pages of HTML need jinja2, which is not installed here",
            remedy="pip install jinja2; or take --text or --markdown.",
        ) from error
    return render_report(fault)
