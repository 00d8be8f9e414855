"""What the tests of the networks share, and the common tests, can be imported by name: test modules are no package."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
