"""The process that decodes one file: `python -m utils.decoding.child CONTROL` forks one for each.

Its limits are those of the file: memory by its size, processor time by the step.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path

import av

from exceptions import InvalidAudioError, TranscriptionServerError
from utils.decoding.blocks import Decoding
from utils.decoding.container import audio_decoders
from utils.decoding.protocol import NEXT, DecodeRequest, Kind, send_block, send_error, send_json
from utils.process.fork_server import serve

MEBIBYTE = 1 << 20
BASE_MEMORY = 88 * MEBIBYTE  # besides what the forked process has; a good file takes some 20
MAX_MEMORY = 1024 * MEBIBYTE  # for the size of the file: a day of AAC in MP4 has an index of 100 MiB
# Processor time: to open a file, to read through a film whose sound has ended, to decode. Good files take a
# hundredth of what they may.
OPENING_SECONDS, READ_PER_SECOND, DECODED_PER_SECOND = 2.0, 256 * MEBIBYTE, 10


def main(control: int) -> None:
    audio_decoders()  # looked up once, before the forks
    av.logging.set_level(None)  # FFmpeg's own words about a file
    serve(socket.socket(fileno=control), _decode)


def _decode(connection: socket.socket, descriptor: int) -> None:
    with os.fdopen(descriptor, "rb") as file, connection.makefile("rb") as requests:
        request = DecodeRequest.from_bytes(requests.readline())
        size = os.fstat(descriptor).st_size
        _limit_memory(size)
        allowed = OPENING_SECONDS + size / READ_PER_SECOND
        send_json(connection, Kind.STARTED, None)
        try:
            if requests.read(1) != NEXT:
                return
            _limit_time(allowed)
            decoding = Decoding(file, request.target, request.choice)
            send_json(connection, Kind.OPENED, decoding.claimed_samples)
            blocks = decoding.blocks()
            while requests.read(1) == NEXT:
                _limit_time(allowed + decoding.seconds_decoded / DECODED_PER_SECOND)
                block = next(blocks, None)
                if block is None:
                    send_json(connection, Kind.END, asdict(decoding.report))
                    return
                send_block(connection, block)
        except TranscriptionServerError as error:
            send_error(connection, error)
        except MemoryError:
            send_error(connection, InvalidAudioError("The file takes more memory than its size allows."))
        except (BrokenPipeError, ConnectionResetError):
            return  # whoever asked has left
        except Exception:  # a bug, which the log should show, but to the sender it is a file like others
            traceback.print_exc()
            send_error(connection, InvalidAudioError("The file could not be decoded as audio."))


def _limit_time(allowed: float) -> None:
    """SIGPROF ends the process, in whatever library it is, once it has taken `allowed` seconds of processor
    time since its start."""
    signal.setitimer(signal.ITIMER_PROF, max(0.001, allowed - time.process_time()))


def _limit_memory(file_size: int) -> None:
    allowed = BASE_MEMORY + min(file_size, MAX_MEMORY)
    statm = Path("/proc/self/statm")
    if statm.exists():  # macOS has neither it nor a limit that holds
        own = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (own + allowed, own + allowed))
    for library in (Path(av.__file__).parents[1] / "av.libs").glob("libavutil*"):
        ctypes.CDLL(str(library)).av_max_alloc(ctypes.c_size_t(allowed))


if __name__ == "__main__":
    main(int(sys.argv[1]))
