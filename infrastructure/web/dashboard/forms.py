"""What a form of a page asks for: as the API's parameters, and a field left empty is not there."""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.datastructures import QueryParams

from domain.errors import InvalidCursor, InvalidFilter
from infrastructure.web.parameters import Parameters

Given = TypeVar("Given", bound=Parameters)


class InvalidForm(Exception):
    """What was asked for cannot be; ``problems`` say why, in words for the user."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def filled(given: QueryParams) -> list[tuple[str, str]]:
    """The fields that have something in them."""
    return [(name, value.strip()) for name, value in given.multi_items() if value.strip()]


def read_form(model: type[Given], given: QueryParams, lists: Sequence[str] = ()) -> Given:
    """Read the fields; those of ``lists`` may be there several times. Raises `InvalidForm`."""
    values: dict[str, Any] = {}
    for name, value in filled(given):
        if name in lists:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidForm(
            [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        ) from error


def problems_of(error: InvalidForm | InvalidFilter | InvalidCursor) -> tuple[str, ...]:
    """What is wrong, a text for each thing."""
    return error.problems if isinstance(error, InvalidForm) else (str(error),)


def address_of_next(path: str, given: QueryParams, after: str) -> str:
    """The address of the page after the one that was asked for."""
    return address_with(path, given, after=after)


def address_with(path: str, given: QueryParams, **changes: str | None) -> str:
    """The address that was asked for with some fields changed, or left out where ``None``.

    It is that of a first page, unless ``after`` is one of the changes.
    """
    left = changes.keys() | {"after"}
    pairs = [pair for pair in filled(given) if pair[0] not in left]
    pairs += [(name, value) for name, value in changes.items() if value is not None]
    return f"{path}?{urlencode(pairs)}" if pairs else path
