"""`python -m cli health`: whether the server with these settings answers, for health checks of containers."""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException

from config import Settings

SECONDS = 4.0  # for the connection and for each read
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def check_health(settings: Settings, is_ready: bool = False) -> int:
    """Exit status 0 if the server answers with 200, else 1, and why on standard error. With `is_ready` it
    must be able to transcribe, not only be alive. Proxies of the environment are not used."""
    path = "/health/ready" if is_ready else "/health"
    host = ANY_ADDRESS.get(settings.host, settings.host)
    connection = HTTPConnection(host, settings.port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return _failed(f"{host} port {settings.port} does not answer: {error or type(error).__name__}")
    finally:
        connection.close()
    return 0 if status == 200 else _failed(f"{path} answers {status}")


def _failed(reason: str) -> int:
    print(f"Not healthy: {reason}", file=sys.stderr)
    return 1
