"""A link that dies: passes connections on to the store, late, and cuts some of them.

``python -m fleet.relay PORT HOST:PORT --delay SECONDS --cut BYTES --cuts N`` resets the
first N connections of which BYTES have come from the client. How many bytes came in
all, and how many connections were cut, is written to standard output now and then.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import struct
import sys

import attrs

__all__: list[str] = []

_CHUNK = 1 << 14
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time at all: close(2) sends RST (socket(7), tcp(7))."""


@attrs.define
class _Relay:
    host: str
    port: int
    delay: float
    cut: int
    cuts: int
    """Connections that are still to be cut."""
    done: int = 0
    size: int = 0

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass one connection on."""
        try:
            up_reader, up_writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.close()
            return
        back = asyncio.create_task(self._pass_back(up_reader, writer))
        came = 0
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                came += len(chunk)
                self.size += len(chunk)
                if came >= self.cut and self.cuts > 0:
                    self._reset(writer, up_writer)
                    break
                await asyncio.sleep(self.delay)
                up_writer.write(chunk)
                await up_writer.drain()
        self._tell()
        up_writer.close()
        back.cancel()

    async def _pass_back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await asyncio.sleep(self.delay)
                writer.write(chunk)
                await writer.drain()
        writer.close()

    def _reset(self, *writers: asyncio.StreamWriter) -> None:
        self.cuts -= 1
        self.done += 1
        for writer in writers:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    def _tell(self) -> None:
        json.dump({"size": self.size, "cut": self.done}, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("target")
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--cut", type=int, default=0)
    parser.add_argument("--cuts", type=int, default=0)
    options = parser.parse_args()
    host, _, port = options.target.partition(":")
    relay = _Relay(host, int(port), options.delay, options.cut, options.cuts)
    server = await asyncio.start_server(relay.serve, "0.0.0.0", options.port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
