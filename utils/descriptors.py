"""File descriptors: as many as the system allows, and what to do when there are none left."""

from __future__ import annotations

import errno
import resource

OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)

UNLIMITED = 65_536  # where the system names no limit


def raise_descriptor_limit() -> int:
    """Raises the soft limit of open files, often 1024, to the hard one, and returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(soft, UNLIMITED) if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit
