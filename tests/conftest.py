"""What all tests share."""

import os
from pathlib import Path

_TOXIPROXY = Path(__file__).parent.parent / ".cache" / "toxiproxy-2.12.0" / "server"

if _TOXIPROXY.exists():
    os.environ.setdefault("CHAOS_RUNNER_TOXIPROXY", str(_TOXIPROXY))
