"""A real ``tor`` on loopback that never touches a network, for its control port."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TOR = shutil.which("tor") or shutil.which("tor", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
needs_tor = pytest.mark.skipif(
    TOR is None, reason="no tor on this machine (Debian and Ubuntu: apt install tor)"
)

_OPENED = re.compile(r"Opened Control listener.* on (?P<where>\S+)")


@dataclass
class TorDaemon:
    """A running ``tor``; ``control`` is what ``TOR_CONTROL_URL`` would be."""

    control: str = ""
    said: list[str] = field(default_factory=list)


class Watcher:
    """Counts the requests for new circuits that a ``tor`` with cookies takes."""

    def __init__(self, daemon: TorDaemon) -> None:
        from stem.connection import authenticate
        from stem.socket import ControlPort

        self._control = ControlPort(port=int(daemon.control.rpartition(":")[2]))
        authenticate(self._control)
        self._control.send("SETEVENTS SIGNAL")
        assert self._control.recv().is_ok()

    def new_circuits(self) -> int:
        """How many there were since the last look."""
        self._control.send("GETINFO version")
        count = 0
        while "SIGNAL NEWNYM" in (message := str(self._control.recv())):
            count += 1
        assert message.startswith("version=")
        return count

    def close(self) -> None:
        self._control.close()


def hashed(password: str) -> str:
    """What ``torrc`` wants in place of a password."""
    assert TOR is not None
    made = subprocess.run(
        [TOR, "--quiet", "--hash-password", password], capture_output=True, text=True, check=True
    )
    return made.stdout.split()[-1]


@contextmanager
def tor_daemon(folder: Path, *options: str, control: str | None = None) -> Iterator[TorDaemon]:
    """Run ``tor`` with these options until the end of the block, its control port at ``control``.

    Without a path for it the port is a free one of 127.0.0.1.
    """
    assert TOR is not None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [
        TOR, "--ignore-missing-torrc", "-f", str(folder / "no-torrc"),
        "--DisableNetwork", "1", "--SocksPort", "auto", "--DataDirectory", str(folder / "data"),
        "--ControlPort", f"unix:{control}" if control else "auto",
        "--Log", "info stdout", *options,
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        daemon = TorDaemon()
        opened = threading.Event()

        def listen() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                daemon.said.append(line)
                if match := _OPENED.search(line):
                    daemon.control = control or f"tcp://{match['where']}"
                    opened.set()
            opened.set()

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            assert opened.wait(60)
            assert process.poll() is None, "".join(daemon.said[-20:])
            yield daemon
        finally:
            process.kill()
            listener.join()
