"""One window of speech to segments: encoded, decoded, and decoded again where that is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from models import Audio, ChunkPart, Segment, Span, WindowText
from options import DecodeOptions, Task
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.whisper.batcher import WhisperBatcher
from utils.audio.log_mel import HOP, log_mel
from utils.audio_utils import ReadSamples
from utils.model_manager import ModelSlot
from utils.speech.contexts import Contexts
from utils.speech.missed_speech import halves, missed_speech
from utils.speech.speech_map import SpeechMap
from utils.transcript.reheard import insert
from utils.waiting.fair_queue import Flow
from utils.words.repetition import repeats_its_end
from utils.words.sentences import cut_segments
from utils.words.temperature_ladder import is_doubtful, is_no_speech, without_words

SURE = -0.5  # average log-probability; see `python -m benchmarks wer`
MAX_PASSES = 6  # over a window; over singing, for example, the text may break off at every word


class WindowEncoder:
    """Encodes windows of recordings."""

    def __init__(self, slot: ModelSlot[Recogniser], batcher: WhisperBatcher, contexts: Contexts) -> None:
        self._slot = slot
        self._batcher = batcher
        self._num_mels: int | None = None
        self.contexts = contexts

    async def encode(
        self,
        flow: Flow,
        samples: ReadSamples,
        window: Span,
        options: DecodeOptions,
        context: int | None = None,
    ) -> EncodedWindow:
        """In its first context, unless `context` says another."""
        padded = self.contexts(window.num_samples)[0] if context is None else context
        mels = await self._mels()
        return await self._batcher.encode(flow, lambda: _features(samples(window), mels, padded), options)

    async def encode_late(
        self, flow: Flow, read: Callable[[], Audio], options: DecodeOptions
    ) -> EncodedWindow:
        """What `read` returns when its turn comes, in its first context; without samples if there is
        less than one frame."""
        mels = await self._mels()

        def features() -> WindowFeatures:
            audio = read()
            if len(audio) < HOP:
                return _features(audio[:0], mels, 0)
            return _features(audio, mels, self.contexts(len(audio))[0])

        return await self._batcher.encode(flow, features, options, is_late=True)

    async def _mels(self) -> int:
        if self._num_mels is None:
            self._num_mels = await self._slot.run(lambda model: model.num_mels())
        return self._num_mels


@dataclass(frozen=True, slots=True)
class Piece:
    """A window, or the part of one in which one language is spoken; `encoded` in its first context."""

    span: Span
    language: str
    encoded: EncodedWindow | None = None


@dataclass(frozen=True, slots=True)
class WindowRecogniser:
    """Recognises the windows of one chunk. `voiced` are the tight spans of its speech."""

    encoder: WindowEncoder
    batcher: WhisperBatcher
    flow: Flow
    samples: ReadSamples
    speech: SpeechMap
    voiced: Sequence[Span]

    async def recognise(self, piece: Piece, options: DecodeOptions) -> ChunkPart:
        """Segments in samples of the recording; none of less than a frame. Speech that their words leave out
        is heard again."""
        if piece.span.num_samples < HOP:
            return ChunkPart((), piece.span.stop)
        options = replace(options, language=piece.language)
        text = await self._decode(piece.span, piece.encoded, options)
        segments = self._segments(text, piece.span, options)
        gaps = self._left_out(segments, piece.span, options)
        counts = text.counts
        for _ in range(MAX_PASSES - 1):
            if not gaps:
                break
            gap = gaps.pop(0)
            text = await self._decode(gap, None, options)
            counts += text.counts
            found = [] if is_doubtful(text) else self._segments(text, gap, options)
            if found:
                segments = insert(segments, found, gap)
            gaps = self._left_out(found, gap, options) + gaps
        spoken = tuple(replace(segment, language=piece.language) for segment in segments)
        return ChunkPart(spoken, piece.span.stop, counts)

    def _segments(self, text: WindowText, span: Span, options: DecodeOptions) -> list[Segment]:
        if is_no_speech(text, self.speech.share(span)):
            text = without_words(text)
        return cut_segments(text, span, self.voiced, options.text_language)

    def _left_out(self, segments: Sequence[Segment], span: Span, options: DecodeOptions) -> list[Span]:
        """Spans to hear again: speech between the words, or all of `span`, in two, if there is no text."""
        if not segments:
            return halves(span, self.voiced)
        words = [word for segment in segments for word in segment.words]
        gaps = missed_speech(words, span, self.voiced)
        if options.task is Task.TRANSLATE:  # only the end of its words is where it was said
            return [gap for gap in gaps if gap.start >= words[-1].stop]
        return gaps

    async def _decode(self, span: Span, encoded: EncodedWindow | None, options: DecodeOptions) -> WindowText:
        """The text in the first context if it is sure, else the likelier one of all contexts; retries come
        only where none is reliable."""
        *shorter, last = self.encoder.contexts(span.num_samples)
        reliable: list[WindowText] = []
        for context in shorter:
            states = encoded or await self.encoder.encode(self.flow, self.samples, span, options, context)
            encoded = None
            text = await self.batcher.decode(self.flow, states, options, words=True, retries=False)
            if _is_reliable(text):
                if text.avg_logprob >= SURE:
                    return text
                reliable.append(text)
        states = encoded or await self.encoder.encode(self.flow, self.samples, span, options, last)
        text = await self.batcher.decode(self.flow, states, options, words=True, retries=not reliable)
        if _is_reliable(text) or not reliable:
            reliable.append(text)
        return max(reliable, key=lambda text: text.avg_logprob)


def _is_reliable(text: WindowText) -> bool:
    """Whether to believe it without another try in a longer context."""
    return bool(text.tokens) and not is_doubtful(text) and not repeats_its_end(text.text)


def _features(audio: Audio, num_mels: int, context: int) -> WindowFeatures:
    return WindowFeatures(log_mel(audio, num_mels), len(audio), context)
