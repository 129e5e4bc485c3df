"""What is kept in memory of the files: some 60 bytes a title, and some 35 a person.

Dictionaries of objects would take five times as much, and with many titles that is most of a run's
memory. Nothing here is safe for threads: whoever calls it holds the folder's lock.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from domain.identifiers import NameId, TitleId

_FEWEST_DIGITS = 7
_FEWEST_SLOTS = 1 << 8
_NO_NAME = 0


class IdIndex:
    """Gives each id, ``tt`` or ``nm`` and digits, a number: 0, 1, 2, ... as they come.

    A hash table in two arrays: the ids by number, and slots, of which each has the number, plus
    one, of an id that belongs there or in a slot before it (0: none). Ids are compared as such, so
    no two are ever taken for one.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._keys = array("Q")
        self._slots = array("I", bytes(4 * _FEWEST_SLOTS))

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        """Give the ids in the order of their numbers."""
        for key in self._keys:
            yield f"{self._prefix}{key >> 4:0{(key & 15) + _FEWEST_DIGITS}d}"

    def find(self, imdb_id: str) -> int | None:
        """Give the id's number, or ``None`` when it has none."""
        keys, slots = self._keys, self._slots
        key = int(imdb_id[2:]) << 4 | len(imdb_id) - 2 - _FEWEST_DIGITS
        last = len(slots) - 1
        place = hash((key,)) & last
        while number := slots[place]:
            if keys[number - 1] == key:
                return number - 1
            place = (place + 1) & last
        return None

    def add(self, imdb_id: str) -> int:
        """Give the next number to an id that has none."""
        # 64 bits that no other id of its kind has: leading zeros count.
        self._keys.append(int(imdb_id[2:]) << 4 | len(imdb_id) - 2 - _FEWEST_DIGITS)
        count = len(self._keys)
        if 2 * count <= len(self._slots):
            self._put(count)
        else:
            self._slots = array("I", bytes(8 * len(self._slots)))
            for number in range(1, count + 1):
                self._put(number)
        return count - 1

    def _put(self, number: int) -> None:
        slots = self._slots
        last = len(slots) - 1
        place = hash((self._keys[number - 1],)) & last
        while slots[place]:
            place = (place + 1) & last
        slots[place] = number


class HeldTitle(NamedTuple):
    """A title in the files: when it was fetched (see `rows.moment_of`), and where it stands.

    The places are bytes: its row in ``titles.csv``, its credits' rows in ``credits.csv``.
    """

    imdb_id: TitleId
    fetched_at: int
    title_start: int
    title_end: int
    credits_start: int = 0
    credits_end: int = 0
    credits_count: int = 0


class TitleIndex:
    """The titles of a file, in its order: when each was fetched, and where it stands."""

    def __init__(self) -> None:
        self._ids = IdIndex("tt")
        self._fetched_at = array("q")
        self._title_starts = array("Q")
        self._title_sizes = array("I")
        self._credits_starts = array("Q")
        self._credits_sizes = array("I")
        self._credits_counts = array("I")
        self.credits_count = 0

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, imdb_id: TitleId) -> bool:
        return self._ids.find(imdb_id) is not None

    def __iter__(self) -> Iterator[HeldTitle]:
        """Give the titles that there are now."""
        return map(self._held, range(len(self)), self._ids)

    def get(self, imdb_id: TitleId) -> HeldTitle | None:
        """Give what is held of a title, or ``None``."""
        number = self._ids.find(imdb_id) if len(self._ids) else None
        return None if number is None else self._held(number, imdb_id)

    def add(self, title: HeldTitle) -> None:
        """Hold a title that is not held yet."""
        self._ids.add(title.imdb_id)
        self._fetched_at.append(title.fetched_at)
        self._title_starts.append(title.title_start)
        self._title_sizes.append(title.title_end - title.title_start)
        self._credits_starts.append(title.credits_start)
        self._credits_sizes.append(title.credits_end - title.credits_start)
        self._credits_counts.append(title.credits_count)
        self.credits_count += title.credits_count

    def add_credits(self, imdb_id: TitleId, start: int, size: int, count: int) -> None:
        """Hold the credits of a title that is held and has none."""
        number = self._ids.find(imdb_id)
        if number is None:
            raise KeyError(imdb_id)
        self._credits_starts[number] = start
        self._credits_sizes[number] = size
        self._credits_counts[number] = count
        self.credits_count += count

    def _held(self, number: int, imdb_id: str) -> HeldTitle:
        title_start, credits_start = self._title_starts[number], self._credits_starts[number]
        return HeldTitle(
            TitleId(imdb_id),
            self._fetched_at[number],
            title_start,
            title_start + self._title_sizes[number],
            credits_start,
            credits_start + self._credits_sizes[number],
            self._credits_counts[number],
        )


class PeopleIndex:
    """People: by which name each stands in a file, and when the newest page with each was had.

    A name is known by its hash of 64 bits, which is the process's own. That two names of one person
    have the same hash is as good as impossible, and would cost no more than the newer name.
    """

    def __init__(self) -> None:
        self._ids = IdIndex("nm")
        self._names = array("q")
        self._moments = array("q")
        self.named = 0

    def find(self, person_id: NameId) -> int | None:
        """Give the number of a person who stands in the file, or ``None``."""
        number = self._ids.find(person_id) if self.named else None
        return None if number is None or self._names[number] == _NO_NAME else number

    def is_named(self, number: int, name: str) -> bool:
        """Tell whether the person stands in the file by this name."""
        return self._names[number] == _name_key(name)

    def moment(self, person_id: NameId) -> int | None:
        """Give when the newest page that credits the person was had, or ``None`` for nobody."""
        number = self._ids.find(person_id)
        return None if number is None else self._moments[number]

    def name(self, person_id: NameId, name: str, moment: int) -> None:
        """Note the name by which a person stands in the file, had from a page of that moment."""
        number = self.see(person_id, moment)
        self.named += self._names[number] == _NO_NAME
        self._names[number] = _name_key(name)

    def see(self, person_id: NameId, moment: int) -> int:
        """Note that a page of that moment credits a person; give the person's number."""
        number = self._ids.find(person_id)
        if number is None:
            number = self._ids.add(person_id)
            self._names.append(_NO_NAME)
            self._moments.append(moment)
        else:
            self.see_again(number, moment)
        return number

    def see_again(self, number: int, moment: int) -> None:
        """Note that a page of that moment credits a person who is known."""
        self._moments[number] = max(self._moments[number], moment)


def _name_key(name: str) -> int:
    return hash(name) or 1
