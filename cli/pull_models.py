"""Downloads every model that the server would use, and checks each by loading it.

Afterwards the caches (`HF_HOME`, `TORCH_HOME`) hold all that an air-gapped host needs, with HF_HUB_OFFLINE=1.
"""

from __future__ import annotations

import sys
from typing import Any

from assembly import build_state
from cli.install_weights import install_missing_weights
from config import Settings
from exceptions import TranscriptionServerError
from loaders import default_loaders
from utils.model_manager import ModelSlot

EVERY_STAGE = {
    "enable_speaker_diarization": True,
    "enable_vocal_separation": True,
    "enable_alignment": True,
    "enable_punctuation_restoration": True,
}


async def pull_models(settings: Settings, every_stage: bool = False) -> int:
    """Load and unload each model; returns exit status 1 if any could not be loaded."""
    if every_stage:
        settings = settings.model_copy(update=EVERY_STAGE)
    install_missing_weights(settings)
    state = build_state(settings, default_loaders(settings))
    try:
        failures = [slot for slot in state.models.slots() if not await _pull(slot)]
    finally:
        await state.close()
    return 1 if failures else 0


async def _pull(slot: ModelSlot[Any]) -> bool:
    try:
        await slot.load()
    except TranscriptionServerError as error:
        print(f"{slot.name}: {error.message}", file=sys.stderr)
        return False
    report = slot.report()
    print(f"{slot.name}: {report.model}, {(report.memory or 0) / 1e6:.0f} MB")
    await slot.unload_if_idle(0)
    return True
