"""GET /health (liveness) and /health/ready (readiness)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from models import SAMPLE_RATE
from routes.http.access import owner_of
from routes.state import state_of
from utils.slot_report import SlotReport, SlotState

router = APIRouter(prefix="/health", tags=["health"])


Status = Literal["ready", "loading", "failed", "closing"]


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class ProgressReport(BaseModel):
    id: str
    seconds_done: float
    seconds_total: float


class ModelReport(BaseModel):
    model: str
    state: SlotState
    device: str
    memory_mb: int | None
    last_used: int | None
    loading_seconds: float | None


class Readiness(BaseModel):
    """`requests` counts all in flight; `transcriptions` lists the caller's own."""

    status: Status
    models: dict[str, ModelReport]
    requests: int
    max_requests: int
    transcriptions: list[ProgressReport]


@router.get("")
async def health() -> Health:
    return Health()


@router.get("/ready", responses={503: {"model": Readiness}})
async def ready(request: Request, response: Response) -> Readiness:
    """503 while models are loaded at the start, when one of the server's own failed to load, when there is no
    folder for recordings, and while the server is shutting down."""
    state, owner = state_of(request), owner_of(request)
    status: Status = "ready" if state.loaded.is_set() else "loading"
    if state.models.has_failed or not state.temp.is_usable():
        status = "failed"
    if state.admission.is_closed:
        status = "closing"
    response.status_code = 200 if status == "ready" else 503
    in_flight = state.admission.in_flight
    return Readiness(
        status=status,
        models={name: _model(report) for name, report in state.models.reports().items()},
        requests=len(in_flight),
        max_requests=state.admission.limit,
        transcriptions=[
            ProgressReport(
                id=progress.request_id,
                seconds_done=round(progress.done / SAMPLE_RATE, 1),
                seconds_total=round(progress.total / SAMPLE_RATE, 1),
            )
            for progress in in_flight
            if progress.owner == owner
        ],
    )


def _model(report: SlotReport) -> ModelReport:
    return ModelReport(
        model=report.model,
        state=report.state,
        device=report.device,
        memory_mb=None if report.memory is None else round(report.memory / 1e6),
        last_used=None if report.last_used is None else round(report.last_used),
        loading_seconds=None if report.loading_seconds is None else round(report.loading_seconds, 1),
    )
