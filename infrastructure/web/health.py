"""Whether the process lives, whether it can answer, and how it fares: for whoever watches it."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from infrastructure.web.access import MayRead
from infrastructure.web.problems import responses
from infrastructure.web.services import UsesServices

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """That all is well; what is not is a problem."""

    status: str = Field(examples=["ok"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Asks nothing of anybody: when this fails, start the program again."""
    return Health(status="ok")


@router.get("/readyz", summary="Does the database answer?", responses=responses(503))
def readyz(services: UsesServices) -> Health:
    """Asks the database a small question: while this fails, send nobody here."""
    services.check_ready()
    return Health(status="ok")


@router.get(
    "/metrics",
    summary="What Prometheus reads",
    dependencies=[MayRead],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **responses(401)},
)
def metrics(request: Request, services: UsesServices) -> Response:
    """The metrics of this process, in the format that is asked for."""
    content, media_type = services.render_metrics(request.headers.get("accept", ""))
    return Response(content, media_type=media_type)
