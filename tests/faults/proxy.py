"""A proxy in front of Postgres that can cut connections, or swallow the reply to a COMMIT and cut then."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from sqlalchemy import make_url


class Proxy:
    """Listens on a TCP port and forwards to the unix socket of a server's URL."""

    def __init__(self, server: str, host: str = "127.0.0.1") -> None:
        url = make_url(server)
        self._target = f"{url.query['host']}/.s.PGSQL.{url.query['port']}"
        self._listener = socket.create_server((host, 0))
        port = self._listener.getsockname()[1]
        self.url = url.set(host=host, port=port, query={"sslmode": "disable"}).render_as_string(hide_password=False)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._swallow = 0
        self.swallowed = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self, commits: int) -> None:
        """Let the next commits happen, but not their callers know."""
        with self._lock:
            self._swallow = commits

    def cut(self) -> None:
        """Cut every connection."""
        with self._lock:
            victims, self._open = self._open, set()
        for end in victims:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        deaf = threading.Event()  # the client no longer hears the server
        with client, socket.socket(socket.AF_UNIX) as server:
            try:
                server.connect(self._target)
            except OSError:
                return
            with self._lock:
                self._open |= {client, server}
            back = threading.Thread(target=self._pump, args=(server, client, deaf), daemon=True)
            back.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    if b"COMMIT\0" in data:
                        with self._lock:
                            if self._swallow:
                                self._swallow -= 1
                                self.swallowed += 1
                                deaf.set()
                    server.sendall(data)
            for end in (server, client):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join()
            with self._lock:
                self._open -= {client, server}

    @staticmethod
    def _pump(server: socket.socket, client: socket.socket, deaf: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if deaf.is_set():  # it is committed: the server has answered
                    break
                client.sendall(data)
        for end in (server, client):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
