"""Courses and exams on JupyterHub: a roster decides who gets which server.

In a hub's configuration::

    from e2xhub import configure

    configure(c, hub="assignment", catalog="/etc/e2xhub/catalog", roster="/etc/e2xhub/roster")
"""

from e2xhub.config import configure

__all__ = ["configure"]
