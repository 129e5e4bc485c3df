"""What goes wrong with files, told so that a user knows what to do."""

import codecs
import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from domain.errors import RepositoryUnavailable

NAME = "csv"
"""The repository's name in settings, reports and errors."""

_ELSEWHERE = "or set another OUTPUT_DIR"
_ADVICE = {
    errno.ENOSPC: f"free some space {_ELSEWHERE}; what was saved before is unharmed",
    errno.EDQUOT: f"free some of the quota {_ELSEWHERE}; what was saved before is unharmed",
    errno.EFBIG: f"raise the limit on file sizes {_ELSEWHERE}; what was saved before is unharmed",
    errno.EACCES: f"give this user the right to write there {_ELSEWHERE}",
    errno.EPERM: f"give this user the right to write there {_ELSEWHERE}",
    errno.EROFS: "set OUTPUT_DIR to a folder that can be written",
    errno.EEXIST: f"a file stands where the folder should be: move it away {_ELSEWHERE}",
    errno.ENOTDIR: f"a file stands where a folder should be: move it away {_ELSEWHERE}",
    errno.EISDIR: f"a folder stands where the file should be: move it away {_ELSEWHERE}",
    errno.ENAMETOOLONG: "set a shorter OUTPUT_DIR",
    errno.ENOSYS: f"this file system has no locks {_ELSEWHERE}",
}

_LITTLE = 65_536
"""Bytes; about what ten titles with their credits take."""

_MAY_PASS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN,
    errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
}  # fmt: skip
"""A full disk, a limit that was reached, a file system that went away or takes no changes."""


@contextmanager
def translated(directory: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into `RepositoryUnavailable` with its cause and advice."""
    try:
        yield
    except OSError as error:
        where = error.filename or directory
        what = error.strerror or str(error)
        advice = _ADVICE.get(error.errno or 0, f"check the folder {_ELSEWHERE}")
        raise RepositoryUnavailable(
            NAME, f"{where}: {what}: {advice}", may_pass=error.errno in _MAY_PASS
        ) from error


def check_folder(directory: Path) -> None:
    """Write `_LITTLE` bytes into a folder, and remove them again.

    Raises `RepositoryUnavailable` when it takes no files, or has no room for them.
    """
    with translated(directory), TemporaryFile(dir=directory) as file:
        file.write(bytes(_LITTLE))
        file.flush()


def foreign(path: Path, first_line: bytes, columns: Sequence[str]) -> RepositoryUnavailable:
    """Give the error for a file whose first line does not name just our columns."""
    shown = repr(first_line[:80].decode(errors="replace").rstrip("\r\n"))
    if first_line.startswith(codecs.BOM_UTF8):
        shown += ", with a byte order mark before it, as a spreadsheet leaves one"
    return RepositoryUnavailable(
        NAME,
        f"{path} is not one of this program's files (its first line is {shown}"
        f"{_difference(first_line, columns)}): move it away or set another OUTPUT_DIR",
    )


def _difference(first_line: bytes, columns: Sequence[str]) -> str:
    """What a spreadsheet, or a hand, has made of the names of our columns."""
    found = first_line.removeprefix(codecs.BOM_UTF8).decode(errors="replace").split(",")
    found = [name.strip() for name in found]
    if not set(found) & set(columns):
        return ""
    lacking = [name for name in columns if name not in found]
    added = [name for name in found if name not in columns]
    if lacking:
        return f"; it lacks {', '.join(lacking)}"
    if added:
        return f"; it has {', '.join(map(repr, added))} too many"
    return "; its columns are in another order" if found != list(columns) else ""


def malformed(path: Path, where: str, problem: str) -> RepositoryUnavailable:
    """Give the error for a row that cannot be read; ``where`` names it for a person."""
    return RepositoryUnavailable(
        NAME, f"{path}, {where}: {problem}: correct the row or move the file away"
    )


def without_titles(path: Path, titles_path: Path, what: str = "credits") -> RepositoryUnavailable:
    """Give the error for credits or details whose titles are gone from ``titles.csv``."""
    return RepositoryUnavailable(
        NAME,
        f"{path} has {what} of titles that {titles_path.name} does not have: put that "
        "file back, or move all of these files away together",
    )


def not_in_ledger(path: Path, ledger_path: Path) -> RepositoryUnavailable:
    """Give the error for rows of details of which ``details.csv`` tells nothing."""
    return RepositoryUnavailable(
        NAME,
        f"{path} has rows of titles of which {ledger_path.name} tells nothing: put that file "
        "back, or move this one away",
    )


def without_profiles(path: Path, what: str, profiles_path: Path) -> RepositoryUnavailable:
    """Give the error for a file with credits, or facts, of people gone from ``profiles.csv``."""
    return RepositoryUnavailable(
        NAME,
        f"{path} has {what} of people whom {profiles_path.name} does not have: put that "
        "file back, or move both away together",
    )


def locked(lock_file: Path, seconds: float) -> RepositoryUnavailable:
    """Give the error for a folder that another program kept locked for ``seconds``."""
    return RepositoryUnavailable(
        NAME,
        f"another program has kept {lock_file} locked for {seconds:g} s: "
        "wait until it has finished, or set another OUTPUT_DIR",
        transient=True,
    )
