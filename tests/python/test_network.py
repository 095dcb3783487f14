# SPDX-License-Identifier: MIT OR Apache-2.0
"""A pair of interfaces between the caller's network and the container's; in a network of the test's own."""

import ipaddress
import os
import subprocess
import sys

import contain
import pytest

VETH = contain.Veth(
    host="pair0",
    name="up0",
    address=ipaddress.ip_interface("10.97.0.2/24"),
    gateway=ipaddress.ip_address("10.97.0.1"),
    mtu=1400,
)


@pytest.mark.skipif(os.geteuid() != 0, reason="a pair of interfaces takes CAP_NET_ADMIN over the caller's network")
def test_pair_of_interfaces_is_as_it_was_asked_for():
    code = f"""if True:
        import contain, ipaddress
        from ipaddress import *
        from contain import Veth
        line = "cat /sys/class/net/up0/mtu; cat /proc/net/route /proc/net/fib_trie"
        with contain.Container.run(contain.Config(argv=["sleep", "250"], network={VETH!r})) as container:
            process = container.inject(["sh", "-c", line], stdout=contain.PIPE)
            out = process.communicate(timeout=10)[0].decode()
            with open("/proc/net/dev") as devices:
                assert "pair0:" in devices.read()
        assert out.startswith("1400\\n") and "10.97.0.2" in out
        # The default route, with 10.97.0.1 as a number in hexadecimal, the last byte first.
        assert any(row.split()[:3] == ["up0", "00000000", "0100610A"] for row in out.splitlines()), out
    """
    command = ["unshare", "--net", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may administer its network")
def test_pair_of_interfaces_is_refused_to_who_may_not_administer_the_network():
    with pytest.raises(contain.ContainError) as error:
        contain.run(["true"], network=VETH)
    assert error.value.stage.startswith("network") and error.value.cause


def test_plan_names_the_pair():
    plan = contain.explain(contain.Config(argv=["true"], network=VETH))
    assert "pair0" in plan and "up0" in plan and "10.97.0.2/24" in plan
