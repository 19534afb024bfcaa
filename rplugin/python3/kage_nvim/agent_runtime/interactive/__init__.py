"""CLIs with their own screen in the pane: ``player`` runs one, ``typist`` types there for the user.

``child`` is its pseudo terminal, ``pane`` the real one, ``passage`` what may go from one to the other, and
``terminal`` the screen that it makes, as text.
"""
