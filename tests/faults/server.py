"""A PostgreSQL server that goes away and comes back."""

from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from infrastructure.repositories.postgres.embedded import embedded_postgres


class Server:
    """A PostgreSQL that may be stopped and killed, and keeps its URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._using = ExitStack()
        self.url = ""

    def start(self) -> None:
        self._using.close()
        self.url = self._using.enter_context(embedded_postgres(self._folder))

    def stop(self) -> None:
        self._using.close()

    def kill(self) -> None:
        kill_server(self._folder)


def kill_server(folder: Path) -> None:
    """``kill -9`` for the server that runs on a folder; waits for its end."""
    server = psutil.Process(int((folder / "pgdata/postmaster.pid").read_text().split()[0]))
    server.kill()
    with suppress(psutil.NoSuchProcess):
        while server.status() != psutil.STATUS_ZOMBIE:  # nobody may be there to collect it
            pass
