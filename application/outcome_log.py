"""The last line of a run in the log."""

import logging

from domain.run import RunReport

logger = logging.getLogger(__name__)


def log_outcome(report: RunReport) -> None:
    """Log what a run came to, in one line; the failures by reason are fields of the record."""
    failures: dict[str, int] = {}
    for failure in report.failures:
        failures[failure.reason] = failures.get(failure.reason, 0) + 1
    saved = {one.name: one.saved for one in report.repositories}
    missing = {one.name: len(one.missing) for one in report.repositories}
    logger.info(
        "run %s is %s after %.1f s: fetched %d of %d, failed %d, not tried %d",
        report.run.run_id, report.outcome, report.seconds,
        report.fetched, report.asked, len(report.failures), len(report.not_tried),
        extra={
            "outcome": str(report.outcome),
            "seconds": round(report.seconds, 3),
            "asked": report.asked,
            "already_saved": report.already_saved,
            "fetched": report.fetched,
            "failures": len(report.failures),
            "failures_by_reason": failures,
            "not_tried": len(report.not_tried),
            "saved": saved,
            "missing": missing,
        },
    )  # fmt: skip
