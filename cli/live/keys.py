"""What the keys of a terminal do to a live session: Ctrl-C ends it, Enter ends a turn."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable

from cli.live.session import Inbox, Request


def end_when_interrupted(inbox: Inbox, abort: Callable[[], object]) -> None:
    """At the first SIGINT, what was said until then is still transcribed; the second calls `abort`."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        inbox.put(Request.END)
        loop.add_signal_handler(signal.SIGINT, abort)

    loop.add_signal_handler(signal.SIGINT, interrupt)


def commit_when_entered(inbox: Inbox, entered: Callable[[], None]) -> None:
    """`entered` is called for each line that the user enters."""
    loop = asyncio.get_running_loop()

    def enter() -> None:
        if sys.stdin.readline():
            entered()
            inbox.put(Request.COMMIT)
        else:
            loop.remove_reader(sys.stdin)

    loop.add_reader(sys.stdin, enter)
