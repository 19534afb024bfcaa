"""``python -m kage_nvim.cli``: the same as ``kage``."""

import sys

from kage_nvim.cli import main

sys.exit(main())
