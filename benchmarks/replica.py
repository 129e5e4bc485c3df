"""The demo site as a process of its own, over TLS when asked to."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measured_process import ROOT, CommandFailed


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate for the loopback address, its key, and the authority that vouches for it."""

    trusted: Path
    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Workload:
    """What the site serves: so many titles, on pages of this weight, after a delay in seconds."""

    titles: int
    delay_seconds: float
    page_bytes: int


def new_authority(folder: Path) -> Authority:
    """Make an authority and have it vouch for a site on loopback."""
    import trustme

    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    made = Authority(folder / "authority.pem", folder / "chain.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(made.trusted)
    certificate.private_key_pem.write_to_path(made.key)
    for number, pem in enumerate(certificate.cert_chain_pems):
        pem.write_to_path(made.chain, append=number > 0)
    return made


@contextmanager
def demo_site(workload: Workload, authority: Authority | None = None) -> Iterator[str]:
    """Run the demo site, its pages rendered, until the end of the block; give its URL.

    Raises `CommandFailed` when it does not start.
    """
    options: dict[str, object] = {
        "--titles": workload.titles,
        "--delay": workload.delay_seconds,
        "--page-bytes": workload.page_bytes,
    }
    if authority is not None:
        options |= {"--certificate": authority.chain, "--key": authority.key}
    arguments = [str(part) for option in options.items() for part in option]
    with subprocess.Popen(
        [sys.executable, "-m", "demo", "--prerender", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise CommandFailed("the demo site did not start; see its message above")
            yield url
        finally:
            process.terminate()
