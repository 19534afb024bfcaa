"""Plain HTTP over a unix socket, for the few small JSON requests made to the gateway."""

from __future__ import annotations

import asyncio
import http.client
import io
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


async def wait(
    path: str, method: str, url: str, body: object, *, timeout: float, token: str = ""
) -> tuple[int, Any]:
    """The same for an answer that may take minutes: no thread waits, and whoever gives up hangs up, so that
    the other side need not go on.

    Raises:
        OSError: nobody listens there, or it did not answer within ``timeout`` seconds.
    """
    payload = json.dumps(body).encode()
    lines = [f"{method} {url} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode() + payload)
        response = http.client.HTTPResponse(_Heard(await asyncio.wait_for(reader.read(), timeout)))  # type: ignore[arg-type]
        response.begin()
        text = response.read()
        return response.status, json.loads(text) if text else None
    except asyncio.TimeoutError:
        raise OSError(f"no answer from {path} within {timeout:.0f} s") from None
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"no sensible answer from {path}: {error}") from error
    finally:
        writer.close()


class _Heard:
    """What has come, in the place of the socket that it came from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        """See socket."""
        return io.BytesIO(self._data)
