"""What runs inside the servers, in images that know nothing of this package.

Each other module is a text that travels in the pod (`kubernetes.parts.files`). It imports the
standard library and what the image has, nothing of e2xhub; and nothing here imports it.
"""

from importlib import resources

NBGRADER_CONFIG = resources.files(__name__).joinpath("nbgrader_config.py").read_text("utf-8")
"""nbgrader's configuration file for every role; it takes values from the environment."""
