"""The best of several candidates put together as another."""
