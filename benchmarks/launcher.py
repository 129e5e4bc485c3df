"""Starts a command, waits for it, and says what it cost: ``launcher.py LOG SECONDS COMMAND...``.

A small process between a benchmark and what it measures: Linux counts the memory of the process
that starts a program as the program's own peak, so whoever starts it has to be small. Prints the
process's id, then its exit status, wall-clock seconds, CPU seconds and peak in kB, a line each
time. A command that takes longer than ``SECONDS`` is killed.
"""

import os
import signal
import sys
import time


def main(log: str, seconds: str, *command: str) -> None:
    """Run the command, both its outputs going to the log."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    into_log = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=into_log)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(int(seconds))
    print(child, flush=True)
    # Unlike `getrusage`, this counts one child, with those that it waited for itself.
    _, status, usage = os.wait4(child, 0)
    wall_seconds = time.perf_counter() - started
    cpu_seconds = usage.ru_utime + usage.ru_stime
    print(os.waitstatus_to_exitcode(status), wall_seconds, cpu_seconds, usage.ru_maxrss)


if __name__ == "__main__":
    main(*sys.argv[1:])
