"""The lists of public classes, and the small graphs, of the tests of networks can be imported by name here."""

import sys
from pathlib import Path

tests = Path(__file__).parents[1]
sys.path += [str(Path(__file__).parent), str(tests), str(tests / "estimators")]
