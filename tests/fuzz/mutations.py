"""Damages an input so that it still looks like what it was: a page stays a page.

A mutator that flips bytes seldom gets past the decoding of the JSON. These work on the parts that
are read: the JSON of ``__NEXT_DATA__`` and the JSON-LD as trees, the markup as a list of tags and
texts. All are pure: the same input and the same random generator give the same output.
"""

import json
import random
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

Mutator = Callable[[bytes, random.Random], bytes]

_JSON_SCRIPT = re.compile(
    rb"""(<script\b[^>]*(?:__NEXT_DATA__|ld\+json)[^>]*>)(.*?)(</script)""", re.DOTALL
)
_TOKEN = re.compile(rb"<[^<>]*>|[^<>]+|[<>]")
_ATTRIBUTE = re.compile(rb"""(\s[a-zA-Z-]+)=["']?([^"'>]*)["']?""")
_WORD = re.compile(rb"[A-Za-z0-9_.]+")
_RAW = "\ue000raw%d\ue000"
LARGEST = 15_000
"""Bytes of an input: what is wrong with a larger one is, nearly always, with a smaller one too."""
_LONG = 5000
"""Longer than the 4300 digits that Python turns into a number, and deeper than it recurses."""

RAW_VALUES = (
    "[" * _LONG + "]" * _LONG,
    '{"a":' * _LONG + "1" + "}" * _LONG,
    "[" * 900 + "]" * 900,
    "9" * _LONG,
    "-" + "9" * 4000,
    "0." + "3" * _LONG,
    "1e999",
    "-1e999",
    "1e-999",
    "1E400000000000000000000",
    "-0",
    "-0.0",
    "NaN",
    "01",
    '"\\ud800"',
    '"\\u0000"',
    '"&#' + "1" * _LONG + ';"',
    '"' + "A" * _LONG + '"',
    "true",
    "null",
    "",
)
"""Values as they may stand in JSON, or may not: written by hand, as no encoder writes them."""

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    2**31 - 1,
    2**31,
    2**63,
    2**64,
    -(2**63) - 1,
    10**400,
    1.5,
    -0.0,
    1e308,
    "",
    " ",
    "\x00",
    "=1+1",
    "<script>",
    "tt0000000",
    "nm0000001",
    "tt" + "1" * 16,
    "movie",
    "\u0661\u0669\u0669\u0669",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2020-02-30",
    "PT999999H999999M999999S",
    "\U0010ffff",
    [],
    {},
    [[]],
    [None],
    {"": None},
)

TEXTS = (
    b"&#" + b"1" * _LONG + b";",
    b"&#x110000;",
    b"&" + b"a" * 300 + b";",
    b" " * 3000,
    b"\xff\xfe",
    b"\x00",
    b"\xed\xa0\x80",
    b"9" * _LONG,
    b"1h 99999m",
    b"0.0/10",
    b"\xd9\xa3/10",
    b"1999\xe2\x80\x932001",
    b"Episode aired 1 Jan 2001",
    b">Original title:",
    b"</main>",
    b"<main>",
    b"</html>",
    b"</script",
    b"<!--",
    b"]]>",
    b'<?xml version="1.0"?>',
    b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
    b"&b;",
    b"http://x/y.html",
    b"__NEXT_DATA__",
    b'<script id="__NEXT_DATA__">',
    b'<script type="application/ld+json">',
    b'<link rel="canonical" href="https://www.imdb.com/title/tt7654321/"/>',
)
"""Texts and tags that something in a parser looks for, or stumbles over."""


def mutate_page(page: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Damage a page in one to three ways; ``others`` lend parts of theirs.

    What comes out has at most `LARGEST` bytes.
    """
    for _ in range(rng.choice((1, 1, 2, 3))):
        way = rng.randrange(10)
        if way < 5:
            page = _mutate_json(page, rng)
        elif way < 8:
            page = _mutate_markup(page, rng)
        elif way < 9 or not others:
            page = mutate_bytes(page, rng)
        else:
            page = _spliced(page, rng.choice(others), rng)
        page = page[:LARGEST]
    return page


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Cut, repeat, replace or insert bytes, or flip a bit."""
    if not data:
        return rng.choice(TEXTS)
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((1, 2, 8, 100, len(data))))
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: data[:start],
        lambda: data[:start] + data[end:],
        lambda: (
            data[:end] + data[start:end] * _times(rng, end - start, 1, 2, 50, 2000) + data[end:]
        ),
        lambda: data[:start] + rng.choice(TEXTS) + data[start:],
        lambda: data[:start] + rng.randbytes(min(8, end - start)) + data[end:],
        lambda: data[:start] + bytes([data[start] ^ (1 << rng.randrange(8))]) + data[start + 1 :],
    )
    return rng.choice(ways)()


def mutate_lines(data: bytes, rng: random.Random) -> bytes:
    """Damage a text file: swap, repeat or cut lines and words of it, or its bytes."""
    lines = data.splitlines(keepends=True)
    way = rng.randrange(4)
    if way == 0 and lines:
        at = rng.randrange(len(lines))
        lines[at:at] = [lines[at]] * _times(rng, len(lines[at]), 1, 1, 300)
        return b"".join(lines)
    if way == 1 and (words := list(_WORD.finditer(data))):
        word = rng.choice(words)
        put = rng.choice((*(w[0] for w in words), b"nan", b"inf", b"-1", b"1e999", b"9" * _LONG))
        return data[: word.start()] + put + data[word.end() :]
    if way == 2:
        rng.shuffle(lines)
        return b"".join(lines)
    return mutate_bytes(data, rng)


def _times(rng: random.Random, size: int, *wanted: int) -> int:
    """How often to repeat something of a size: no input gets much larger than any is used."""
    return min(rng.choice(wanted), LARGEST // max(1, size) + 1)


def _spliced(page: bytes, other: bytes, rng: random.Random) -> bytes:
    """The beginning of one page and the end of another, both cut at a tag."""
    first, second = _TOKEN.findall(page), _TOKEN.findall(other)
    kept = first[: rng.randrange(len(first) + 1)]
    return b"".join(kept + second[rng.randrange(len(second) + 1) :])


def _mutate_markup(page: bytes, rng: random.Random) -> bytes:
    tokens = _TOKEN.findall(page)
    if not tokens:
        return mutate_bytes(page, rng)
    at = rng.randrange(len(tokens))
    token = tokens[at]
    way = rng.randrange(7)
    if way == 0:
        del tokens[at]
    elif way == 1:
        tokens[at:at] = [token] * _times(rng, len(token), 1, 2, 30, 400)
    elif way == 2:
        other = rng.randrange(len(tokens))
        tokens[at], tokens[other] = tokens[other], token
    elif way == 3:
        tokens[at] = rng.choice(TEXTS)
    elif way == 4:
        tokens[at] = token + rng.choice(TEXTS)
    elif way == 5:
        end = rng.randrange(at, len(tokens)) + 1
        tokens[at:end] = tokens[at:end] * rng.choice((0, 2, 3))
    else:
        tokens[at] = _with_attribute(token, tokens, rng)
    return b"".join(tokens)


def _with_attribute(tag: bytes, tokens: Sequence[bytes], rng: random.Random) -> bytes:
    """The tag with an attribute more, with another value, or with very many."""
    known = list(_ATTRIBUTE.finditer(tag))
    if known and rng.random() < 0.6:
        place = rng.choice(known)
        donor = _ATTRIBUTE.search(rng.choice(tokens))
        value = donor[2] if donor and rng.random() < 0.5 else rng.choice(TEXTS).replace(b">", b"")
        return tag[: place.start(2)] + value + tag[place.end(2) :]
    name = re.match(rb"<[a-zA-Z]+", tag)
    if name is None:
        return rng.choice(TEXTS)
    count = rng.choice((1, 1, 500))
    extra = b"".join(b' a%d="%d"' % (number, number) for number in range(count))
    return name[0] + extra + tag[name.end() :]


def _mutate_json(page: bytes, rng: random.Random) -> bytes:
    scripts = list(_JSON_SCRIPT.finditer(page))
    if scripts:
        script = rng.choice(scripts)
        start, end = script.span(2)
    else:
        start, end = 0, len(page)
    mutated = _mutated_text(page[start:end], rng)
    if mutated is None:
        return _mutate_markup(page, rng)
    return page[:start] + mutated + page[end:]


def _mutated_text(text: bytes, rng: random.Random) -> bytes | None:
    """JSON with a change in its tree; ``None`` for what is no JSON."""
    try:
        tree = json.loads(text)
        raw: list[str] = []
        for _ in range(rng.choice((1, 1, 2, 4))):
            tree = _mutated_tree(tree, rng, raw)
        shown = json.dumps(tree, ensure_ascii=rng.random() < 0.3)
    except (ValueError, RecursionError):
        return None
    # As Next.js does, mostly, so that no text can end the script.
    shown = shown.replace("<", "\\u003c") if rng.random() < 0.9 else shown
    for number, value in enumerate(raw):
        placeholder = json.dumps(_RAW % number)
        # The others stay texts: a list may have thousands of them.
        shown = shown.replace(placeholder, value, 2).replace(f'"{_RAW % number}"', value, 2)
    return shown.encode("utf-8", "surrogatepass")


def _mutated_tree(tree: Any, rng: random.Random, raw: list[str]) -> Any:
    places = list(_places(tree))
    if not places:
        return deepcopy(rng.choice(VALUES))
    parent, key = rng.choice(places)
    value = parent[key]
    size = len(json.dumps(value))
    way = rng.randrange(8)
    if way == 0:
        del parent[key]
    elif way == 1:
        parent[key] = deepcopy(rng.choice(VALUES))
    elif way == 2:
        parent[key] = _RAW % len(raw)
        raw.append(rng.choice(RAW_VALUES))
    elif way == 3:
        donor, place = rng.choice(places)
        parent[key] = deepcopy(donor[place])
    elif way == 4:
        parent[key] = rng.choice(([value], {"a": value}, [value] * _times(rng, size, 200)))
    elif isinstance(value, list) and value:
        parent[key] = value * _times(rng, size, 2, 3, 40)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        parent[key] = rng.choice((value + 1, -value, value * 10**9, str(value), value % 7))
    elif isinstance(value, str):
        parent[key] = _mutated_word(value, rng)
    else:
        parent[key] = deepcopy(rng.choice(VALUES))
    return tree


def _mutated_word(text: str, rng: random.Random) -> str:
    put = rng.choice(TEXTS).decode("latin-1")
    cut = rng.randrange(len(text) + 1)
    return rng.choice(
        (
            text[:cut],
            text[:cut] + put + text[cut:],
            text * _times(rng, len(text), 50),
            put,
            text[::-1],
        )
    )


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every value of a tree by its container and its key there."""
    found = []
    todo = [tree]
    while todo:
        node = todo.pop()
        entries: Any = ()
        if isinstance(node, dict):
            entries = list(node.items())
        elif isinstance(node, list):
            entries = list(enumerate(node))
        for key, child in entries:
            found.append((node, key))
            todo.append(child)
    return found
