"""Makes the graph reader's package importable from the source tree."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
