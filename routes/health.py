"""GET /health (alive) and /health/ready (able to transcribe)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from models import SAMPLE_RATE
from routes.state import state_of
from utils.model_manager import SlotState

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class ProgressReport(BaseModel):
    id: str
    seconds_done: float
    seconds_total: float


class Readiness(BaseModel):
    status: Literal["ready", "failed"]
    models: dict[str, SlotState]
    requests: int
    max_requests: int
    transcriptions: list[ProgressReport]


@router.head("", include_in_schema=False)
@router.get("")
async def health() -> Health:
    return Health()


@router.get("/ready", responses={503: {"model": Readiness}})
async def ready(request: Request, response: Response) -> Readiness:
    """503 when a model could not be loaded."""
    state = state_of(request)
    models = state.models.states()
    failed = SlotState.FAILED in models.values()
    response.status_code = 503 if failed else 200
    inside = state.admission.inside
    return Readiness(
        status="failed" if failed else "ready",
        models=models,
        requests=len(inside),
        max_requests=state.admission.limit,
        transcriptions=[
            ProgressReport(
                id=progress.request_id,
                seconds_done=round(progress.done / SAMPLE_RATE, 1),
                seconds_total=round(progress.total / SAMPLE_RATE, 1),
            )
            for progress in inside
        ],
    )
