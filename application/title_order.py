"""The order of titles: ``-rating,title`` is the best first, those of one rating by title."""

from dataclasses import dataclass

from application.title_fields import FIELDS, TitleField, suggestion
from domain.errors import InvalidSelection


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by. Unknown comes last, whichever way; text goes by code points."""

    field: TitleField
    descending: bool = False


def parse_order(text: str) -> tuple[SortKey, ...]:
    """Read fields separated by commas, those from the top down with a minus before them.

    Raises `InvalidSelection`.
    """
    keys: list[SortKey] = []
    for part in text.split(","):
        name = part.strip().removeprefix("-").strip()
        if name not in FIELDS:
            sortable = [field.name for field in FIELDS.values() if not field.is_list]
            raise InvalidSelection(f"cannot sort by {name!r}{suggestion(name, sortable)}")
        field = FIELDS[name]
        if field.is_list:
            raise InvalidSelection(f"cannot sort by {name}: it is a list")
        if any(key.field is field for key in keys):
            raise InvalidSelection(f"cannot sort by {name} twice")
        keys.append(SortKey(field, descending=part.strip().startswith("-")))
    return tuple(keys)
