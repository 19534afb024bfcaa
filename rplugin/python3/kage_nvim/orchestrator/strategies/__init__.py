"""How the agents of a run are spent: one file a strategy, each a plain function from what is seen of the
agents to what is to be done with them. Nothing here does it; ``orchestrator.course`` does."""
