"""The server with its own decoder and no models: `HOST` and `PORT` are read as `server.py` reads them."""

from __future__ import annotations

from config import Settings
from server import create_app, serve
from tests.servers import fake_loaders

if __name__ == "__main__":
    settings = Settings()
    serve(create_app(settings, fake_loaders()), settings)
