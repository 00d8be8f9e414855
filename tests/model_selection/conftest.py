"""Makes ``known.py`` importable here, in the workers of joblib, and in the processes that tests kill."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
