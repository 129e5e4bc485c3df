"""The run report as JSON, beside the CSV files."""

import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from application.retry_failures import FailedRun
from domain.run import RunReport
from infrastructure.cli.exit_status import OF_OUTCOME

logger = logging.getLogger(__name__)

REPORT_NAME = "run-report.json"


def report_as_json(report: RunReport) -> dict[str, Any]:
    """The report as JSON types, with what follows from it: seconds, exit status, titles saved."""
    given: dict[str, Any] = msgspec.to_builtins(report)
    for repository, shown in zip(report.repositories, given["repositories"], strict=True):
        shown["saved"] = repository.saved
    given["seconds"] = round(report.seconds, 3)
    given["exit_status"] = OF_OUTCOME[report.outcome]
    return given


def write_report(report: RunReport, folder: Path) -> Path:
    """Write ``run-report.json`` whole or not at all, in place of the last run's; give its path.

    Raises `OSError` when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / REPORT_NAME
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".run-report-")
    try:
        # A file's name can have what UTF-8 has not; JSON takes the escape for it.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump(report_as_json(report), file, ensure_ascii=False, indent=2)
            file.write("\n")
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def read_failed_run(folder: Path) -> FailedRun | None:
    """The run of ``run-report.json`` and what it could not fetch; ``None`` when there is no file.

    A file that cannot be read is logged, and counts as none.
    """
    path = folder / REPORT_NAME
    try:
        return msgspec.convert(json.loads(path.read_bytes()), type=FailedRun)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = error.strerror or str(error)
    except ValueError as error:
        why = str(error)
    logger.warning("%s cannot be read, and is left out: %s", path, why)
    return None
