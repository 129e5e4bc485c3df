"""Running ``python main.py`` as a user does, and looking at what it leaves behind."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.site import DemoSite

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str


def environment(**settings: object) -> dict[str, str]:
    """The settings, and nothing else of this machine's but where programs are.

    The source is the web site alone unless a test says otherwise: the program's own default names
    a host of the internet, too.
    """
    settings = {"sources": "html"} | settings
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {name.upper(): str(value) for name, value in settings.items()}


def start(
    folder: Path, *arguments: str, new_session: bool = False, **settings: object
) -> subprocess.Popen[str]:
    """Start the program in a folder, with its output in it.

    With ``new_session`` it leads a process group, as in a terminal of its own.
    """
    given = {"output_dir": folder / "output"} | settings
    return subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        cwd=folder,
        env=environment(**given),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=new_session,
    )


def run(folder: Path, *arguments: str, given: str = "", **settings: object) -> Result:
    with start(folder, *arguments, **settings) as process:
        try:
            out, err = process.communicate(given, timeout=120)
        finally:
            process.kill()
    assert "Traceback" not in out + err, err
    return Result(process.returncode, out, err)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def report(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "run-report.json").read_text("utf-8"))
    return read


def titles_asked(site: DemoSite) -> int:
    """How many title pages a site has been asked for."""
    return sum(record.path.startswith("/title/") for record in site.requests)
