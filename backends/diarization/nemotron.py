"""Nemotron 3 Diarization from transformers, a Sortformer with eight seats, in steps of 27 s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from exceptions import ModelUnavailableError
from models import SAMPLE_RATE, Audio, seconds
from utils.speakers.activity import Activity, ActivityRules, SeatLayout
from utils.speakers.step_buffer import HOP, Block, BlockShape, StepBuffer

if TYPE_CHECKING:
    import torch

Rows = npt.NDArray[np.float32]

# No tuned rules are published; the network's own processor uses a plain threshold of 0.5. Frames of 10 ms
# flicker, so the shortest turns and gaps are smoothed away.
RULES = ActivityRules(
    onset=0.5, offset=0.5, pad_before=0, pad_after=0, min_speech=seconds(0.1), min_silence=seconds(0.15)
)


@dataclass(frozen=True, slots=True, eq=False)
class NemotronState:
    """A stream between steps: audio still to be scored, and the network's memory of the speakers."""

    buffer: StepBuffer
    cache: Rows
    cache_activity: Rows
    fifo: Rows
    is_compressed: bool


class Nemotron:
    def __init__(self, network: Any, feature_extractor: Any) -> None:
        self._network = network
        self._feature_extractor = feature_extractor
        config = network.config
        self._subsampling = int(config.audio_config.subsampling_factor)
        self._shape = BlockShape(
            config.chunk_length * self._subsampling,
            config.chunk_left_context * self._subsampling,
            config.chunk_right_context * self._subsampling,
        )

    def layout(self) -> SeatLayout:
        seats = int(self._network.config.head_config.num_speakers)
        return SeatLayout(seats, HOP, self._shape.scored * HOP, RULES)

    def step(
        self, audio: Audio, state: NemotronState | None, is_last: bool
    ) -> tuple[Activity, NemotronState]:
        """(frames, seats) activity of the blocks that `audio` completes, and the state for the next call.

        The frames of all calls together are those of `forward()` on the whole, however it is split.
        """
        import torch

        buffer = (state.buffer if state else StepBuffer(np.zeros(0, np.float32))).append(audio)
        blocks = list(buffer.blocks(self._shape, is_last))
        with torch.inference_mode():
            memory = self._restore_memory(state)
            features = self._features(buffer.audio) if blocks else None
            scored = [self._score(features, block, memory) for block in blocks]
        empty = np.zeros((0, self.layout().seats), np.float32)
        return np.concatenate([empty, *scored]), _state(buffer.without(len(blocks), self._shape), memory)

    def _features(self, audio: Audio) -> torch.Tensor:
        """(1, frames, mels)"""
        inputs = self._feature_extractor(audio, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        return inputs["input_features"].to(self._network.device)

    def _score(self, features: Any, block: Block, memory: Any) -> Rows:
        """Activity of the block; updates `memory` in place."""
        ahead, behind = block.stop - block.last, block.first - block.start
        logits = self._network(
            input_features=features[:, block.start : block.stop],
            speaker_cache=memory,
            num_lookahead_frames=-(-ahead // self._subsampling),
            num_lookback_frames=behind // self._subsampling,
        ).logits
        return np.asarray(logits[0, : block.last - block.first].sigmoid().float().cpu().numpy(), np.float32)

    def _restore_memory(self, state: NemotronState | None) -> Any:
        """The network's own cache, filled from `state`, in the sizes that it uses for a whole recording."""
        import torch
        from transformers.models.nemotron3_diarization.modeling_nemotron3_diarization import (
            Nemotron3DiarizationSpeakerCache,
        )

        config, device = self._network.config, self._network.device
        memory = Nemotron3DiarizationSpeakerCache(
            config.streaming_config, config.fifo_length, config.speaker_cache_update_period
        )
        memory.lazy_initialization(torch.zeros((1, 0, config.audio_config.hidden_size), device=device))
        if state:
            memory.num_cache_frames, memory.num_fifo_frames = len(state.cache), len(state.fifo)
            memory.is_compressed = state.is_compressed
            memory.embeds[0, : len(state.cache)] = torch.from_numpy(state.cache).to(device)
            memory.probs[0, : len(state.cache)] = torch.from_numpy(state.cache_activity).to(device)
            memory.fifo[0, : len(state.fifo)] = torch.from_numpy(state.fifo).to(device)
        return memory


def _state(buffer: StepBuffer, memory: Any) -> NemotronState:
    return NemotronState(
        buffer=buffer,
        cache=memory.embeds[0, : memory.num_cache_frames].cpu().numpy(),
        cache_activity=memory.probs[0, : memory.num_cache_frames].cpu().numpy(),
        fifo=memory.fifo[0, : memory.num_fifo_frames].cpu().numpy(),
        is_compressed=memory.is_compressed,
    )


def load_nemotron(model: str, device: str) -> Nemotron:
    """The network and its feature extractor from a folder or hub id, safetensors only.

    Raises ModelUnavailableError.
    """
    from transformers import AutoProcessor, Nemotron3DiarizationForAudioFrameClassification

    try:
        network = Nemotron3DiarizationForAudioFrameClassification.from_pretrained(
            model, use_safetensors=True, dtype="float32"
        )
        feature_extractor = AutoProcessor.from_pretrained(model).feature_extractor
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelUnavailableError(
            f"Nemotron 3 Diarization cannot be loaded from {model}. Give a folder with config.json, "
            "processor_config.json and model.safetensors, or check the id and the connection to the hub."
        ) from error
    return Nemotron(network.eval().to(device), feature_extractor)
