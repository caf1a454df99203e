"""Servers without a name service find their hub by its addresses."""

from __future__ import annotations

import pytest

from e2xhub.kubernetes.lockdown import PolicyError
from e2xhub.kubernetes.lockdown.hub_hosts import find_hub_hosts


@pytest.mark.parametrize(
    "url",
    [
        "http://10.96.0.7:8081/hub/api",
        "http://[2001:db8::7]:8081/hub/api",
        "https://127.0.0.1:8081/hub/api",
    ],
)
async def test_hub_at_an_address_needs_no_name(url: str) -> None:
    assert await find_hub_hosts(url) == {}
    assert await find_hub_hosts(url, ["10.96.0.8"]) == {}


async def test_given_addresses_are_taken_as_they_are() -> None:
    """Nobody is asked: this name does not exist."""
    found = await find_hub_hosts("http://hub.invalid:8081/hub/api", ["10.96.0.7", "2001:db8::7"])
    assert found == {"10.96.0.7": ["hub.invalid"], "2001:db8::7": ["hub.invalid"]}


async def test_name_service_is_asked_for_all_addresses() -> None:
    found = await find_hub_hosts("http://localhost:8081/hub/api")
    assert set(found) <= {"127.0.0.1", "::1"}
    assert "127.0.0.1" in found
    assert all(names == ["localhost"] for names in found.values())


@pytest.mark.parametrize("host", ["hub.invalid", "a" * 64])
async def test_name_that_nobody_knows_is_an_error_with_its_mend(host: str) -> None:
    with pytest.raises(PolicyError) as caught:
        await find_hub_hosts(f"http://{host}:8081/hub/api")
    message = str(caught.value)
    assert message.startswith(f"the hub's own name {host!r} is not known to the name service (")
    assert message.endswith(
        "), and servers without a name service need its address; set E2xSpawner.hub_addresses to "
        "the ClusterIP of the hub's service"
    )


@pytest.mark.parametrize("address", ["hub", "", "10.96.0.7:8081", "10.96.0.0/16"])
async def test_setting_that_is_no_address_is_an_error(address: str) -> None:
    with pytest.raises(PolicyError) as caught:
        await find_hub_hosts("http://hub:8081/hub/api", ["10.96.0.7", address])
    assert str(caught.value) == (
        f"{address!r} in E2xSpawner.hub_addresses is no address; expected one such as '10.96.12.34'"
    )
