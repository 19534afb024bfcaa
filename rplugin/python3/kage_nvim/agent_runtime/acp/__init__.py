"""CLIs that speak the Agent Client Protocol: a prompt for each turn, in one session.

``player`` takes the turns, ``session`` is the agent's process, ``wire`` its pipes, ``listener`` hears what it
tells, which ``updates`` makes events of, and ``permissions`` is what it asks leave for.
"""
