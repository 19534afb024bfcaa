"""The whole loop of Kage in a real Neovim inside a real tmux, with recorded answers: `make demo`."""
