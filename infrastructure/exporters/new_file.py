"""A file that is there whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import ExportFailed


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a place beside ``path`` to write to; what is there at the end takes its name.

    When it fails, a file that was there before is as it was, and nothing is left behind. Raises
    `ExportFailed` when there can be no file of that name.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "no ordinary file"
        raise ExportFailed(f"{path} is {kind}: name a file that may be replaced")
    if not target.parent.is_dir():
        raise ExportFailed(f"{path}: there is no folder {target.parent}: make it first")
    beside = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        try:
            beside.touch(exist_ok=False)
        except OSError as error:
            raise ExportFailed(f"{path} cannot be written: {error.strerror}") from error
        yield beside
        with beside.open("rb+") as written:
            os.fsync(written.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
