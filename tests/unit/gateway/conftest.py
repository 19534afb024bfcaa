"""A gateway in this process, with litellm imported once for all its tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kage_nvim.gateway import policy
from kage_nvim.gateway.provider import Provider
from kage_nvim.gateway.server import Server
from tests.fixtures.gateway import Client, LoopThread, serve_here


@pytest.fixture(scope="session")
def loop() -> Iterator[LoopThread]:
    """The loop that gateways of this process live on."""
    thread = LoopThread()
    yield thread
    thread.stop()


@pytest.fixture(scope="session")
def provider(loop: LoopThread) -> Provider:
    """litellm, shared: its import takes seconds."""
    return Provider(silence=1.0)


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    """Where the gateway under test keeps its ledger."""
    return tmp_path / "ledger.db"


@pytest.fixture
def served(loop: LoopThread, provider: Provider, ledger_file: Path) -> Iterator[tuple[Client, Server]]:
    """The gateway and a client of it."""
    yield from serve_here(loop, provider, ledger_file)


@pytest.fixture
def client(served: tuple[Client, Server]) -> Client:
    """The client alone."""
    return served[0]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries that follow each other quickly."""
    monkeypatch.setattr(policy, "FIRST_WAIT", 0.01)
