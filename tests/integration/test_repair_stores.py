"""Repair of two real stores with any contents makes them equal and loses nothing newer."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.composite_save import CompositeSave
from application.ports import RepositoryOpener
from application.repair import Repair
from domain.details import Detail, DetailName
from domain.errors import RepositoryUnavailable
from domain.identifiers import NameId, TitleId
from domain.person_profile import PersonProfile
from domain.run import RunOutcome
from domain.title import Title
from infrastructure.container import open_repair, running
from shared.config import Settings
from tests import strategies
from tests.builders import NOON, a_run, a_title, title_number
from tests.contract.factories import CsvFactory, PostgresFactory, held, in_billing_order
from tests.databases import execute
from tests.fakes import FakeRepository, RecordingObserver

RUN = a_run("20260102T120000Z-repair", command="repair", chart=None, sources=())

few_moments = st.integers(0, 2).map(lambda minutes: NOON + timedelta(minutes=minutes))
few_ids = st.integers(1, 4).map(title_number)
versions = st.builds(
    lambda title, imdb_id, details: replace(title, imdb_id=imdb_id, details=details),
    strategies.titles,
    few_ids,
    strategies.detail_lists((DetailName.AKAS, DetailName.BOX_OFFICE), few_moments),
)


def newest_of(*stores: dict[TitleId, Title]) -> dict[TitleId, Title]:
    """Of each title, and of each detail, the newest version; of two as new the first store's."""
    newest: dict[TitleId, Title] = {}
    details: dict[TitleId, dict[DetailName, Detail]] = {}
    for store in stores:
        for imdb_id, title in store.items():
            keep_newer(newest, imdb_id, title)
            for detail in title.details:
                keep_newer(details.setdefault(imdb_id, {}), detail.name, detail)
    return {
        imdb_id: replace(title, details=tuple(details.get(imdb_id, {}).values()))
        for imdb_id, title in newest.items()
    }


def keep_newer(kept: dict, key: str, value: Title | Detail) -> None:
    known = kept.get(key)
    if known is None or known.provenance.fetched_at < value.provenance.fetched_at:
        kept[key] = value


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    in_csv=st.lists(versions, max_size=5),
    in_postgres=st.lists(versions, max_size=5),
    in_both=st.lists(versions, max_size=2),
    same_time=st.none() | st.tuples(versions, strategies.texts),
)
def test_repair_levels_any_two_stores(postgres_url, in_csv, in_postgres, in_both, same_time):
    if same_time is not None:
        title, other = same_time
        in_csv, in_postgres = [*in_csv, title], [*in_postgres, replace(title, title=other)]
    with TemporaryDirectory() as folder:
        execute(postgres_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        csv, postgres = CsvFactory(Path(folder)), PostgresFactory(postgres_url)
        with csv() as one, postgres() as two:
            one.save([*in_csv, *in_both], a_run())
            two.save([*in_both, *in_postgres], a_run())
            expected = newest_of(held(one), held(two))
        openers = [RepositoryOpener("csv", csv), RepositoryOpener("postgres", postgres)]
        with CompositeSave(openers, RecordingObserver()) as save:
            repair = Repair(save, threading.Event(), lambda *how_far: None)
            report = repair.level(repair.compare(), RUN)
        assert report.outcome is RunOutcome.COMPLETE
        with csv() as one, postgres() as two:
            assert held(one) == held(two)
            assert held(one) == {i: in_billing_order(t) for i, t in expected.items()}
            assert one.counts().titles == two.counts().titles == len(expected)
        with CompositeSave(openers, RecordingObserver()) as save:
            assert Repair(save, threading.Event(), lambda *how_far: None).compare().count == 0


profiles = st.builds(
    lambda profile, number, moment: replace(
        profile,
        imdb_id=NameId(f"nm{number:07d}"),
        provenance=replace(profile.provenance, fetched_at=moment),
    ),
    strategies.profiles,
    st.integers(1, 4),
    few_moments,
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    in_csv=st.lists(profiles, max_size=4),
    in_postgres=st.lists(profiles, max_size=4),
    in_both=st.lists(profiles, max_size=2),
)
def test_repair_levels_the_people_of_any_two_stores(postgres_url, in_csv, in_postgres, in_both):
    with TemporaryDirectory() as folder:
        execute(postgres_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        csv, postgres = CsvFactory(Path(folder)), PostgresFactory(postgres_url)
        with csv() as one, postgres() as two:
            one.save_profiles([*in_csv, *in_both], a_run())
            two.save_profiles([*in_both, *in_postgres], a_run())
            expected: dict[NameId, PersonProfile] = {}
            for profile in (*one.profiles(), *two.profiles()):
                known = expected.setdefault(profile.imdb_id, profile)
                if known.provenance.fetched_at < profile.provenance.fetched_at:
                    expected[profile.imdb_id] = profile
        openers = [RepositoryOpener("csv", csv), RepositoryOpener("postgres", postgres)]
        with CompositeSave(openers, RecordingObserver()) as save:
            repair = Repair(save, threading.Event(), lambda *how_far: None)
            report = repair.level(repair.compare(), RUN)
        assert report.outcome is RunOutcome.COMPLETE
        with csv() as one, postgres() as two:
            for store in (one, two):
                assert {profile.imdb_id: profile for profile in store.profiles()} == expected
                assert dict(store.profile_versions()) == {
                    imdb_id: profile.provenance.fetched_at for imdb_id, profile in expected.items()
                }
        with CompositeSave(openers, RecordingObserver()) as save:
            assert Repair(save, threading.Event(), lambda *how_far: None).compare().is_level


def test_the_waiting_for_a_repository_ends_with_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = FakeRepository("b")
    away.errors_on_reading = [RepositoryUnavailable("b", "is away", transient=True)] * 1000
    stores = [FakeRepository("a"), away]
    for store in stores:
        store.save([a_title(1)], a_run())
    openers = [store.opener() for store in stores]
    monkeypatch.setattr(running, "repository_openers", lambda settings: openers)
    stop = threading.Event()

    class Impatient(RecordingObserver):
        def notice(self, message: str) -> None:
            if message.startswith("waiting for b, at most 3600 s (Ctrl-C"):
                stop.set()

    settings_ = Settings(output_dir=tmp_path, repository_wait_seconds=3600)
    with (
        open_repair(settings_, Impatient(), stop, lambda *how_far: None) as repair,
        pytest.raises(RepositoryUnavailable, match="b: cannot be read"),
    ):
        repair.compare()
