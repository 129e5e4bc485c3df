"""Fuzzes one target, guided by coverage, in this process: it ends when the fuzzing does.

Atheris drives it. It keeps every input that reached code, or a way through it, that none before
had, and goes on from those.
"""

import importlib
import pkgutil
import random
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.mutations import LARGEST

INSTRUMENTED = ("infrastructure.scrapers.imdb_pages", "protego")
MOST_SECONDS = 1.0
"""CPU seconds that an input may take, on the slower path through instrumented code."""
MOST_MEGABYTES = 100
"""By which an input may raise the process's largest size so far."""
_MOST_MEGABYTES_IN_ALL = 1024
_HANG_SECONDS = 60
_BY_ATHERIS = 0.2
"""The share of inputs that Atheris's own mutators make; ours make the others."""


class TooDear(Exception):
    """An input took longer than `MOST_SECONDS`, or more memory than `MOST_MEGABYTES`."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to fuzz: the target's name, how many inputs, the random seed, and a folder for both the
    inputs that are kept and the one that shows a defect."""

    target: str
    inputs: int
    seed: int
    folder: Path


def fuzz(order: Order) -> None:
    """Fuzz until the inputs are used up or one shows a defect; does not return.

    The exit status is 0 when none did. Otherwise the traceback is printed, and the input is left in
    ``order.folder`` under a name that begins with ``crash-``, ``timeout-`` or ``oom-``.
    """
    import atheris

    # Beautiful Soup is left out: it would take up most of the time and of what is kept.
    with atheris.instrument_imports(include=["domain", "infrastructure", "protego"]):
        _import_all(INSTRUMENTED)
        from tests.fuzz.targets import targets
    target = targets()[order.target]
    # A library's warning would be printed to the user.
    warnings.simplefilter("error")

    def mutate(data: bytes, most_bytes: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < _BY_ATHERIS:
            made: bytes = atheris.Mutate(data, most_bytes)
            return made
        return target.mutate(data, rng)[:most_bytes]

    corpus = order.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    arguments = [
        order.target,
        f"-runs={order.inputs}",
        f"-seed={order.seed}",
        f"-max_len={LARGEST}",
        f"-rss_limit_mb={_MOST_MEGABYTES_IN_ALL}",
        f"-timeout={_HANG_SECONDS}",
        f"-artifact_prefix={order.folder}/",
        "-len_control=0",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup(arguments, measured(target.check), custom_mutator=mutate)
    atheris.Fuzz()


def _import_all(names: Sequence[str]) -> None:
    """Import modules and what is in them, which the program itself imports when it needs it."""
    for name in names:
        module = importlib.import_module(name)
        for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
            importlib.import_module(found.name)


def measured(check: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The check, which also raises `TooDear`."""

    def run(data: bytes) -> None:
        began, size = time.thread_time(), _largest_megabytes()
        check(data)
        seconds, megabytes = time.thread_time() - began, _largest_megabytes() - size
        if seconds > MOST_SECONDS or megabytes > MOST_MEGABYTES:
            raise TooDear(f"{len(data)} bytes took {seconds:.1f} s and {megabytes:.0f} MB")

    return run


def _largest_megabytes() -> float:
    # Not getrusage: what it says begins with the largest size of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
