"""What the tests of the networks share can be imported by its name: the test modules are no package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
