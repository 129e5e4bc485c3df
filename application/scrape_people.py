"""Fetch people with many threads and save their profiles everywhere."""

import threading
from collections.abc import Callable
from datetime import datetime

from application.composite_save import CompositeSave
from application.detail_fetcher import FetchLoad
from application.ports import RunObserver, TitleRepository
from application.scrape_titles import Scrape, utc_now
from application.source_chain import PersonChain
from domain.identifiers import NameId
from domain.person_profile import PersonProfile
from domain.run import ProfileCounts


class ScrapePeople(Scrape[NameId, PersonProfile]):
    """Fetches people and saves the profile of each in every repository; see `Scrape`."""

    def __init__(
        self,
        source: PersonChain,
        save: CompositeSave,
        observer: RunObserver,
        *,
        max_threads: int,
        stop: threading.Event,
        now: Callable[[], datetime] = utc_now,
        load: FetchLoad | None = None,
    ) -> None:
        super().__init__(
            source,
            lambda _run: source.people,
            save,
            observer,
            batch_size=lambda _run: source.batch_size,
            count=_profiles_held,
            max_threads=max_threads,
            stop=stop,
            now=now,
            load=load,
        )


def _profiles_held(repository: TitleRepository) -> ProfileCounts:
    return repository.profile_counts()
