"""The built-in agent: ``loop`` is one turn of its conversation with a model.

``asking`` is one model call whatever it takes, ``model_client`` the gateway, ``messages`` and ``wire`` the
conversation kept and sent, ``compaction`` room in the model's window, ``protocol_text`` calls of models that
know no tools, ``tools`` what a model may do, each through the sandbox.
"""
