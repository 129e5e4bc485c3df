"""A small share of the fuzzing with each run of the tests, and whether it would find anything.

The whole of it is ``make fuzz``.
"""

import importlib.util
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from domain.chart import ChartName
from domain.errors import ScraperError
from infrastructure.scrapers.imdb_pages import parse_chart, parse_title
from tests.e2e.program import ROOT
from tests.fuzz import fuzzer
from tests.fuzz.__main__ import TARGETS, main
from tests.fuzz.mutations import LARGEST
from tests.fuzz.seeds import page_seeds
from tests.fuzz.targets import read_page, targets
from tests.unit.imdb_pages import pages

BY_NAME = targets()

with_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="Atheris is not installed: docs/dependencies.md says where it runs",
)


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_every_target_can_be_named() -> None:
    assert tuple(BY_NAME) == TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_seeded_mutations_are_read_or_refused(name: str) -> None:
    target, rng = BY_NAME[name], random.Random(f"share of {name}")
    for _ in range(600):
        data = target.mutate(rng.choice(target.seeds), rng)[:LARGEST]
        target.check(data)


@with_atheris
def test_a_share_that_is_guided_by_coverage(tmp_path: Path) -> None:
    found = run_python(
        "-m", "tests.fuzz", "--target=pages", "--inputs=500", "--seed=5", f"--folder={tmp_path}"
    )
    assert found.returncode == 0, found.stderr[-3000:]
    assert "Done 500 runs" in found.stderr
    # What reached something new is kept, to go on from.
    assert len(list((tmp_path / "pages" / "corpus").iterdir())) > len(BY_NAME["pages"].seeds)


@with_atheris
@pytest.mark.parametrize(
    "defect", ["raise KeyError(value)", "sum(range(300_000_000))", "b'x' * 600_000_000"]
)
def test_a_defect_is_found_and_its_input_kept(tmp_path: Path, defect: str) -> None:
    script = f"""
        from pathlib import Path
        from tests.fuzz import targets
        from tests.fuzz.fuzzer import Order, fuzz

        def broken(value, *, now):
            if ":" in value:
                {defect}
            return 0.0

        targets.retry_after_seconds = broken
        fuzz(Order("retry-after", 20_000, 1, Path({str(tmp_path)!r})))
    """
    found = run_python("-c", textwrap.dedent(script))
    assert found.returncode != 0, found.stderr[-3000:]
    (kept,) = tmp_path.glob("crash-*")
    assert b":" in kept.read_bytes()
    expected = "KeyError" if "KeyError" in defect else "TooDear"
    assert f"{expected}: " in found.stdout


def test_an_input_that_takes_long_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzer, "MOST_SECONDS", 0.001)
    with pytest.raises(fuzzer.TooDear, match="4 bytes took"):
        fuzzer.measured(lambda _: sum(range(3_000_000)))(b"page")


def test_without_atheris_the_fuzzer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    told = CliRunner().invoke(main, ["--inputs", "1"])
    assert told.exit_code == 2
    assert "Atheris is not installed" in told.output


def test_the_seeds_reach_every_way_to_read_a_page() -> None:
    found_by, charts, refused = set(), 0, set()
    for seed in page_seeds():
        assert len(seed) <= LARGEST
        page = pages.page(seed)
        try:
            found_by.add(parse_title(page).provenance.found_by)
        except ScraperError as error:
            refused.add(error.reason)
        try:
            charts += bool(parse_chart(page, ChartName.TOP).entries)
        except ScraperError:
            continue
    assert found_by == {"next_data", "json_ld", "dom"}
    assert charts >= 4
    assert refused == {"blocked", "not_found", "page_changed"}


@given(data=st.binary(max_size=200), seed=st.integers(0, 2**32), name=st.sampled_from(TARGETS))
def test_a_mutation_depends_on_input_and_seed_alone(data: bytes, seed: int, name: str) -> None:
    mutate = BY_NAME[name].mutate
    assert mutate(data, random.Random(seed)) == mutate(data, random.Random(seed))


def test_a_mutated_page_is_no_larger_than_any_is_used() -> None:
    rng = random.Random(4)
    for _ in range(200):
        page = BY_NAME["pages"].mutate(rng.choice(page_seeds()) * 9, rng)
        assert len(page) <= LARGEST


def test_mutated_pages_are_read_as_often_as_they_are_refused() -> None:
    # Were all of them refused, nothing behind the first check would ever be reached.
    target, rng = BY_NAME["pages"], random.Random(3)
    whole = [seed for seed in target.seeds if b"__NEXT_DATA__" in seed]
    read = 0
    for _ in range(300):
        page = pages.page(target.mutate(rng.choice(whole), rng)[:LARGEST])
        try:
            parse_title(page)
        except ScraperError:
            continue
        read += 1
    assert 50 <= read <= 250


def test_the_check_of_a_page_sees_a_message_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.targets.LONGEST_MESSAGE", 10)
    with pytest.raises(AssertionError, match="characters"):
        read_page(b"no page")
