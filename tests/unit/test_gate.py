"""Many run side by side, or one alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from kage_nvim.orchestrator.checking.gate import Gate


def test_one_alone_waits_for_those_before_and_keeps_out_those_after() -> None:
    async def story() -> list[str]:
        gate, said, go = Gate(), list[str](), asyncio.Event()

        async def beside(name: str) -> None:
            async with gate.beside():
                said.append(f"{name} in")
                await go.wait()
                said.append(f"{name} out")

        async def alone(name: str) -> None:
            async with gate.alone():
                said.append(f"{name} in")
                await asyncio.sleep(0)
                said.append(f"{name} out")

        tasks = [asyncio.ensure_future(each) for each in (beside("a"), beside("b"))]
        await asyncio.sleep(0)
        given_up = asyncio.ensure_future(alone("x"))
        tasks += [asyncio.ensure_future(each) for each in (alone("m"), alone("n"))]
        await asyncio.sleep(0)
        tasks.append(asyncio.ensure_future(beside("c")))
        await asyncio.sleep(0)
        given_up.cancel()
        with suppress(asyncio.CancelledError):
            await given_up
        go.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
        return said

    said = asyncio.run(story())
    assert said[:2] == ["a in", "b in"] and "x in" not in said
    for name in ("m", "n"):
        begins = said.index(f"{name} in")
        assert said[begins + 1] == f"{name} out", "nothing ran meanwhile"
        assert begins > said.index("a out") and begins > said.index("b out")
