"""Usage of a transcription, as the hosted API reports it. Pure."""

from __future__ import annotations

from models import SAMPLE_RATE, TokenCounts, Transcript
from utils.answers.wire import AnswerForm, DurationUsage, InputTokenDetails, TokenUsage


def usage_of(transcript: Transcript, form: AnswerForm) -> DurationUsage | TokenUsage:
    """Seconds of the recording, or tokens."""
    return token_usage(transcript) if form.counts_tokens else duration_usage(transcript)


def token_usage(transcript: Transcript) -> TokenUsage:
    return tokens_of(transcript.counts)


def tokens_of(counts: TokenCounts) -> TokenUsage:
    return TokenUsage(
        input_tokens=counts.text + counts.audio,
        output_tokens=counts.output,
        total_tokens=counts.text + counts.audio + counts.output,
        input_token_details=InputTokenDetails(text_tokens=counts.text, audio_tokens=counts.audio),
    )


def duration_usage(transcript: Transcript) -> DurationUsage:
    return DurationUsage(seconds=round(transcript.num_samples / SAMPLE_RATE, 3))
