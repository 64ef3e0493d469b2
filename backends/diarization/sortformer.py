"""Streaming Sortformer (Medennikov et al. 2025, arXiv:2507.18446): four speakers, in steps of 27 s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from backends.diarization.nemo import restore
from exceptions import ModelUnavailableError
from models import Audio
from utils.speakers.activity import Activity, ActivityRules, SeatLayout
from utils.speakers.step_buffer import HOP, Block, BlockShape, StepBuffer

if TYPE_CHECKING:
    import torch

Rows = npt.NDArray[np.float32]

SUBSAMPLING = 8  # mel frames per frame of activity
# NVIDIA's preset with 30.4 s of latency, in frames of activity.
PRESET = {
    "chunk_len": 340,
    "chunk_left_context": 1,
    "chunk_right_context": 40,
    "fifo_len": 40,
    "spkcache_update_period": 300,
    "spkcache_len": 188,
}
SHAPE = BlockShape(
    PRESET["chunk_len"] * SUBSAMPLING,
    PRESET["chunk_left_context"] * SUBSAMPLING,
    PRESET["chunk_right_context"] * SUBSAMPLING,
)


@dataclass(frozen=True, slots=True, eq=False)
class SortformerState:
    """A stream between steps: audio still to be scored, and the network's memory of the speakers."""

    buffer: StepBuffer
    cache: Rows
    cache_activity: Rows | None
    fifo: Rows
    mean_silence: Rows
    num_silent: int


class Sortformer:
    def __init__(self, network: Any) -> None:
        self._network = network

    def layout(self) -> SeatLayout:
        seats = int(self._network.sortformer_modules.n_spk)
        return SeatLayout(seats, SUBSAMPLING * HOP, SHAPE.scored * HOP, ActivityRules())

    def step(
        self, audio: Audio, state: SortformerState | None, is_last: bool
    ) -> tuple[Activity, SortformerState]:
        """(frames, seats) activity of the blocks that `audio` completes, and the state for the next call.

        The frames of all calls together are those of `forward()` on the whole, however it is split.
        """
        import torch

        buffer = (state.buffer if state else StepBuffer(np.zeros(0, np.float32))).append(audio)
        blocks = list(buffer.blocks(SHAPE, is_last))
        with torch.inference_mode():
            memory = self._restore_memory(state)
            activity = torch.zeros((1, 0, self.layout().seats), device=self._network.device)
            features = self._features(buffer.audio) if blocks else None
            for block in blocks:
                memory, activity = self._score(features, block, memory, activity)
        return activity[0].cpu().numpy(), _state(buffer.without(len(blocks), SHAPE), memory)

    def _features(self, audio: Audio) -> torch.Tensor:
        """(1, frames, mels)"""
        import torch

        signal = torch.from_numpy(audio)[None].to(self._network.device)
        length = torch.tensor([len(audio)], device=self._network.device)
        return self._network.preprocessor(input_signal=signal, length=length)[0].transpose(1, 2)

    def _score(self, features: Any, block: Block, memory: Any, activity: Any) -> tuple[Any, torch.Tensor]:
        import torch

        inputs = features[:, block.start : block.stop]
        return self._network.forward_streaming_step(  # type: ignore[no-any-return]
            processed_signal=inputs,
            processed_signal_length=torch.tensor([inputs.shape[1]], device=inputs.device),
            streaming_state=memory,
            total_preds=activity,
            left_offset=block.first - block.start,
            right_offset=block.stop - block.last,
        )

    def _restore_memory(self, state: SortformerState | None) -> Any:
        """NeMo's own streaming state, filled from `state`."""
        import torch

        device = self._network.device
        memory = self._network.sortformer_modules.init_streaming_state(batch_size=1, device=device)
        if state:
            memory.spkcache = _tensor(state.cache, device)
            memory.fifo = _tensor(state.fifo, device)
            memory.mean_sil_emb = _tensor(state.mean_silence, device)
            memory.n_sil_frames = torch.tensor([state.num_silent], device=device)
            if state.cache_activity is not None:
                memory.spkcache_preds = _tensor(state.cache_activity, device)
        return memory


def _tensor(rows: Rows, device: Any) -> torch.Tensor:
    import torch

    return torch.from_numpy(rows)[None].to(device)


def _state(buffer: StepBuffer, memory: Any) -> SortformerState:
    def rows(tensor: torch.Tensor) -> Rows:
        return np.asarray(tensor[0].cpu().numpy(), np.float32)

    return SortformerState(
        buffer=buffer,
        cache=rows(memory.spkcache),
        cache_activity=None if memory.spkcache_preds is None else rows(memory.spkcache_preds),
        fifo=rows(memory.fifo),
        mean_silence=rows(memory.mean_sil_emb),
        num_silent=int(memory.n_sil_frames[0]),
    )


def load_sortformer(model: str, device: str) -> Sortformer:
    """A streaming Sortformer from a `.nemo` file or hub id.

    Raises ModelUnavailableError, also for an offline model, which needs the whole recording at once.
    """
    network = restore("SortformerEncLabelModel", model, device)
    if network.preprocessor.featurizer.normalize in ("per_feature", "all_features"):
        raise ModelUnavailableError(
            f"{model} is an offline Sortformer. A streaming one is required (v2, v2.1)."
        )
    network.streaming_mode, network.async_streaming = True, False
    for name, value in PRESET.items():
        setattr(network.sortformer_modules, name, value)
    return Sortformer(network)
