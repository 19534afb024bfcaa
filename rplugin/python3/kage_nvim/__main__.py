"""``python -m kage_nvim``: Kage's own remote plugin host, started by ``lua/kage/host.lua`` on pipes."""

from __future__ import annotations

from pathlib import Path


def main() -> None:
    """Serve Neovim on stdin and stdout until it hangs up."""
    import pynvim

    nvim = pynvim.Nvim.from_session(pynvim.stdio_session())
    pynvim.Host(nvim).start([str(Path(__file__).parent)])


if __name__ == "__main__":
    main()
