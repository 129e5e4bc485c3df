"""Texts that a spreadsheet would run: escaped when asked for, and always read back as they were."""

import csv
import re
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.details import DetailName
from domain.details.items import AlternativeTitle
from domain.person_profile import PersonProfile
from domain.title import Credit, CreditCategory, Person, Title
from infrastructure.repositories.csv import CsvRepository, open_csv_repository
from infrastructure.repositories.csv.formulas import escaped, unescaped
from infrastructure.repositories.csv.profile_rows import (
    ProfileRows,
    filmography_credit_from,
    person_fact_from,
    profile_from,
)
from infrastructure.repositories.csv.rows import TitleRows, credit_from, decode, title_from
from tests import strategies
from tests.builders import (
    a_detail,
    a_filmography_credit,
    a_person_fact,
    a_profile,
    a_run,
    a_title,
    cast_of,
    person_number,
)

RUN, LATER = a_run(), a_run("20260102T120000Z-test")
RUN_BY_A_SPREADSHEET = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1")

likely = st.text(st.sampled_from("'=+-@\t\r\n＝a "), min_size=1, max_size=6)


def opened(folder: Path, *, escape: bool) -> AbstractContextManager[CsvRepository]:
    return open_csv_repository(folder, escape_formulas=escape)


def cells_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def formulas_in(number: int, formula: str = "=1+1") -> Title:
    """A title with a formula in the place of every text."""
    credit = Credit(
        category=CreditCategory.DIRECTOR,
        position=1,
        name=formula,
        person_id=person_number(number).imdb_id,
        characters=(formula,),
    )
    return a_title(
        number,
        title=formula,
        original_title=formula,
        certificate=formula,
        plot=formula,
        genres=(formula,),
        credits=(credit,),
    )


def a_profile_of(formula: str = "=1+1", *, minutes_later: float = 0) -> PersonProfile:
    """A profile with a formula in the place of every text."""
    credit = a_filmography_credit(
        category=formula,
        title=formula,
        characters=(formula,),
        jobs=(formula,),
        attributes=(formula,),
    )
    return a_profile(
        minutes_later=minutes_later,
        name=formula,
        birth_place=formula,
        death_place=formula,
        professions=(formula,),
        biography=formula,
        filmography=(credit,),
        facts=(a_person_fact(text=formula, url=formula),),
    )


@given(text=likely | strategies.texts, formulas=st.booleans())
def test_a_cell_is_read_as_the_text_that_was_written(text: str, formulas: bool) -> None:
    assert unescaped(escaped(text, formulas=formulas)) == text


@given(text=likely | strategies.texts)
def test_no_escaped_cell_is_a_formula(text: str) -> None:
    assert not RUN_BY_A_SPREADSHEET.match(escaped(text, formulas=True))


@given(text=strategies.texts)
def test_a_text_that_is_no_formula_is_its_cell(text: str) -> None:
    if not re.match(rf"'*{RUN_BY_A_SPREADSHEET.pattern}", text):
        assert escaped(text, formulas=True) == escaped(text, formulas=False) == text


@pytest.mark.parametrize(
    ("text", "as_it_is", "without_formulas"),
    [
        ("=1", "=1", "'=1"),
        ("'=1", "''=1", "''=1"),
        ("''=1", "'''=1", "'''=1"),
        ("'", "'", "'"),
        ("'Round Midnight", "'Round Midnight", "'Round Midnight"),
        ("a=1", "a=1", "a=1"),
        ("", "", ""),
    ],
)
def test_cells(text: str, as_it_is: str, without_formulas: str) -> None:
    assert escaped(text, formulas=False) == as_it_is
    assert escaped(text, formulas=True) == without_formulas


