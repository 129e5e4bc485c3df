"""Filler that brings pages to the weight of IMDb's own without saying anything.

A title page of IMDb weighs about 1.5 MB (225 to 290 kB compressed). Some 45 percent of it is the
JSON of ``__NEXT_DATA__``, most of that translated texts of the user interface and fields about
images, videos and reviews; the rest is markup with generated class names. The filler has the same
three parts in similar shares, and its words and hashes are mixed so that it compresses as well as
the real thing. It is the same at every start: the generator is seeded.
"""

import itertools
import json
import math
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from demo.body import Piece, piece

BLOCK_BYTES = 32_768
"""Size of a block of filler: pages are padded by whole blocks, which are compressed once."""

_SEED = 250
_SYLLABLES = ("ba", "cor", "de", "fin", "go", "lan", "me", "nu", "pres", "ri", "sto", "ta", "ver")
_VOCABULARY_SIZE = 300
_CLASSES = 100
_BASE64 = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


class Place(Enum):
    """Where on a page a block of filler goes."""

    MARKUP = "markup"
    """Elements in the body of the document."""
    FIELDS = "fields"
    """Members of the JSON object that holds the facts, beside those facts."""
    TEXTS = "texts"
    """Members of the JSON object that holds the texts of the user interface."""


_MIX = (Place.MARKUP, Place.TEXTS) * 4 + (Place.MARKUP, Place.FIELDS, Place.MARKUP)
"""The places in turn: 6 of 11 blocks are markup, 4 are texts and 1 is fields."""


@dataclass(frozen=True, slots=True)
class FillerBlock:
    """A block of filler and its place. JSON members end with a comma: more members follow."""

    place: Place
    piece: Piece


class Filler:
    """Blocks that pad pages to ``page_bytes`` bytes, made once and shared by all pages."""

    def __init__(self, page_bytes: int) -> None:
        self._page_bytes = page_bytes
        writer = _Writer(random.Random(_SEED))  # noqa: S311 - filler, not a secret
        count = math.ceil(page_bytes / BLOCK_BYTES)
        self._blocks = tuple(writer.block(_MIX[n % len(_MIX)], n) for n in range(count))

    def blocks_for(self, natural_bytes: int) -> tuple[FillerBlock, ...]:
        """The blocks that bring a page of ``natural_bytes`` to ``page_bytes`` or just above.

        Just above is less than a block too much. A page that weighs more by itself gets none.
        """
        missing = self._page_bytes - natural_bytes
        count = 0
        while missing > 0 and count < len(self._blocks):
            missing -= len(self._blocks[count].piece.plain)
            count += 1
        return self._blocks[:count]


class _Writer:
    """Writes filler from one random generator."""

    def __init__(self, generator: random.Random) -> None:
        self._random = generator
        self._words = [
            "".join(generator.choices(_SYLLABLES, k=generator.randint(1, 4)))
            for _ in range(_VOCABULARY_SIZE)
        ]
        self._classes = [f"sc-{self._letters(_HEX, 8)}-{n % 12}" for n in range(_CLASSES)]

    def block(self, place: Place, number: int) -> FillerBlock:
        write: dict[Place, Callable[[int], Iterator[str]]] = {
            Place.MARKUP: self._markup,
            Place.FIELDS: self._fields,
            Place.TEXTS: self._texts,
        }
        parts: list[str] = []
        size = 0
        for part in write[place](number):
            parts.append(part)
            size += len(part)
            if size >= BLOCK_BYTES:
                break
        return FillerBlock(place, piece("".join(parts).encode()))

    def _letters(self, alphabet: str, count: int) -> str:
        return "".join(self._random.choices(alphabet, k=count))

    def _sentence(self) -> str:
        words = self._random.choices(self._words, k=self._random.randint(4, 14))
        return " ".join(words).capitalize() + "."

    def _image(self) -> str:
        return f"/images/M/{self._letters(_BASE64, 16)}._V1_.jpg"

    def _markup(self, number: int) -> Iterator[str]:
        while True:
            outer, inner = self._random.sample(self._classes, k=2)
            image = self._image()
            sizes = ", ".join(f"{image}?width={width} {width}w" for width in (140, 210, 280, 420))
            yield (
                f'<div class="ipc-sub-grid-item ipc-sub-grid-item--span-2 {outer}" role="group" '
                f'data-block="{number}"><div class="ipc-media ipc-media--base ipc-media__img">'
                f'<img alt="" class="ipc-image" loading="lazy" data-src="{image}" '
                f'data-srcset="{sizes}" sizes="50vw, (min-width: 480px) 34vw"/></div>'
                f'<div class="ipc-html-content ipc-html-content--base {inner}">'
                f"{self._sentence()}</div></div>"
            )

    def _fields(self, number: int) -> Iterator[str]:
        for position in itertools.count():
            value = {
                "id": f"rm{self._random.randrange(10**9)}",
                "url": self._image(),
                "width": self._random.randrange(400, 4000),
                "height": self._random.randrange(400, 4000),
                "caption": {"plainText": self._sentence(), "__typename": "Markdown"},
                "__typename": "Image",
            }
            yield f'"filler{number}_{position}":{json.dumps(value, separators=(",", ":"))},'

    def _texts(self, number: int) -> Iterator[str]:
        for position in itertools.count():
            key = "_".join(self._random.choices(self._words, k=3))
            yield f'"filler{number}_{position}_{key}":"{self._sentence()}",'
