"""Disks that are small or full, and folders that cannot be written."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_LEFT_BYTES = 300_000
"""Room for some of the titles, and not for all."""


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of 16 MB in a new folder; the test is skipped where none may be mounted."""
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip(f"no disk can be mounted: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def almost_full_disk(folder: Path) -> Iterator[Path]:
    """A small disk in a new folder, and the file to remove to have room on it."""
    with small_disk(folder):
        yield fill_disk(folder, leave_bytes=_LEFT_BYTES)


def fill_disk(folder: Path, leave_bytes: int = 0) -> Path:
    """Fill the small disk of a folder with a file, which is given."""
    found = os.statvfs(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(found.f_bavail * found.f_frsize - leave_bytes))
    return ballast


@contextmanager
def not_writable(folder: Path, fill: Callable[[], object] = lambda: None) -> Iterator[None]:
    """A new folder that cannot be written after ``fill``, not even by root."""
    if os.geteuid() != 0:
        folder.mkdir()
        fill()
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    with small_disk(folder):
        fill()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield
