"""Unpacks a dataset file and cuts it at line ends, some megabytes at a time."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from isal import igzip_lib, isal_zlib

from domain.errors import DatasetDamaged

CHUNK_BYTES = 1 << 21
"""What is sent to the server in one go, unpacked."""

LONGEST_LINE_BYTES = 1 << 20
"""A file with a longer line is none of IMDb's; it would have to be held in memory."""

_LONGEST_HEADER_BYTES = 1000

_READ_BYTES = 1 << 16
_AHEAD = 2
"""Chunks that are unpacked while the server works on the ones before."""

_LOOK_UP_SECONDS = 0.25
UNPACKED_BYTES = 1 << 18
"""Most that is unpacked in one go, however well it was packed."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 31
"""``wbits`` for a gzip stream: 16 + the largest window (zlib manual, inflateInit2)."""
_BOM = b"\xef\xbb\xbf"

_Item = TypeVar("_Item")

_DAMAGED = cast("type[Exception]", igzip_lib.IsalError)  # its stub says that it is an instance


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, each with its line end; ``first_line`` counts from 1, the header."""

    first_line: int
    data: bytes
    lines: int


@dataclass(frozen=True, slots=True)
class _Ended:
    """No more items come, because of this error, if any."""

    error: Exception | None


def chunks_of(path: Path, header: Sequence[str], seen: Callable[[bytes], None]) -> Iterator[Chunk]:
    """Give the lines after the header, in order; ``seen`` is given all bytes of the file.

    Raises `DatasetDamaged` when the header is another one, a packed file is cut short or damaged,
    or a line is longer than `LONGEST_LINE_BYTES`; `OSError`.
    """
    with path.open("rb") as file:
        pieces = _unpacked(file, path, seen)
        number = 2
        for data in _whole_lines(path, _after_header(path, header, pieces), pieces):
            yield (chunk := Chunk(number, data, data.count(b"\n")))
            number += chunk.lines


def _whole_lines(path: Path, first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut at line ends, `CHUNK_BYTES` or a little more in one go."""
    waiting, length = [first], len(first)
    unended = len(first) - (first.rfind(b"\n") + 1)
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        unended = len(piece) - end if end else unended + len(piece)
        if unended > LONGEST_LINE_BYTES:
            raise DatasetDamaged(
                str(path),
                f"one of its lines goes on for more than {LONGEST_LINE_BYTES:,} bytes: it is none "
                "of IMDb's files",
            )
        if end and length + end >= CHUNK_BYTES:
            yield b"".join([*waiting, memoryview(piece)[:end]])
            waiting, length = [piece[end:]], len(piece) - end
        else:
            waiting.append(piece)
            length += len(piece)
    if length:
        rest = b"".join(waiting)
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _after_header(path: Path, header: Sequence[str], pieces: Iterator[bytes]) -> bytes:
    """Take the first line off; give what follows it in its piece."""
    expected = "\t".join(header)
    first = b""
    for piece in pieces:
        first += piece
        if b"\n" in piece or len(first) > _LONGEST_HEADER_BYTES:
            break
    line, _, rest = first.removeprefix(_BOM).partition(b"\n")
    shown = line[:_LONGEST_HEADER_BYTES].rstrip(b"\r").decode(errors="replace")
    if shown != expected:
        raise DatasetDamaged(
            str(path),
            f"its first line is {shown[:200]!r}, and {expected!r} was expected: it is another "
            "file, or in another format",
        )
    return rest


def _unpacked(file: BinaryIO, path: Path, seen: Callable[[bytes], None]) -> Iterator[bytes]:
    """The bytes of a file, unpacked when it is packed, a bounded number at a time."""
    packed = file.read(_READ_BYTES)
    unpacker = isal_zlib.decompressobj(_GZIP) if packed.startswith(_GZIP_MAGIC) else None
    while packed:
        seen(packed)
        if unpacker is None:
            yield packed
        else:
            try:
                pending = True
                while packed or pending:
                    if unpacker.eof:  # another member follows, or zeros that fill a block
                        if not (packed := packed.lstrip(b"\0")):
                            break
                        unpacker = isal_zlib.decompressobj(_GZIP)
                    yield (piece := unpacker.decompress(packed, UNPACKED_BYTES))
                    packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                    pending = len(piece) == UNPACKED_BYTES
            except _DAMAGED as error:
                raise _cut(path, f"its gzip stream is damaged ({error})") from error
        packed = file.read(_READ_BYTES)
    if unpacker is not None and not unpacker.eof:
        raise _cut(path, "its gzip stream is cut short")


@contextmanager
def read_ahead(items: Iterator[_Item]) -> Iterator[Iterator[_Item]]:
    """The same items, made in a thread of their own, `_AHEAD` of them in advance at most.

    One thread takes them. On leaving, the other thread is told to end and waited for. What it
    raises is raised where the items are taken.
    """
    ready: queue.Queue[_Item | _Ended] = queue.Queue(_AHEAD)
    leaving = threading.Event()

    def put(item: _Item | _Ended) -> None:
        while not leaving.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=_LOOK_UP_SECONDS)
                return

    def make() -> None:
        try:
            for item in items:
                put(item)
                if leaving.is_set():
                    return
            put(_Ended(None))
        except Exception as error:  # noqa: BLE001 - whoever takes the items is given it
            put(_Ended(error))

    def taken() -> Iterator[_Item]:
        while not isinstance(item := ready.get(), _Ended):
            yield item
        if item.error is not None:
            raise item.error

    thread = threading.Thread(target=make, name="unpack")
    thread.start()
    try:
        yield taken()
    finally:
        leaving.set()
        thread.join()


def _cut(path: Path, what: str) -> DatasetDamaged:
    return DatasetDamaged(str(path), f"{what}: remove it, and get it again")
