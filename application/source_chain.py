"""Several sources behind one: when one of them refuses us, the next one is asked."""

import logging
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from application.detail_fetcher import Id, Item, PutBack
from application.ports import (
    CircuitBreaker,
    PersonOutcome,
    PersonSource,
    Source,
    TitleOutcome,
    TitleSource,
)
from domain.chart import Chart, ChartName
from domain.details import DetailName
from domain.errors import (
    ChartNotFound,
    PersonNotFound,
    RunStopped,
    ScraperError,
    SourceBlocked,
    SourceError,
    SourceLeftAlone,
    SourceUnavailable,
    TitleError,
    TitleNotFound,
)
from domain.identifiers import NameId, TitleId
from domain.run import DetailFailure
from shared.log_context import note_asked

logger = logging.getLogger(__name__)

_Error = TypeVar("_Error", bound=TitleError | SourceError)
_Source = TypeVar("_Source", bound=Source)

_Ask = Callable[[_Source, Sequence[Id]], Sequence[Item | TitleError | SourceError]]

PATIENCE = 20
"""Answers in a row that a source may fail to give before it is left alone for a while."""

DETAILED_TITLES = 10
"""With details no more titles are fetched by one thread at once: each may take many requests."""

_NOT_HERE = {TitleNotFound.reason, PersonNotFound.reason, ChartNotFound.reason}

REST_SECONDS = 60.0
"""How long; twice as long each time that a title asked for as a trial fails, too."""


