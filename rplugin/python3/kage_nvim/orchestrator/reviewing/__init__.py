"""Review: a change read by several reviewers at once, what they find held against the code and against each
other."""
