"""Lets the server find the extension that lies beside this file.

It is turned on in `jupyter_server_config.d`, where it takes nothing from what an image turns on.
"""

import sys
from pathlib import Path

# After all others, so that it hides none of the image's modules.
sys.path.append(str(Path(__file__).parent))
