"""The search for the set of units of change that is worth most: for composing."""
