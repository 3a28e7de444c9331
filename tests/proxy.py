"""A server's port goes in, a port that passes everything on until it is told to break off comes out."""

import contextlib
import os
import socket
import ssl
import struct
import threading
import time
from typing import Literal, Self

Break = Literal["close", "reset", "garble"]


class Proxy:
    """Passes bytes both ways. With `breaking` set, the answer to the next request is lost.

    "close" and "reset" end the client's connection; "garble" answers with bytes that are no TLS. It is lost
    when the server begins to answer, or, with `after`, as soon as these bytes have been passed on to it.
    After `pausing` more bytes of requests it takes none for two seconds, once.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.breaking: Break | None = None
        self.after: bytes | None = None
        self.broken = 0
        self.pausing: int | None = None
        self.paused = 0
        self._to = port
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as sockets:
            if self._tls:
                client = self._tls.wrap_socket(client, server_side=True)
            sockets.enter_context(client)
            server = sockets.enter_context(socket.create_connection(("127.0.0.1", self._to)))
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
            while piece := server.recv(1 << 16):
                if self.breaking:
                    self._break(client)
                    return
                client.sendall(piece)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(1 << 16):
                server.sendall(piece)
                if self.pausing is not None:
                    self._pause(len(piece))
                if self.breaking and self.after and self.after in piece:
                    self._break(client)
                    return

    def _pause(self, passed: int) -> None:
        self.pausing = self.pausing - passed if self.pausing is not None and self.pausing > passed else None
        if self.pausing is None:
            self.paused += 1
            time.sleep(2)

    def _break(self, client: socket.socket) -> None:
        how, self.breaking = self.breaking, None
        self.broken += 1
        if how == "garble":
            # Past the TLS layer, straight onto the wire.
            with socket.socket(fileno=os.dup(client.fileno())) as wire:
                wire.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        elif how == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # What the other thread still waits for keeps the connection alive, so that has to end first.
        client.shutdown(socket.SHUT_RD if how == "reset" else socket.SHUT_RDWR)
        client.close()
