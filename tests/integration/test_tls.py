"""TLS on loopback, with authorities and certificates made for the test."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.errors import SourceUnavailable
from tests.clients import http_client
from tests.servers import ScriptedServer, page, serving

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl to make certificates with"
)


def certificate(folder: Path, name: str) -> Path:
    """A certificate for a host name that is its own authority, with its key in one file."""
    path = folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", f"{path}.key", "-out", path],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certificates")
    return {name: certificate(folder, name) for name in ("localhost", "elsewhere.example")}


def over_tls(path: Path) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, f"{path}.key")
    with serving({"/": page(b"in private")}, context) as server:
        yield server


@pytest.fixture
def server(certificates: dict[str, Path]) -> Iterator[ScriptedServer]:
    yield from over_tls(certificates["localhost"])


def address(server: ScriptedServer) -> str:
    return f"https://localhost:{server.server_port}/"


def test_a_page_comes_over_tls_from_a_site_that_the_system_trusts(
    server, certificates, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["localhost"]))
    with http_client() as http:
        assert http.get(address(server)).body == b"in private"


def test_a_site_that_nobody_vouches_for_is_refused(server):
    with http_client() as http, pytest.raises(SourceUnavailable, match="TLS.*certificate"):
        http.get(address(server))
    assert server.requests["/"] == 0


def test_a_certificate_is_refused_in_the_words_of_openssl(server):
    with http_client() as http, pytest.raises(SourceUnavailable) as caught:
        http.get(address(server))
    assert "TLS: [SSL: CERTIFICATE_VERIFY_FAILED]" in str(caught.value)
    assert "Pool" not in str(caught.value)


def test_a_site_without_tls_is_told_as_such():
    with (
        serving({"/": page(b"in public")}) as plain,
        http_client() as http,
        pytest.raises(SourceUnavailable, match=r"TLS: .*http://") as caught,
    ):
        http.get(address(plain))
    assert "Pool" not in str(caught.value)


def test_a_certificate_of_another_host_is_refused(certificates, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["elsewhere.example"]))
    for server in over_tls(certificates["elsewhere.example"]):
        with http_client() as http, pytest.raises(SourceUnavailable, match="TLS"):
            http.get(address(server))


def test_fifty_connections_read_the_authorities_once(server, certificates, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["localhost"]))
    loaded: list[object] = []
    original = ssl.SSLContext.load_verify_locations

    def counting(self, *arguments, **named):
        loaded.append(arguments)
        return original(self, *arguments, **named)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counting)
    with http_client(max_connections=50) as http, ThreadPoolExecutor(50) as pool:
        bodies = pool.map(lambda _: http.get(address(server)).body, range(200))
        assert set(bodies) == {b"in private"}
    assert len(server.clients) > 1
    assert len(loaded) == 1
