"""PostgreSQL's own shell on the program's database, also on the embedded one."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from urllib.parse import unquote, urlsplit

from infrastructure.repositories.postgres.embedded import embedded_postgres, embedded_psql_path
from shared.config import Settings


def run_psql(settings: Settings, arguments: Sequence[str]) -> int:
    """Run ``psql`` on the database of the settings; give its exit status.

    The embedded server runs for as long as the shell does. A password goes to ``psql`` in its
    environment, where other users of the machine cannot read it. Raises `RepositoryUnavailable`
    when the embedded database cannot be started.
    """
    with ExitStack() as stack:
        url = settings.database_url.get_secret_value()
        if not url:
            url = stack.enter_context(embedded_postgres(settings.output_dir / "postgres"))
        address, environment = _without_password(url)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the shell
        stack.callback(signal.signal, signal.SIGINT, before)
        command = [str(embedded_psql_path()), "--dbname", address, *arguments]
        return subprocess.run(  # noqa: S603 - the wheel's program, arguments of the user's own
            command, env=os.environ | environment, check=False
        ).returncode


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its password, and the password as libpq finds it in the environment."""
    parts = urlsplit(url)
    if parts.password is None:
        return url, {}
    user, _, address = parts.netloc.rpartition("@")
    bare = parts._replace(netloc=f"{user.partition(':')[0]}@{address}")
    return bare.geturl(), {"PGPASSWORD": unquote(parts.password)}
