"""/v1/batches: input files of many requests, processed in the background into output files."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from routes.files import ExpiresAfter
from routes.http.access import owner_of
from routes.http.body_schema import json_body
from routes.http.json_body import read_json
from routes.http.pages import Page, page_of
from routes.state import state_of
from utils.store.records import Batch

router = APIRouter(prefix="/v1/batches", tags=["batches"])

MAX_PAGE = 100
Key = Annotated[str, StringConstraints(max_length=64)]
Value = Annotated[str, StringConstraints(max_length=512)]


class BatchRequest(BaseModel):
    input_file_id: Annotated[str, Field(max_length=100)]
    endpoint: Literal["/v1/audio/transcriptions", "/v1/audio/translations"]
    completion_window: Annotated[
        str, StringConstraints(pattern=r"^([1-9][0-9]?|[1-6][0-9]{2}|7[01][0-9]|720)h$")
    ]
    """24h as in the hosted API; up to 720h, since a machine without a GPU may need longer."""
    metadata: Annotated[dict[Key, Value], Field(max_length=16)] | None = None
    output_expires_after: ExpiresAfter | None = None


@router.post("", openapi_extra=json_body(BatchRequest), response_model_exclude_none=True)
async def create_batch(request: Request) -> Batch:
    """Create a batch from an input file of requests."""
    body = await read_json(request, BatchRequest)
    return await state_of(request).durable.batches.create(
        owner_of(request),
        body.endpoint,
        body.input_file_id,
        int(body.completion_window[:-1]),
        body.metadata,
        body.output_expires_after.seconds if body.output_expires_after else None,
    )


@router.get("", response_model_exclude_none=True)
async def list_batches(
    request: Request, after: str | None = None, limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20
) -> Page[Batch]:
    found = await state_of(request).durable.batches.page(owner_of(request), after, limit + 1)
    return page_of(found, limit)


@router.get("/{batch_id}", response_model_exclude_none=True)
async def retrieve_batch(request: Request, batch_id: str) -> Batch:
    return await state_of(request).durable.batches.find(owner_of(request), batch_id)


@router.post("/{batch_id}/cancel", response_model_exclude_none=True)
async def cancel_batch(request: Request, batch_id: str) -> Batch:
    """Cancel a batch; its outputs hold the lines that were already completed."""
    return await state_of(request).durable.batches.cancel(owner_of(request), batch_id)
