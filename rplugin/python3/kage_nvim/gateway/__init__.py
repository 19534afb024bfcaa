"""The gateway: the one process that talks to models, sees keys and counts money.

A request passes these files in order: ``server`` (HTTP) → ``calls`` (one call's life) → ``agents`` (whose
token is it) → ``keys`` → ``policy`` (budget, limiter, retries) → ``provider`` (litellm) or ``cassette`` (a
recording) → ``ledger`` (what it cost). ``problems`` are what can go wrong, as an agent reads them.
"""
