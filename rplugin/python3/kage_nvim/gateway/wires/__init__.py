"""The four protocols that the gateway speaks to agents, one file each.

A wire turns its request into a chat completion as litellm understands it (the internal body), and the pieces
of the answer (deltas, then the bill) into its own events or its own whole answer. ``blocks`` sorts deltas
into what the three younger protocols are made of; ``reading`` is what requests are read with.
"""
