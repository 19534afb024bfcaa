"""Third-party CLIs, whatever way they are run: started in the sandbox, watched, understood, paid for.

``player`` and ``run`` are the plain way, one run for each turn; the folders ``acp`` and ``interactive`` are
the others. ``start`` fills in a description's words, ``relay`` and ``forward`` are both ends of the way out
of the sandbox, ``events`` reads what a CLI tells, ``status`` decides what it is doing, ``teller`` shows it.
"""
