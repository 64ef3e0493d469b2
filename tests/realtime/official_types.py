"""Events, checked against the types of the official client."""

from __future__ import annotations

import json
from typing import Any, get_args

from openai.types.beta.realtime.realtime_server_event import RealtimeServerEvent as BetaServerEvent
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel


def _by_type(union: object) -> dict[str, type[BaseModel]]:
    classes = get_args(get_args(union)[0])
    return {get_args(cls.model_fields["type"].annotation)[0]: cls for cls in classes}


GA, BETA = _by_type(RealtimeServerEvent), _by_type(BetaServerEvent)


def check(event: dict[str, Any]) -> None:
    """Strictly: no value is converted. Beta's session has no type that fits: it demands a secret that is
    only sent over HTTP."""
    event_type = event["type"]
    if not event_type.startswith("transcription_session."):
        known = GA.get(event_type) or BETA[event_type]
        known.model_validate_json(json.dumps(event), strict=True)
