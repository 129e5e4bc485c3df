"""The titles that are held, as a stream of CSV or of JSON lines, in little memory."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, BinaryIO, Literal, cast

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from application.export_columns import parse_columns
from application.export_titles import ExportTitles
from application.title_filter import parse_filter
from application.title_order import parse_order
from domain.errors import InvalidSelection
from infrastructure.web.access import MayRead
from infrastructure.web.parameters import Parameters
from infrastructure.web.problems import InvalidParameter, problem, responses
from infrastructure.web.services import UsesServices

router = APIRouter(prefix="/export", tags=["export"], dependencies=[MayRead])

_MOST_AT_ONCE = 2
"""Exports at a time: each reads through the database and holds a connection."""

_CHUNKS_WAITING = 4
_PATIENCE_SECONDS = 60
"""So long a client may let us wait, besides the time that what it has taken may take."""

_LEAST_BYTES_PER_SECOND = 8 * 1024
"""A client that takes less holds one of the few exports for longer than it needs to."""

_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl"}

Expression = Annotated[str | None, Field(min_length=1, max_length=2000)]


class ExportParameters(Parameters):
    """What is written, as by `python main.py export`."""

    format: Literal["csv", "jsonl"] = "csv"
    where: Annotated[
        Expression,
        Field(description="Only titles of which this is true.", examples=["rating > 8"]),
    ] = None
    sort: Annotated[
        Expression,
        Field(description="By these, from the top down with -.", examples=["-rating,title"]),
    ] = None
    columns: Annotated[
        Expression,
        Field(description="Only these columns, in this order.", examples=["imdb_id,title,year"]),
    ] = None


@router.get(
    "",
    summary="All titles as a file",
    response_class=Response,
    responses={
        200: {
            "description": "A record a title.",
            "content": {media: {"schema": {"type": "string"}} for media in _MEDIA_TYPES.values()},
        },
        **responses(429),
    },
)
def export(
    request: Request, parameters: Annotated[ExportParameters, Query()], services: UsesServices
) -> Response:
    """The titles that are held, with their credits; at most two exports run at a time."""
    condition = _read("where", parse_filter, parameters.where)
    order = _read("sort", parse_order, parameters.sort) or ()
    columns = _read("columns", parse_columns, parameters.columns)
    limiter = cast("anyio.CapacityLimiter", request.app.state.exports)
    if limiter.available_tokens < 1:
        return problem(
            429,
            f"{_MOST_AT_ONCE} exports are being written already: try again in a minute.",
            reason="exports_busy",
            headers={"Retry-After": "60"},
        )

    def write(stream: BinaryIO) -> None:
        writer = services.text_writer(parameters.format, columns, stream)
        ExportTitles(services.selector).execute(writer, condition, order)

    return _Export(write, parameters.format, limiter)


def new_limiter() -> anyio.CapacityLimiter:
    """How many exports an application writes at a time."""
    return anyio.CapacityLimiter(_MOST_AT_ONCE)


def _read(name: str, parse: Callable[[str], Any], text: str | None) -> Any:
    try:
        return None if text is None else parse(text)
    except InvalidSelection as error:
        raise InvalidParameter(name, str(error)) from error


class _Chunks:
    """What a writer writes to, in a thread: it waits until the client has taken what was before."""

    def __init__(self, chunks: MemoryObjectSendStream[bytes]) -> None:
        self._chunks = chunks

    def write(self, data: bytes | bytearray) -> int:
        """Hand a chunk on."""
        if data:
            anyio.from_thread.run(self._chunks.send, bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""


class _Export(Response):
    """Sends what a function writes in a thread of its own; an error before the first byte is told.

    A later one cuts the connection, so that nobody takes a part for the whole. When the client goes
    away or is too slow (`_PATIENCE_SECONDS`), the function is ended at its next chunk.
    """

    def __init__(
        self, write: Callable[[BinaryIO], None], file_format: str, limiter: anyio.CapacityLimiter
    ) -> None:
        super().__init__(
            headers={
                "Cache-Control": "no-store",
                "Content-Disposition": f'attachment; filename="titles.{file_format}"',
            },
            media_type=_MEDIA_TYPES[file_format],
        )
        del self.headers["content-length"]  # nobody knows it yet
        self._write = write
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        failed: list[Exception] = []
        sender, chunks = anyio.create_memory_object_stream[bytes](_CHUNKS_WAITING)

        async def produce() -> None:
            with sender:
                try:
                    await anyio.to_thread.run_sync(
                        self._write, cast("BinaryIO", _Chunks(sender)), limiter=self._limiter
                    )
                except Exception as error:  # noqa: BLE001 - raised below, where the answer is sent
                    failed.append(error)

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        is_taken = False
        async with anyio.create_task_group() as tasks:
            # Closed before the thread is waited for, which would else wait for us to take more.
            with chunks:
                tasks.start_soon(produce)
                tasks.start_soon(watch)
                is_taken = await self._hand_on(chunks, send, failed)
            tasks.cancel_scope.cancel()
        if failed and is_taken:
            raise failed[0]

    async def _hand_on(
        self, chunks: MemoryObjectReceiveStream[bytes], send: Send, failed: Sequence[Exception]
    ) -> bool:
        """Send all chunks, and the end unless writing has failed; whether the client took them."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        has_begun = False
        seconds_left: float = _PATIENCE_SECONDS
        async for chunk in chunks:
            if not has_begun:
                has_begun = True
                await send(start)
            began = anyio.current_time()
            with anyio.move_on_after(seconds_left) as patience:
                await send(_body(chunk, more=True))
            if patience.cancelled_caught:
                return False
            waited = anyio.current_time() - began
            seconds_left += len(chunk) / _LEAST_BYTES_PER_SECOND - waited
        if failed:
            return True
        if not has_begun:
            await send(start)
        await send(_body(b"", more=False))
        return True


def _body(chunk: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": more}
