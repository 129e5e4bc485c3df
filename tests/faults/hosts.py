"""Hosts with addresses of their own on one machine: network namespaces, joined by a bridge.

Linux only; needs root and ``ip`` (iproute2). Nothing else on the machine is touched: the addresses
are of the range for tests between networks (198.18.0.0/15, RFC 2544), of which a part is taken that
no interface has.
"""

import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Host:
    """A host: its name, its address, and our end of its cable."""

    name: str
    address: str
    cable: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command begins with to run on this host."""
        return ("ip", "netns", "exec", self.name)

    def cut_off(self) -> None:
        """Have no packet reach it, nor leave it."""
        _ip("link", "set", self.cable, "down")

    def join(self) -> None:
        """Connect it again."""
        _ip("link", "set", self.cable, "up")


def why_no_hosts() -> str | None:
    """Say what keeps us from making hosts here; ``None``: nothing."""
    if shutil.which("ip") is None:
        return "no network namespaces: ip is not installed (apt-get install iproute2)"
    try:
        with hosts(1):
            return None
    except subprocess.CalledProcessError as error:
        return f"no network namespaces, which need root and the kernel's leave: {error.stderr}"


@contextmanager
def hosts(number: int) -> Iterator[tuple[str, list[Host]]]:
    """Make so many hosts; give the address at which this process is reached from them, and them.

    All of it is removed at the end, also when not all could be made.
    """
    tag = uuid4().hex[:6]
    network = _free_network()
    bridge = f"ib{tag}"
    with ExitStack() as undo:
        _ip("link", "add", bridge, "type", "bridge")
        undo.callback(_ip, "link", "del", bridge)
        _ip("addr", "add", f"{network}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        made = [
            _new_host(f"ih{tag}-{index}", f"{network}.{index + 2}", bridge, undo)
            for index in range(number)
        ]
        yield f"{network}.1", made


def _new_host(name: str, address: str, bridge: str, undo: ExitStack) -> Host:
    cable = f"{name}a"
    _ip("netns", "add", name)
    undo.callback(_ip, "netns", "del", name)
    _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
    undo.callback(_ip, "link", "del", cable)
    _ip("link", "set", cable, "master", bridge)
    _ip("link", "set", cable, "up")
    for command in (
        ("addr", "add", f"{address}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        _ip("-n", name, *command)
    return Host(name, address, cable)


def _free_network() -> str:
    """The first three numbers of 256 addresses that no interface of this machine has."""
    taken = _ip("-4", "-o", "addr")
    return next(
        network
        for network in (f"198.{second}.{third}" for second in (18, 19) for third in range(256))
        if f" {network}." not in taken
    )


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@contextmanager
def reached_at(address: str, socket_path: str) -> Iterator[int]:
    """Have a server that listens on a Unix socket be reached at an address; give the port."""

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as inner:
                inner.connect(socket_path)
                back = threading.Thread(target=_pass_on, args=(inner, self.request))
                back.start()
                _pass_on(self.request, inner)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True  # of a host that is cut off, nobody hears whether it has ended

    with Server((address, 0), Relay) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes, until one of the two has ended; then end both."""
    with suppress(OSError):
        while received := source.recv(_BYTES):
            target.sendall(received)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
