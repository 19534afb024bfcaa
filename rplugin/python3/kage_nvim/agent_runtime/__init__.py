"""What runs in an agent's pane: one light process each, ``python -m kage_nvim.agent_runtime --spec PATH``.

``runner`` is the process; it loads one player, and only that one's modules:

    builtin/        the built-in agent: a model and its tools
    clis/           a third-party CLI, one run for each turn; and what the next two share with it
    acp/            one that speaks the Agent Client Protocol
    interactive/    one with its own screen
    command         a command of the user's

``players/`` and ``screens/`` describe the CLIs that Kage knows. The rest is every agent's: ``link`` is kaged,
``inbox`` what reaches it, ``log`` what survives, ``progress`` what it says of itself, ``prompts`` what it is
told, ``context`` what surrounds its task, ``screen`` and ``keyboard`` the pane.
"""
