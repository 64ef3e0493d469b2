"""The reverse proxies of ops/proxies, run with these files: only addresses, paths and certificates differ."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "ops/proxies"
NAME = "transcribe.example.com"
PROGRAMS = os.pathsep.join([str(ROOT / ".venv-peers/bin"), os.environ["PATH"], "/usr/sbin"])


@dataclass(frozen=True, slots=True)
class Certificate:
    file: Path
    key: Path


def self_signed(folder: Path) -> Certificate:
    """Of the name in the files, and of localhost, by which clients on this machine connect."""
    own = Certificate(folder / "certificate.pem", folder / "key.pem")
    options = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    names = ("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},DNS:localhost")
    command: list[str | Path] = ["openssl", "req", *options, *names, "-keyout", own.key, "-out", own.file]
    subprocess.run(command, check=True, capture_output=True)
    return own


@dataclass(frozen=True, slots=True)
class Place:
    """What differs between the files as shipped and a test: `port` of the proxy, `upstream` of the server."""

    folder: Path
    port: int
    upstream: int
    certificate: Certificate
    path: str = ""  # below which the server is, such as /whisper

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate.file)

    def connection(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        try:
            return self.tls.wrap_socket(plain, server_hostname=NAME)
        except BaseException:
            plain.close()
            raise

    def filled(self, file: str, *others: tuple[str, str]) -> str:
        """A shipped file with the values of this place. Each value it replaces must be in the file."""
        text = (FOLDER / file).read_text()
        for shipped, own in others:
            assert shipped in text, shipped
            text = text.replace(shipped, own)
        pem = f"/etc/ssl/{NAME}"
        text = text.replace(f"{pem}.pem", str(self.certificate.file))
        text = text.replace(f"{pem}.key", str(self.certificate.key))
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{self.upstream}")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


def nginx(place: Place) -> list[str | Path]:
    own = place.filled(
        "nginx.conf",
        ("listen 443 ssl", f"listen 127.0.0.1:{place.port} ssl"),
        ("location / {", f"location {place.path}/ {{"),
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {place.folder / kind};\n" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    main = place.write(
        "main.conf",
        f"{user} daemon off; master_process off; pid {place.folder / 'pid'};\nevents {{}}\n"
        f"http {{ access_log off;\n{folders}\ninclude {place.write('nginx.conf', own)};\n}}\n",
    )
    return ["nginx", "-e", "stderr", "-p", place.folder, "-c", main]


def caddy(place: Place) -> list[str | Path]:
    files = f"{place.certificate.file} {place.certificate.key}"
    own = place.filled(
        "Caddyfile",
        (f"{NAME} {{", f"https://{NAME}:{place.port} {{\n\tbind 127.0.0.1\n\ttls {files}"),
        ("handle /* {", f"handle {place.path}/* {{"),
    )
    config = place.write("Caddyfile", f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{own}")
    return ["caddy", "run", "--config", config, "--adapter", "caddyfile"]


def traefik(place: Place) -> list[str | Path]:
    below = f" && PathPrefix(`{place.path}`)" if place.path else ""
    rules = place.filled("traefik/transcription-server.yml", (f"(`{NAME}`)", f"(`{NAME}`){below}"))
    own = place.filled(
        "traefik/traefik.yml",
        ('":443"', f'"127.0.0.1:{place.port}"'),
        ("/etc/traefik/transcription-server.yml", str(place.write("transcription-server.yml", rules))),
    )
    return ["traefik", f"--configFile={place.write('traefik.yml', own)}"]


PROXIES: dict[str, Callable[[Place], list[str | Path]]] = {
    command.__name__: command for command in (nginx, caddy, traefik)
}


@contextmanager
def running_proxy(name: str, folder: Path, upstream: int, path: str = "") -> Iterator[Place]:
    """The proxy on a port of its own, in front of the server at the port `upstream`."""
    program = shutil.which(name, path=PROGRAMS)
    if program is None:
        pytest.skip(f"{name} is not installed: `make peers` brings Caddy and Traefik, Debian nginx-light")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = Place(folder, port, upstream, self_signed(folder), path)
    _, *words = PROXIES[name](place)
    environment = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([program, *words], cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            deadline = time.monotonic() + 30
            while not _is_up(place):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.02)
            yield place
        finally:
            process.kill()


def _is_up(place: Place) -> bool:
    """Whether it shows the certificate; Traefik listens before it has read its files."""
    try:
        place.connection().close()
    except (ConnectionError, ssl.SSLError):
        return False
    return True
