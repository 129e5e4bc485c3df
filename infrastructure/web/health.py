"""Whether the process lives, and whether it can answer: for whoever starts and watches it."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

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
