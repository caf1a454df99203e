"""What runs inside the servers, in images that know nothing of this package.

Each other module is a text that travels in the pod (`kubernetes.parts.files`). It imports the
standard library and what the image has, nothing of e2xhub; and nothing here imports it.
"""

from functools import cache
from importlib import resources


@cache
def read_module(name: str) -> str:
    """The text of the module `name`, such as `nbgrader_config.py`."""
    return resources.files(__name__).joinpath(name).read_text("utf-8")
