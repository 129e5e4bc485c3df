"""The program as a user starts it, while something happens to it."""

import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.program import ROOT, environment

LONGEST_SECONDS = 100
_MAIN = (str(ROOT / "main.py"),)


class Program:
    """A running program, and what it says, as soon as it is said."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        command: tuple[str, ...] = _MAIN,
        prefix: tuple[str, ...] = (),
        **given: object,
    ) -> None:
        folder.mkdir(exist_ok=True)
        defaults = {"output_dir": folder / "output", "requests_per_second": 0, "max_threads": 10}
        self.process = subprocess.Popen(
            [*prefix, sys.executable, *command, *arguments],
            cwd=folder,
            env=environment(**(defaults | given)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._changed = threading.Condition()
        self._said: list[str] = []
        self._ended = 0
        self._readers = [
            threading.Thread(target=self._read, args=(stream,))
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def said(self) -> str:
        with self._changed:
            return "".join(self._said)

    def wait_for(self, words: str) -> None:
        """Wait until the program has said that; fail when it ends before."""
        with self._changed:
            self._changed.wait_for(lambda: words in self.said or self._ended == 2, LONGEST_SECONDS)
            assert words in self.said, self.said

    def status(self) -> int:
        """Wait for the end; give the exit status. Nobody may have seen a traceback."""
        try:
            status = self.process.wait(LONGEST_SECONDS)
        finally:
            self.end()
        assert "Traceback" not in self.said, self.said
        return status

    def end(self) -> None:
        """Make sure that it has ended."""
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _read(self, stream: Iterable[str]) -> None:
        for line in stream:
            with self._changed:
                self._said.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended += 1
            self._changed.notify_all()
