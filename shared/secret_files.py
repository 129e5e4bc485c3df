"""Secrets in a file in place of the environment: ``<SETTING>_FILE``, as containers give them."""

import stat
from collections.abc import Collection, Mapping
from pathlib import Path

SUFFIX = "_file"
MOST_BYTES = 64 * 1024
"""More than any secret has: a wrong path may lead to something large, or endless."""


def read_secret_files(
    named: Mapping[str, str], wanted: Collection[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Give the settings that files have, and the problems there are with others, both by name.

    ``named`` has what environment and ``.env`` say, by field name. The line end behind a secret is
    not part of it. The problems are whole lines, without any secret: what was meant for the setting
    itself may stand where a path should, so that only what looks like one is shown.
    """
    found: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name in wanted:
        path = named.get(name + SUFFIX)
        if path is None:
            continue
        setting = f"{name}{SUFFIX}".upper()
        if name in named:
            problems[name] = f"{setting}: {name.upper()} is set, too: leave out one of them"
            continue
        try:
            found[name] = _content(Path(path.strip()))
        except ValueError as error:
            shown = f"{setting}={path}" if _looks_like_a_path(path) else setting
            problems[name] = f"{shown}: {error}"
    return found, problems


def _looks_like_a_path(text: str) -> bool:
    return text.startswith(("/", "./", "../")) and "@" not in text


def _content(path: Path) -> str:
    """What a file says; raises `ValueError` with what is wrong with it."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("is no file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise ValueError(f"the file is larger than {MOST_BYTES // 1024} KB: it is no secret")
    try:
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("the file is not in UTF-8") from None
    if not text.strip():
        raise ValueError("the file is empty: write the secret into it")
    return text
