"""A real Chromium, driven as a person would, that tells of what went wrong in it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Response

__all__ = ["PHONE", "Window", "chromium", "why_no_browser"]

PHONE = (390, 844)
"""Width and height of a phone, CSS pixels."""
_PROGRAMS = ("chromium", "chrome", "google-chrome")
_LOCAL = ("http://127.0.0.1:", "data:", "about:", "file:")


def _program() -> str | None:
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


def why_no_browser() -> str | None:
    """Say why there can be no browser here; None if there can."""
    if _program() is None:
        return "no Chromium is installed (apt-get install chromium)"
    for module in ("playwright", "axe_playwright_python"):
        if importlib.util.find_spec(module) is None:
            return f"not installed: {module}"
    return None


@attrs.frozen
class Window:
    """Windows of one browser, as different people have them."""

    browser: Browser

    @contextlib.contextmanager
    def open(
        self,
        url: str,
        *,
        secret: str = "",
        size: tuple[int, int] = (1280, 800),
        scheme: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> Iterator[Page]:
        """Open a window whose paths begin at ``url``; ``secret`` is of a login.

        Raises AssertionError, at its end, for errors of the page's scripts, for what
        the content security policy held back, for pages that the server could not
        make, and for everything that was asked of another machine.
        """
        wrong: list[str] = []
        context = self.browser.new_context(
            base_url=url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
        )
        if secret:
            context.add_cookies([{"name": "coroner", "value": secret, "url": url}])
        try:
            page = context.new_page()
            page.set_default_timeout(20_000)
            page.on("console", lambda said: _note_said(wrong, said.type, said.text))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda request: _note_request(wrong, request))
            page.on("response", lambda response: _note_response(wrong, response))
            yield page
        finally:
            context.close()
        assert wrong == []


def _note_said(wrong: list[str], kind: str, text: str) -> None:
    # A page that is refused is what some tests ask for: the browser calls it an error.
    if kind == "error" and "Failed to load resource" not in text:
        wrong.append(text)


def _note_request(wrong: list[str], request: Request) -> None:
    if not request.url.startswith(_LOCAL):
        wrong.append(f"asked of elsewhere: {request.url}")


def _note_response(wrong: list[str], response: Response) -> None:
    if response.status >= 500:
        wrong.append(f"{response.status} for {response.url}")


@contextlib.contextmanager
def chromium() -> Iterator[Window]:
    """Run a browser without a screen.

    While it runs, this thread has a running event loop: ``asyncio.run`` has to wait.
    """
    from playwright.sync_api import sync_playwright

    # As root Chromium needs to be told that it may do without its sandbox.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    arguments += ["--font-render-hinting=none", "--disable-lcd-text"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_program(), args=arguments, headless=True
        )
        try:
            yield Window(browser)
        finally:
            browser.close()
