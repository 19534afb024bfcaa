"""What the screens of the CLIs that Kage knows look like in each state, one file a CLI, as rules.

They were written beside recordings of the real ones (``tests/fixtures/clis/NAME/screens``) and hold on to the
places where a program draws its own signs: the newest selected option, the spinner above the input box, the
first column of the transcript. What an agent says is indented there, so it can quote anything.
"""