@given(title=strategies.titles, text=likely, escape=st.booleans(), then=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_title_is_its_rows(title: Title, text: str, escape: bool, then: bool) -> None:
    title = replace(title, title=text, plot=text, certificate=f"-{text}")
    rows = TitleRows.of(title, "run", escape_formulas=escape)
    (cells,) = decode(rows.title)
    again = title_from(cells, [credit_from(row) for row in decode(rows.credits)])
    assert replace(again, credits=()) == replace(title, credits=())
    assert set(again.credits) == set(title.credits)
    rewritten = TitleRows.of(again, "run", escape_formulas=then)
    assert rewritten.are(rows.title, rows.credits)
    assert rewritten.have_the_facts_of(rows.title, rows.credits)


@given(profile=strategies.profiles, text=likely, escape=st.booleans(), then=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_profile_is_its_rows(
    profile: PersonProfile, text: str, escape: bool, then: bool
) -> None:
    profile = replace(profile, name=text, biography=text, birth_place=f"-{text}")
    rows = ProfileRows.of(profile, "run", escape_formulas=escape)
    (cells,) = decode(rows.profile)
    again = profile_from(
        cells,
        [filmography_credit_from(row) for row in decode(rows.credits)],
        [person_fact_from(row) for row in decode(rows.facts)],
    )
    assert again == profile
    rewritten = ProfileRows.of(again, "run", escape_formulas=then)
    assert rewritten.are(rows.facts, rows.credits, rows.profile)
    assert rewritten.have_the_facts_of(rows.facts, rows.credits, rows.profile)


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_any_file_is_run(tmp_path: Path, formula: str) -> None:
    title, profile = formulas_in(1, formula), a_profile_of(formula)
    with opened(tmp_path, escape=True) as repository:
        repository.save([title], RUN)
        repository.save_profiles([profile], RUN)
        assert list(repository.titles()) == [title]
        assert list(repository.profiles()) == [profile]
    files = ("titles.csv", "people.csv", "credits.csv", "profiles.csv", "filmography.csv")
    for name in (*files, "person_facts.csv"):
        (row,) = cells_of(tmp_path, name)
        assert [cell for cell in row.values() if RUN_BY_A_SPREADSHEET.match(cell)] == []
    with opened(tmp_path, escape=True) as repository:
        assert list(repository.titles()) == [title]
        assert list(repository.profiles()) == [profile]


def test_texts_are_as_they_are_unless_it_is_asked_for(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([formulas_in(1)], RUN)
    (row,) = cells_of(tmp_path, "titles.csv")
    assert row["title"] == row["original_title"] == row["certificate"] == row["plot"] == "=1+1"
    assert cells_of(tmp_path, "people.csv")[0]["name"] == "=1+1"


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    plain, guarded = tmp_path / "plain", tmp_path / "guarded"
    for folder, escape in ((plain, False), (guarded, True)):
        with opened(folder, escape=escape) as repository:
            repository.save([a_title(1), a_title(2, rating=0.0, votes=0)], RUN)
    for name in ("titles.csv", "people.csv", "credits.csv"):
        assert (plain / name).read_bytes() == (guarded / name).read_bytes()


@pytest.mark.parametrize("first", [True, False])
class TestSwitchingBetweenRuns:
    def test_the_same_facts_are_the_same(self, tmp_path: Path, first: bool) -> None:
        title = formulas_in(1)
        with opened(tmp_path, escape=first) as repository:
            repository.save([title], RUN)
        written = {path: path.read_bytes() for path in tmp_path.glob("*.csv")}
        with opened(tmp_path, escape=not first) as repository:
            assert repository.held_since([title.imdb_id], RUN) == {title.imdb_id}
            result = repository.save([title], RUN)
            assert (result.inserted, result.updated, result.unchanged) == (0, 0, 1)
            assert list(repository.titles()) == [title]
            assert repository.counts().people == 1
        assert {path: path.read_bytes() for path in tmp_path.glob("*.csv")} == written

    def test_a_later_page_with_the_same_facts_is_unchanged(
        self, tmp_path: Path, first: bool
    ) -> None:
        with opened(tmp_path, escape=first) as repository:
            repository.save([formulas_in(1), formulas_in(2)], RUN)
        seen_later = replace(formulas_in(1), provenance=a_title(1, minutes_later=5).provenance)
        with opened(tmp_path, escape=not first) as repository:
            result = repository.save([seen_later], LATER)
            assert (result.inserted, result.updated, result.unchanged) == (0, 0, 1)
        with opened(tmp_path, escape=first) as repository:
            assert list(repository.titles()) == [seen_later, formulas_in(2)]
            assert repository.counts().titles == 2
        later, before = cells_of(tmp_path, "titles.csv")
        assert (later["title"], before["title"]) == (
            ("=1+1", "'=1+1") if first else ("'=1+1", "=1+1")
        )
        assert {row["name"].lstrip("'") for row in cells_of(tmp_path, "people.csv")} == {"=1+1"}

    def test_a_profile_with_the_same_facts_is_unchanged(self, tmp_path: Path, first: bool) -> None:
        seen_later = a_profile_of(minutes_later=5)
        with opened(tmp_path, escape=first) as repository:
            repository.save_profiles([a_profile_of()], RUN)
        with opened(tmp_path, escape=not first) as repository:
            for again in (a_profile_of(), seen_later):
                result = repository.save_profiles([again], LATER)
                assert (result.inserted, result.updated, result.unchanged) == (0, 0, 1)
        with opened(tmp_path, escape=first) as repository:
            assert list(repository.profiles()) == [seen_later]
        (row,) = cells_of(tmp_path, "profiles.csv")
        (credit,) = cells_of(tmp_path, "filmography.csv")
        written = "=1+1" if first else "'=1+1"
        assert row["name"] == row["biography"] == credit["title"] == credit["category"] == written

    def test_a_person_is_renamed_once(self, tmp_path: Path, first: bool) -> None:
        named = Person(person_number(1).imdb_id, "'=x")
        with opened(tmp_path, escape=first) as repository:
            repository.save([a_title(1, credits=cast_of(person_number(1)))], RUN)
            repository.save([a_title(2, minutes_later=1, credits=cast_of(named))], RUN)
        with opened(tmp_path, escape=not first) as repository:
            repository.save([a_title(3, minutes_later=2, credits=cast_of(named))], RUN)
            assert not (tmp_path / ".updates").exists()
        assert [row["name"] for row in cells_of(tmp_path, "people.csv")] == ["''=x"]


@given(
    texts=st.lists(likely, min_size=1, max_size=6),
    settings_of_runs=st.lists(st.booleans(), min_size=1, max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_any_run_of_settings_loses_doubles_and_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], settings_of_runs: list[bool]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    for number, escape in enumerate(settings_of_runs):
        batch = [
            replace(
                formulas_in(place, text),
                provenance=a_title(1, minutes_later=number).provenance,
            )
            for place, text in enumerate(texts, 1)
        ]
        with opened(folder, escape=escape) as repository:
            result = repository.save(batch, a_run(f"run-{number}"))
            assert result.updated == 0
    with opened(folder, escape=not settings_of_runs[-1]) as repository:
        assert list(repository.titles()) == batch
    assert [unescaped(row["name"]) for row in cells_of(folder, "people.csv")] == texts


@pytest.mark.parametrize("escape", [True, False])
def test_texts_of_details_are_escaped_and_read_back_too(tmp_path: Path, escape: bool) -> None:
    detail = a_detail(DetailName.AKAS, AlternativeTitle(title="=1+1", attributes=("@a",)))
    title = replace(a_title(1), details=(detail,))
    with opened(tmp_path, escape=escape) as repository:
        repository.save([title], RUN)
    (row,) = cells_of(tmp_path, "akas.csv")
    assert row["title"] == ("'=1+1" if escape else "=1+1")
    with opened(tmp_path, escape=not escape) as repository:
        assert list(repository.titles()) == [title]
        assert repository.save([title], LATER).unchanged == 1