class Chain(Generic[_Source]):
    """Asks its sources in order, and leaves one alone that blocks us or cannot be reached.

    Each source has a circuit breaker, made by ``new_circuit``. It opens at the first challenge,
    when asking the source's host again is hopeless, or after `PATIENCE` failures in a row; after a
    rest one title, or person, is asked for as a trial. ``tell`` is called when a source is given
    up, the first time, and when it answers again. What one source cannot give is asked of the next
    one, but not while a run is stopped.

    Chains that come one after the other, or are at work in several processes, may share
    ``circuits``, by the names of sources: what one of them was refused the others leave alone.

    ``notices`` has what was told, also by the sources themselves (see `tell`), ``detail_failures``
    the details that they could not give of titles (see `note_detail_failure`). Any number of
    threads may call it at the same time; a lock guards what is remembered of the sources, and the
    circuits guard themselves.
    """

    name = "chain"

    def __init__(
        self,
        sources: Sequence[_Source],
        tell: Callable[[str], None],
        new_circuit: Callable[[], CircuitBreaker],
        circuits: Mapping[str, CircuitBreaker] | None = None,
    ) -> None:
        if not sources:
            raise ValueError("a chain needs at least one source")
        self._sources = tuple(sources)
        self._tell = tell
        self._lock = threading.Lock()
        self._are_shared = circuits is not None
        self._circuits = {
            source.name: (circuits or {}).get(source.name) or new_circuit() for source in sources
        }
        self._given_up: dict[str, SourceError] = {}
        self.notices: tuple[str, ...] = ()
        self._detail_failures: list[DetailFailure] = []

    def tell(self, notice: str) -> None:
        """Tell something that a source has to say to the user, and remember it for the report."""
        with self._lock:
            self.notices = (*self.notices, notice)
        self._tell(notice)

    def note_detail_failure(self, failure: DetailFailure) -> None:
        """Remember for the report what a source could not give of a title that it gives."""
        logger.debug("%s comes without %s: %s", failure.imdb_id, failure.detail, failure.message)
        with self._lock:
            self._detail_failures.append(failure)

    @property
    def detail_failures(self) -> tuple[DetailFailure, ...]:
        """What was noted."""
        with self._lock:
            return tuple(self._detail_failures)

    @property
    def circuits(self) -> Mapping[str, bool]:
        """Whether the circuit of each source is open: True for those that are left alone now."""
        return {name: circuit.is_open for name, circuit in self._circuits.items()}

    @property
    def exhausted(self) -> bool:
        """True when every source has been given up: asking for more is pointless.

        With shared circuits: when none may be asked now.
        """
        if self._are_shared:
            return self.rest_seconds > 0
        return all(circuit.is_open for circuit in self._circuits.values())

    @property
    def rest_seconds(self) -> float:
        """How long no source may be asked; 0 when one may now."""
        return min(circuit.rest_seconds for circuit in self._circuits.values())

    @property
    def batch_size(self) -> int:
        """How many titles, or people, one request takes with the source that is asked first."""
        return next((s.batch_size for s in self._sources if not self._circuits[s.name].is_open), 1)

    def _outcomes(
        self,
        ids: Sequence[Id],
        ask: _Ask[_Source, Id, Item],
        cut_for: int | None,
        most: int = sys.maxsize,
    ) -> Sequence[Item | TitleError | SourceError]:
        """Give one outcome for each id, in their order; an outcome may be any source's error.

        No more than ``most`` are ever asked for together, whatever a source takes. Raises
        `RunStopped` when the run is stopped before all of them are there, and `PutBack`.
        """
        found: dict[Id, Item] = {}
        errors: dict[Id, list[ScraperError]] = {imdb_id: [] for imdb_id in ids}
        asked = set()
        for source in self._allowed():
            size = min(source.batch_size, most)
            if cut_for is not None and self._takes_more(size, cut_for, errors):
                self._circuits[source.name].withdraw()
                raise PutBack
            asked.add(source.name)
            missing = [imdb_id for imdb_id in ids if imdb_id not in found]
            for imdb_id, outcome in self._asked_of(source, missing, ask):
                if isinstance(outcome, ScraperError):
                    errors[imdb_id].append(outcome)
                else:
                    found[imdb_id] = outcome
            if len(found) == len(errors):
                break
        # What one source lacks may be had from another, that could not be asked.
        not_asked = self._why_given_up(but_for=asked)
        for known in errors.values():
            known.extend(not_asked)
        return [found.get(i) or _most_telling(errors[i]) for i in ids]

    def _takes_more(
        self, size: int, cut_for: int, errors: Mapping[Id, Sequence[ScraperError]]
    ) -> bool:
        """Whether ids that were cut for small requests had better be cut anew for this size.

        Only when the sources before it are given up, and have said nothing of one of the ids: that
        they have been given up is known also when the ids come again.
        """
        said = (error for known in errors.values() for error in known)
        return min(size, self.batch_size) > cut_for and not any(
            isinstance(error, TitleError) for error in said
        )

    def _asked_of(
        self, source: _Source, ids: Sequence[Id], ask: _Ask[_Source, Id, Item]
    ) -> Iterator[tuple[Id, Item | TitleError | SourceError]]:
        """Outcomes of the ids from one source, in requests of its size; stops when it fails."""
        size = source.batch_size  # once: it may become smaller meanwhile
        for start in range(0, len(ids), size):
            batch = ids[start : start + size]
            note_asked(source=source.name, route=None, attempt=None)
            try:
                with self._noted(source):
                    outcomes = ask(source, batch)
            except RunStopped:
                raise
            except SourceError as error:
                _bare(error)
                yield from ((imdb_id, error) for imdb_id in ids[start:])
                return
            for imdb_id, outcome in zip(batch, outcomes, strict=True):
                yield imdb_id, _bare(outcome) if isinstance(outcome, ScraperError) else outcome

    def _allowed(self) -> Iterator[_Source]:
        """The sources that may be asked now. Each that is given is asked: it may be on trial."""
        return (source for source in self._sources if self._circuits[source.name].allows())

    def _why_given_up(self, *, but_for: Collection[str] = ()) -> list[SourceError]:
        """The errors of the sources that were given up: one at least when none may be asked."""
        with self._lock:
            given_up = dict(self._given_up)
        return [
            given_up.get(source.name) or SourceLeftAlone(source.name)
            for source in self._sources
            if source.name not in but_for
        ]

    @contextmanager
    def _noted(self, source: _Source) -> Iterator[None]:
        """Tell the source's circuit how asking it in the block has ended, however it has."""
        try:
            yield
        except RunStopped:
            self._circuits[source.name].withdraw()
            raise
        except SourceError as error:
            self._note_failure(source, error)
            raise
        except TitleError:
            self._note_success(source)
            raise
        except BaseException:  # a bug, which says nothing of the source
            self._circuits[source.name].withdraw()
            raise
        self._note_success(source)

    def _note_success(self, source: _Source) -> None:
        if self._circuits[source.name].succeeded():
            self.tell(f"source {source.name} answers again")

    def _note_failure(self, source: _Source, error: SourceError) -> None:
        logger.debug("source %s: %s", source.name, error)
        circuit = self._circuits[source.name]
        hopeless = isinstance(error, SourceBlocked) or (
            isinstance(error, SourceUnavailable) and error.hopeless
        )
        # Whoever finds the circuit open may ask why at once.
        with self._lock:
            if not (circuit.trip() if hopeless else circuit.failed()):
                return
            is_known = source.name in self._given_up
            self._given_up[source.name] = error
            if is_known:
                return
            left = [s.name for s in self._sources if not self._circuits[s.name].is_open]
        then = f"going on with {left[0]}" if left else "no other source is left"
        self.tell(f"source {source.name} is given up for now: {error}; {then}")


