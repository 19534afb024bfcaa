"""The built-in agent: one light process per pane, ``python -m kage_nvim.agent_runtime --spec PATH``.

``runner`` is the process, ``loop`` one turn of conversation, ``tools`` what a model may do (each through the
sandbox), ``model_client`` the gateway, ``link`` kaged, ``log`` what survives, ``screen`` the pane.
"""
