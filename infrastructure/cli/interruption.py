"""Stopping on SIGINT and SIGTERM without losing anything."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from infrastructure.cli.exit_status import INTERRUPTED

_STOPPING = b"\nStopping: finishing what is in flight and saving it (once more: stop at once).\n"
_AT_ONCE = (
    b"\nStopped at once; everything that was reported as saved stays saved: "
    b"python main.py resume goes on.\n"
)


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, and a terminal that was closed."""


def heeded_signals() -> list[signal.Signals]:
    """`SIGNALS`, without a closed terminal when whoever started us (``nohup``) ignores it."""
    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
    return [number for number in SIGNALS if number not in ignored]


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set ``stop`` at the first of `heeded_signals`, leave the process at the second.

    Everything that a repository has reported as saved survives the second one too. Must be used
    from the main thread, where Python runs signal handlers; that thread must never wait for
    ``stop`` itself, as the handler could then wait for a lock that its own thread holds.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            _say(_AT_ONCE)
            os._exit(INTERRUPTED)
        stop.set()
        _say(_STOPPING)

    before = {number: signal.signal(number, handle) for number in heeded_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(words: bytes) -> None:
    """Write to standard error; an error would leave the handler and end the run in its middle."""
    with suppress(OSError):  # the terminal, or whoever read us, has gone
        os.write(2, words)
