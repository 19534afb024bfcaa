"""Plain HTTP over a unix socket, for the few small JSON requests made to the gateway."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def request(
    path: str,
    method: str,
    url: str,
    body: object = None,
    *,
    timeout: float = 5.0,
    token: str = "",
) -> tuple[int, Any]:
    """Send one request to the server at socket ``path``, with the caller's ``token`` where one is wanted;
    returns (HTTP status, decoded JSON body).

    Raises:
        OSError: nobody listens there, or it did not answer within ``timeout`` seconds.
    """
    connection = _Connection(path, timeout)
    try:
        payload = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, url, payload, headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"no sensible answer from {path}: {error}") from error
    finally:
        connection.close()
