"""PostgreSQL's own shell on the program's database, also on the embedded one."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack

from psycopg2.extensions import make_dsn, parse_dsn

from domain.errors import RepositoryUnavailable
from infrastructure.container import (
    database_url,
    embedded_database_dir,
    has_embedded_database,
    psql_path,
)
from shared.config import Settings

_SIGNALLED = 128
"""A shell adds this to the number of the signal that ended a program."""


def run_psql(settings: Settings, arguments: Sequence[str]) -> int:
    """Run ``psql`` on the database of the settings; give its exit status, as a shell would.

    The embedded server runs for as long as the shell does. A password goes to ``psql`` in its
    environment, where other users of the machine cannot read it. Raises `RepositoryUnavailable`
    when the embedded database cannot be started, or has not been made by a run yet.
    """
    if not settings.database_url and not has_embedded_database(settings):
        folder = embedded_database_dir(settings)
        cause = f"there is no database in {folder} yet: run the program first, or see OUTPUT_DIR"
        raise RepositoryUnavailable("postgres", cause)
    with ExitStack() as stack:
        address, environment = _without_password(stack.enter_context(database_url(settings)))
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the shell
        stack.callback(signal.signal, signal.SIGINT, before)
        command = [str(psql_path()), "--dbname", address, *arguments]
        status = subprocess.run(  # noqa: S603 - the wheel's program, arguments of the user's own
            command, env=os.environ | environment, check=False
        ).returncode
        return status if status >= 0 else _SIGNALLED - status


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """How to connect without the password, and that as libpq finds it in the environment."""
    given: dict[str, str] = parse_dsn(url)
    password = given.pop("password", None)
    return make_dsn(**given), {} if password is None else {"PGPASSWORD": password}
