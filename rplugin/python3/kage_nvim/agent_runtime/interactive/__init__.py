"""CLIs with their own screen in the pane: ``player`` runs one, ``typist`` types there for the user.

``life`` is from its start to its end: ``child`` its pseudo terminal, ``pane`` the real one, ``passage`` what
may go from one to the other, ``terminal`` the screen that it makes, as text, ``tail`` what its hooks tell.
"""
