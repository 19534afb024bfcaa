"""The base's tests kept as they were, and whatever weakens them named."""
