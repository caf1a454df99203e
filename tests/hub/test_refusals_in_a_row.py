"""A hub survives people who ask for what they may not have, again and again.

JupyterHub counts failed starts and ends itself after some of them.
"""

from __future__ import annotations

import pytest

from tests.hub.demo_process import DemoProcess

pytestmark = pytest.mark.hub

HOW_MANY = 20


def test_twenty_refused_requests_leave_the_hub_running(demo: DemoProcess) -> None:
    nina = demo.sign_in("nina")
    client = nina.make_api_client()
    answers = [client.call_api("POST", "/hub/api/users/nina/server") for _ in range(HOW_MANY)]
    assert [answer.status for answer in answers] == [403] * HOW_MANY

    links = [nina.get("/hub/spawn", {"profile": "exams/ml-open/student"}) for _ in range(HOW_MANY)]
    assert [answer.status for answer in links] == [403] * HOW_MANY

    vera = demo.sign_in("vera").make_api_client()
    granted = vera.call_api("POST", "/hub/api/users/vera/server")
    assert granted.status in (201, 202), granted
    assert demo.cluster.pod("jupyter-assignment-vera")
