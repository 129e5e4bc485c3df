"""A real browser, where there is one: Chromium as Debian installs it, steered by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)


@contextmanager
def browser() -> Iterator[Any]:
    """A browser without a window; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium, or name one by CHROMIUM")
    with playwright.sync_playwright() as steering:
        # Root, as in containers, has no sandbox.
        opened = steering.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def page_in(opened: Any, file: Path, **view: Any) -> Iterator[tuple[Any, list[str], list[str]]]:
    """A file in a page, what its console says, and what it has asked for."""
    context = opened.new_context(**view)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri(), timeout=60_000)
    try:
        yield page, said, asked
    finally:
        context.close()
