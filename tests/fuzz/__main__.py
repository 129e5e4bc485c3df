"""Fuzzes the readers of untrusted input: ``python -m tests.fuzz --inputs 1000000``.

Exit status: 0 when every input was read or refused as documented, 1 when one was not (it is named,
and kept), 2 when Atheris is not there, 3 when it was ended before its inputs were used up.
"""

import importlib.util
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

import click

from tests.fuzz.fuzzer import Order, fuzz

TARGETS = ("pages", "unpack", "retry-after", "robots")


@click.command()
@click.option("--inputs", default=1_000_000, show_default=True, help="How many, for each target.")
@click.option("--seed", default=1, show_default=True, help="Of the random mutations.")
@click.option(
    "--target", "names", type=click.Choice(TARGETS), multiple=True, help="All when none is named."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Keeps the inputs found and goes on from them; a temporary folder when none is named.",
)
def main(inputs: int, seed: int, names: tuple[str, ...], folder: Path | None) -> None:
    """Fuzz the readers of untrusted input, guided by coverage."""
    if importlib.util.find_spec("atheris") is None:
        click.echo("Atheris is not installed: see docs/dependencies.md for where it runs", err=True)
        sys.exit(2)
    place = folder or Path(tempfile.mkdtemp(prefix="imdb-fuzz-"))
    failed = []
    for name in names or TARGETS:
        click.echo(f"fuzzing {name}: {inputs:,} inputs, seed {seed}, in {place / name}", err=True)
        before = _kept_inputs(place / name)
        # A process each: libFuzzer, which Atheris runs, ends the process that it runs in.
        process = get_context("spawn").Process(
            target=fuzz, args=(Order(name, inputs, seed, place / name),)
        )
        process.start()
        process.join()
        if process.exitcode and _kept_inputs(place / name) == before:
            click.echo(f"{name}: interrupted, or could not be begun: see above", err=True)
            sys.exit(3)
        if process.exitcode:
            failed.append(name)
    for name in failed:
        click.echo(f"{name}: an input shows a defect, see above and {place / name}", err=True)
    sys.exit(1 if failed else 0)


def _kept_inputs(folder: Path) -> set[Path]:
    """The inputs that have shown a defect; libFuzzer's exit status alone does not tell."""
    return {path for kind in ("crash", "timeout", "oom") for path in folder.glob(f"{kind}-*")}


if __name__ == "__main__":
    main()
