"""What a log record is about: the run, the title, its source, the route and the attempt.

Records get it from the context (`contextvars`) of the thread that logs. A new thread has an empty
context: what is to run in one is handed over as ``in_log_context(work)``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Given = TypeVar("_Given")


class _RunLog:
    """The run that threads work for. Its id is set once it is known, and then all of them see it.

    Any thread may read it; setting one attribute needs no lock.
    """

    def __init__(self) -> None:
        self.run_id: str | None = None


_run: ContextVar[_RunLog | None] = ContextVar("run_log", default=None)
_asked_for: ContextVar[dict[str, object] | None] = ContextVar("asked_for", default=None)


@contextmanager
def run_log() -> Iterator[None]:
    """Give the records of the block one run id, as soon as `note_run` has said which.

    Those of threads, too, whose work was handed over in the block. A block inside another one
    belongs to the same run.
    """
    if _run.get() is not None:
        yield
        return
    token = _run.set(_RunLog())
    try:
        yield
    finally:
        _run.reset(token)


def note_run(run_id: str) -> None:
    """Say which run this is; outside of any `run_log` it is nobody's."""
    if (log := _run.get()) is not None:
        log.run_id = run_id


@contextmanager
def asking_for(**fields: object) -> Iterator[None]:
    """Give the records of the block these fields, and what `note_asked` adds to them meanwhile."""
    token = _asked_for.set(fields)
    try:
        yield
    finally:
        _asked_for.reset(token)


def note_asked(**fields: object) -> None:
    """Add to what is known of what is being asked for; ``None`` takes a field away."""
    if (asked := _asked_for.get()) is not None:
        asked.update(fields)


def log_fields() -> dict[str, object]:
    """What a record that is made now, in this thread, is about; without what is not known."""
    log = _run.get()
    fields = {"run_id": log.run_id if log else None, **(_asked_for.get() or {})}
    return {name: value for name, value in fields.items() if value is not None}


def in_log_context(work: Callable[_Arguments, _Given]) -> Callable[_Arguments, _Given]:
    """Give work for another thread the context of this one; to be called once at a time."""
    context = copy_context()

    def in_context(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Given:
        return context.run(work, *args, **kwargs)

    return in_context
