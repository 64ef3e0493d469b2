"""Baseline for the load test: faster-whisper behind one lock in a minimal app."""

from __future__ import annotations

import os
import threading
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Form, UploadFile

from benchmarks.reference_whisper import BEAM_SIZE, load_model

model = load_model()
lock = threading.Lock()
app = FastAPI()


@app.get("/health/ready")
def ready() -> None: ...


@app.post("/v1/audio/transcriptions")
def transcribe(file: UploadFile, language: Annotated[str, Form()]) -> dict[str, str]:
    with lock:
        segments, _ = model.transcribe(file.file, language=language, beam_size=BEAM_SIZE)
        return {"text": "".join(segment.text for segment in segments)}


if __name__ == "__main__":
    uvicorn.run(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), log_level="warning")
