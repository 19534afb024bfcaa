"""What candidates are worth: the project's own commands, run on their trees."""
