"""GET /v1/models and /v1/models/{id}."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from routes.state import state_of
from utils.catalogue import Catalogue

router = APIRouter(prefix="/v1/models", tags=["models"])


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "local"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


@router.get("")
async def list_models(request: Request) -> ModelList:
    catalogue = state_of(request).catalogue
    return ModelList(data=[_model(catalogue, model) for model in catalogue.ids])


@router.get("/{model:path}")
async def retrieve_model(request: Request, model: str) -> Model:
    """A model by its id or another of its names."""
    catalogue = state_of(request).catalogue
    return _model(catalogue, catalogue.require(model))


def _model(catalogue: Catalogue, model: str) -> Model:
    return Model(id=model, created=catalogue.created)
