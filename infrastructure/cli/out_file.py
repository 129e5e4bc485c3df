"""The file that a command is to write to."""

from contextlib import suppress
from pathlib import Path

from domain.errors import InvalidSelection
from shared.config import Settings

_OWN_NAMES = frozenset({"run-report.json"})


def out_file(settings: Settings, out: str | None, default: str) -> Path:
    """Give the file that is named, or the one of that name in ``OUTPUT_DIR``.

    Raises `InvalidSelection` for one that the program keeps its own data in.
    """
    if out is None:
        return settings.output_dir / default
    path = Path(out).expanduser()
    with suppress(OSError):
        is_beside_ours = path.resolve().parent == settings.output_dir.resolve()
        if is_beside_ours and (path.suffix == ".csv" or path.name in _OWN_NAMES):
            raise InvalidSelection(
                f"--out: {settings.output_dir} is where the program keeps its own CSV files and "
                "run report: name another folder"
            )
    return path