class SourceChain(Chain[TitleSource]):
    """Sources of titles; see `Chain`.

    A title comes with the details that the source which gives it can give; what it cannot is told
    once. Nobody else is asked for them: the rest of the title would be fetched twice.
    """

    def __init__(
        self,
        sources: Sequence[TitleSource],
        tell: Callable[[str], None],
        new_circuit: Callable[[], CircuitBreaker],
        circuits: Mapping[str, CircuitBreaker] | None = None,
    ) -> None:
        super().__init__(sources, tell, new_circuit, circuits)
        self._told_of_details: set[str] = set()

    @property
    def gives(self) -> frozenset[DetailName]:
        """The details that every source gives: titles have them, whoever they come from."""
        return frozenset.intersection(*(frozenset(source.gives) for source in self._sources))

    def chart(self, name: ChartName) -> Chart:
        """Give the chart from the first source that has it; raise what kept it from us."""
        errors: list[ScraperError] = []
        for source in self._allowed():
            try:
                with self._noted(source):
                    return source.chart(name)
            except RunStopped:
                raise
            except (SourceError, TitleError) as error:
                errors.append(error)
        raise _most_telling(errors or self._why_given_up())

    def titles(
        self,
        ids: Sequence[TitleId],
        details: Sequence[DetailName] = (),
        cut_for: int | None = None,
    ) -> Sequence[TitleOutcome]:
        """Give one outcome for each id, in their order; an outcome may be any source's error.

        Titles come with those of the ``details`` that their source can give. Raises `RunStopped`
        when the run is stopped before all of them are there. With ``cut_for``, the size of requests
        for which the ids were cut, raises `PutBack` when the sources with requests of that size are
        given up, and the next one takes more at a time.
        """
        return self._outcomes(
            ids,
            lambda source, wanted: source.titles(wanted, self._asked_for(source, details)),
            cut_for,
            _most_with(details),
        )

    def batch_size_with(self, details: Collection[DetailName]) -> int:
        """How many titles one request takes when they come with details; see `batch_size`."""
        return min(self.batch_size, _most_with(details))

    def _asked_for(
        self, source: TitleSource, details: Sequence[DetailName]
    ) -> tuple[DetailName, ...]:
        """The details that a source can give; the others are told, once."""
        given = tuple(name for name in details if name in source.gives)
        if len(given) < len(details):
            with self._lock:
                is_news = source.name not in self._told_of_details
                self._told_of_details.add(source.name)
            if is_news:
                lacking = ", ".join(name for name in details if name not in given)
                self.tell(f"source {source.name} has no {lacking}: its titles come without")
        return given


class PersonChain(Chain[PersonSource]):
    """Sources of people; see `Chain`."""

    def people(self, ids: Sequence[NameId], cut_for: int | None = None) -> Sequence[PersonOutcome]:
        """Give one outcome for each id; as `SourceChain.titles`."""
        return self._outcomes(ids, lambda source, wanted: source.people(wanted), cut_for)


def _most_with(details: Collection[DetailName]) -> int:
    return DETAILED_TITLES if details else sys.maxsize


def _bare(error: _Error) -> _Error:
    """The error without its traceback, whose frames would keep whole pages in memory."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def _most_telling(errors: Sequence[ScraperError]) -> TitleError | SourceError:
    """Of several sources' errors the one to report: the first that is more than "not here"."""
    known = [error for error in errors if isinstance(error, TitleError | SourceError)]
    telling = [error for error in known if error.reason not in _NOT_HERE]
    return (telling or known)[0]
