"""A proxy in front of a server that breaks, delays or swallows connections."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator

import attrs

__all__ = ["BreakingProxy", "breaking"]


@attrs.define
class BreakingProxy:
    """What it does to connections that come; change it at any time."""

    port: int
    target: int
    broken: float = 0.0
    """Share of the pieces that come from the server after which it hangs up."""
    refuses: bool = False
    delay: float = 0.0
    """Seconds before an answer."""
    breaks: int = 0
    """How often it hung up."""
    random: random.Random = attrs.field(factory=lambda: random.Random(7))

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed: the test is over
            if self.refuses:
                self.breaks += 1
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            for one, other, answers in (
                (client, server, False),
                (server, client, True),
            ):
                threading.Thread(
                    target=self._pump, args=(one, other, answers), daemon=True
                ).start()

    def _pump(self, one: socket.socket, other: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(1 << 16):
                if answers:
                    time.sleep(self.delay)
                if answers and self.random.random() < self.broken:
                    # The server did it, and nobody hears that it did.
                    self.breaks += 1
                    break
                other.sendall(piece)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextlib.contextmanager
def breaking(target: int) -> Iterator[BreakingProxy]:
    """Give a proxy for a port of this machine that lets everything through so far."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = BreakingProxy(listener.getsockname()[1], target)
        thread = threading.Thread(target=proxy.serve, args=(listener,), daemon=True)
        thread.start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
