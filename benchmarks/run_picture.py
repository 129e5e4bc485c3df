"""Draws the picture of a run in the README: ``python -m benchmarks.run_picture``.

Runs the demo in a terminal of its own and draws what a person sees of it: the live display when
about two thirds are done, then the summary.
"""

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "run.svg"
WIDTH = 108

_FONTS = re.compile(r"@font-face\s*\{\{.*?\}\}", re.DOTALL)
_ERASE_LINE = "\x1b[2K"
_PROGRESS = re.compile(r"\d+/250")
_CURSOR = re.compile(r"\x1b\[(\?25[lh]|\d*A)")


def terminal_output(folder: Path) -> str:
    """Everything that the demo writes to a terminal, control sequences and all."""
    main_end, program_end = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": "40"}
    command = [sys.executable, str(ROOT / "main.py"), "demo", "--delay", "0.5"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=program_end, stderr=program_end
    ) as process:
        os.close(program_end)
        output = bytearray()
        while chunk := _read(main_end):
            output += chunk
    os.close(main_end)
    if process.returncode != 0:
        raise SystemExit(f"the demo ended with status {process.returncode}")
    return output.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the last program has closed the terminal
        return b""


def shown(output: str) -> str:
    """The introduction, one frame of the live display, and the summary."""
    frames = [_CURSOR.sub("", part).strip("\r\n") for part in output.split(_ERASE_LINE)]
    live = [frame for frame in frames if _PROGRESS.search(frame)]
    introduction = _CURSOR.sub("", frames[0]).split("\r")[0].splitlines()[:2]
    return "\n".join(["$ make demo", *introduction, live[2 * len(live) // 3], frames[-1]])


def main() -> None:
    """Run the demo and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        text = shown(terminal_output(Path(folder)))
        text = text.replace(f"{folder}/", "")
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(text))
    # The fonts come from the reader's machine: a README fetches nothing from elsewhere.
    drawing = console.export_svg(title="make demo", code_format=_FONTS.sub("", CONSOLE_SVG_FORMAT))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(drawing, encoding="utf-8")
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
