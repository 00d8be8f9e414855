"""The lists of public classes of the common tests can be imported by name here."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
