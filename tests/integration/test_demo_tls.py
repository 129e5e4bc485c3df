"""The demo site over TLS, with a certificate made for the test."""

import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from demo.facts import synthetic_facts
from demo.faults import Fault, FaultPlan
from demo.site import Certificate, CertificateUnusable, DemoSite

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl to make certificates with"
)

ROOT = Path(__file__).parents[2]
SHAWSHANK = "/title/tt0111161/"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for the loopback address that is its own authority."""
    folder = tmp_path_factory.mktemp("certificate")
    made = Certificate(folder / "chain.pem", folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=demo", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", made.key, "-out", made.chain],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


@pytest.fixture
def site(certificate: Certificate) -> Iterator[DemoSite]:
    with DemoSite(synthetic_facts(2), certificate=certificate) as running:
        yield running


def connected_to(site: DemoSite) -> socket.socket:
    address = urlsplit(site.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def test_pages_come_over_tls_to_a_client_that_checks_the_certificate(
    site: DemoSite, certificate: Certificate
) -> None:
    with requests.Session() as session:
        session.trust_env = False  # REQUESTS_CA_BUNDLE would go before `verify`
        session.verify = str(certificate.chain)
        for _ in range(3):
            answer = session.get(site.url + SHAWSHANK, timeout=10)
            assert answer.status_code == 200
            assert "The Shawshank Redemption" in answer.text
    assert site.url.startswith("https://")
    assert site.count(SHAWSHANK) == 3


def test_a_connection_serves_many_requests(site: DemoSite, certificate: Certificate) -> None:
    context = ssl.create_default_context(cafile=certificate.chain)
    with context.wrap_socket(connected_to(site), server_hostname="127.0.0.1") as client:
        for _ in range(2):
            client.sendall(b"HEAD /chart/top/ HTTP/1.1\r\nHost: demo\r\n\r\n")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(4096)
            assert head.startswith(b"HTTP/1.1 200 ")


def test_clients_that_never_say_a_word_keep_nobody_waiting(
    site: DemoSite, certificate: Certificate
) -> None:
    with ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(connected_to(site))
        answer = requests.get(site.url + SHAWSHANK, verify=str(certificate.chain), timeout=10)
        assert answer.status_code == 200


def test_a_handshake_has_a_time_limit(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.site._HANDSHAKE_SECONDS", 0.01)
    with DemoSite(synthetic_facts(1), certificate=certificate) as site, connected_to(site) as mute:
        assert mute.recv(1) == b""


def test_a_client_that_speaks_no_tls_or_trusts_nobody_harms_no_other(
    site: DemoSite, certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    with connected_to(site) as plain:
        plain.sendall(b"GET /chart/top/ HTTP/1.1\r\nHost: demo\r\n\r\n")
        assert not plain.recv(4096).startswith(b"HTTP/")
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(site.url + SHAWSHANK, timeout=10)
    answer = requests.get(site.url + SHAWSHANK, verify=str(certificate.chain), timeout=10)
    assert answer.status_code == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_closing_ends_idle_and_waiting_connections_and_every_thread(
    certificate: Certificate,
) -> None:
    before = threading.active_count()
    context = ssl.create_default_context(cafile=certificate.chain)
    with DemoSite(synthetic_facts(1), certificate=certificate, delay_seconds=60) as site:
        mute = connected_to(site)
        waiting = context.wrap_socket(connected_to(site), server_hostname="127.0.0.1")
        waiting.sendall(b"GET /chart/top/ HTTP/1.1\r\nHost: demo\r\n\r\n")
        assert site.wait_for_requests(1, timeout_seconds=10)
    mute.close()
    waiting.close()
    assert threading.active_count() == before


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    nothing = Certificate(tmp_path / "chain.pem", tmp_path / "key.pem")
    with pytest.raises(CertificateUnusable, match=r"chain\.pem and .*key\.pem cannot be used"):
        DemoSite(synthetic_facts(1), certificate=nothing)


def test_the_command_serves_over_tls(certificate: Certificate) -> None:
    command = [sys.executable, "-m", "demo", "--titles", "1"]
    files = ["--certificate", str(certificate.chain), "--key", str(certificate.key)]
    with subprocess.Popen(
        [*command, *files], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            answer = requests.get(url + SHAWSHANK, verify=str(certificate.chain), timeout=10)
            assert answer.status_code == 200
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--certificate", "nothing.pem"], 2, "--key are given together"),
        (["--key", "nothing.pem"], 2, "--certificate and --key"),
        (["--certificate", "nothing.pem", "--key", "nothing.pem"], 1, "nothing.pem cannot be used"),
    ],
)
def test_the_command_says_what_is_wrong_with_the_certificate(
    options: list[str], status: int, message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fault", [Fault.REFUSED_CONNECTION, Fault.RESET_IN_BODY])
def test_a_reset_is_one_over_tls_too(certificate: Certificate, fault: Fault) -> None:
    plan = FaultPlan([fault], share=1)
    trusting = ssl.create_default_context(cafile=certificate.chain)
    with DemoSite(synthetic_facts(1), certificate=certificate, faults=plan) as site:
        with trusting.wrap_socket(connected_to(site), server_hostname="127.0.0.1") as client:
            client.sendall(f"GET {SHAWSHANK} HTTP/1.1\r\nHost: demo\r\n\r\n".encode())
            with pytest.raises(ConnectionResetError):
                # Of the TCP connection: the ssl module calls a reset an end.
                while socket.socket.recv(client, 1 << 16):
                    pass


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.ENDLESS_BODY])
def test_closing_ends_what_never_ends_over_tls_too(certificate: Certificate, fault: Fault) -> None:
    before = threading.active_count()
    plan = FaultPlan([fault], share=1)
    trusting = ssl.create_default_context(cafile=certificate.chain)
    with ExitStack() as clients:
        with DemoSite(synthetic_facts(1), certificate=certificate, faults=plan) as site:
            client = clients.enter_context(
                trusting.wrap_socket(connected_to(site), server_hostname="127.0.0.1")
            )
            client.sendall(f"GET {SHAWSHANK} HTTP/1.1\r\nHost: demo\r\n\r\n".encode())
            assert site.wait_for_requests(1, timeout_seconds=10)
        assert threading.active_count() == before
