"""SOCKS 5 proxies of every kind, in one process: ``python -m benchmarks.socks_proxies``.

Prints one address a line (a proxy that refuses, one that hangs, one that is slow, and good ones),
and serves until it is killed. Only what the benchmark of dead proxies needs: no passwords, and
addresses in numbers (RFC 1928).
"""

import argparse
import asyncio
import socket
import struct
import sys
from contextlib import suppress

_CHUNK_BYTES = 1 << 18


async def serve(delay_seconds: float, good: int) -> None:
    """Serve one of each bad kind and so many good ones, for ever."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        slow = await asyncio.start_server(_Proxy(delay_seconds).serve, "127.0.0.1", 0)
        hanging = await asyncio.start_server(_hang, "127.0.0.1", 0)
        others = [
            await asyncio.start_server(_Proxy(0).serve, "127.0.0.1", 0, backlog=256)
            for _ in range(good)
        ]
        listening = [server.sockets[0] for server in (hanging, slow, *others)]
        for bound in (taken, *listening):
            print(f"127.0.0.1:{bound.getsockname()[1]}", flush=True)
        await asyncio.Event().wait()


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        await reader.read()  # until the client gives up
    writer.close()


class _Proxy:
    """Connects where it is told to, after a delay in seconds."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(self._delay_seconds)
            _, methods = await reader.readexactly(2)
            await reader.readexactly(methods)
            writer.write(b"\x05\x00")
            host, port = await _target(reader)
            onward = await asyncio.open_connection(host, port)
            writer.write(b"\x05\x00\x00\x01" + bytes(6))
            await asyncio.gather(_pass_on(reader, onward[1]), _pass_on(onward[0], writer))


async def _target(reader: asyncio.StreamReader) -> tuple[str, int]:
    """Where a CONNECT leads to: IPv4, or a name, which is what ``socks5h`` sends."""
    kind = (await reader.readexactly(4))[3]
    if kind == 1:
        host = socket.inet_ntoa(await reader.readexactly(4))
    else:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("ascii")
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return host, port


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


def main() -> int:
    """Serve; never comes back by itself."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.socks_proxies", description=__doc__)
    parser.add_argument("--delay", type=float, default=4.0, help="of the slow one, in seconds")
    parser.add_argument("--good", type=int, default=2)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(options.delay, options.good))
    return 0


if __name__ == "__main__":
    sys.exit(main())
