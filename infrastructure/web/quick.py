"""Routes that are asked often: requests that are plainly right are read without FastAPI.

To check the parameters of a list by its model, and who may read, takes longer than to answer. So a
route of this class looks first whether it can read a request by itself; it takes only what the
model takes, and in the same sense. Every other request, and so each one that is wrong, goes the
usual way, which has the message.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

Work = Callable[[], Response]
"""Answers a request; may wait for the database."""


class QuickRoute(APIRoute):
    """A route whose endpoint has an attribute ``read_quickly``, set by `quick`, may be quicker."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give what answers a request."""
        usual = super().get_route_handler()
        read: Callable[[Request], Work | None] | None = getattr(self.endpoint, "read_quickly", None)
        if read is None:
            return usual

        async def handle(request: Request) -> Response:
            work = read(request) if request.app.state.access.reading_is_open else None
            return await (usual(request) if work is None else run_in_threadpool(work))

        return handle


def quick(
    read: Callable[[Request], Work | None],
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Say how a request of an endpoint is read: ``None`` is for the usual way."""

    def mark(endpoint: Callable[..., Response]) -> Callable[..., Response]:
        endpoint.read_quickly = read  # type: ignore[attr-defined]
        return endpoint

    return mark
