# SPDX-License-Identifier: MIT OR Apache-2.0
"""--net: a network of its own, the host's, or one with a pair of interfaces. Root's tests have a network namespace of
their own as host."""

import os

import lib
import pytest
from lib import run


@pytest.fixture
def host():
    with lib.PrivateHost(network=True) as private:
        yield private


def interfaces(text):
    return sorted(line.split(":")[1].strip().partition("@")[0] for line in text.splitlines() if line[:1].isdigit())


def start(ours, root, network, script, host, **options):
    return run([ours.contain, "-c", "--net", network, root, "/bin/sh", "-c", script], host=host, **options)


def test_none_has_loopback_alone(ours, root):
    result = run([ours.contain, "-c", "--net", "none", root, "/bin/ip", "link"])
    assert interfaces(result.out) == ["lo"]


def test_host_is_the_callers(ours, root, host):
    host.shell("ip link add here type veth peer name there")
    result = start(ours, root, "host", "ip link", host)
    assert interfaces(result.out) == ["here", "lo", "there"]


def test_the_last_one_wins(ours, root, host):
    host.shell("ip link add here type veth peer name there")
    words = [ours.contain, "-c", "--net", "host", "--net", "none", root, "/bin/ip", "link"]
    assert interfaces(run(words, host=host).out) == ["lo"]
    assert interfaces(run([*words[:2], "--net", "none", "-n", *words[6:]], host=host).out) == ["here", "lo", "there"]


def test_veth_joins_two_networks(ours, root, host):
    """A packet goes there and back, and the interface outside goes with the container."""
    script = "ip -o addr show eth0; ip route; echo up; read x"
    network = "veth:outer,address=10.99.1.2/24,gateway=10.99.1.1,mtu=1400"
    words = [ours.contain, "-c", "--net", network, root, "/bin/sh", "-c", script]
    with lib.Supervisor(words, host=host) as supervisor:
        told = supervisor.expect("up")
        assert "10.99.1.2/24" in told and "default via 10.99.1.1 dev eth0" in told, told
        host.shell("ip addr add 10.99.1.1/24 dev outer")
        assert "mtu 1400" in host.shell("ip link show outer up")
        host.shell("ping -c 1 -W 5 10.99.1.2 || busybox ping -c 1 -W 5 10.99.1.2")
        supervisor.send("\n")
        assert supervisor.wait() == 0
    lib.until(lambda: interfaces(host.shell("ip link")) == ["lo"], 5, "the end of the pair")


def test_veth_has_ipv6(ours, root, host):
    network = "veth:outer,address=fd00::2/64,gateway=fd00::1"
    result = start(ours, root, network, "ip -6 -o addr show eth0; ip -6 route", host)
    assert "fd00::2/64" in result.out and "default via fd00::1 dev eth0" in result.out, result


def test_veth_chooses_a_name_and_keeps_the_one_inside(ours, root, host):
    host.shell("ip link add veth0 type veth peer name veth1")
    script = "ip link; echo up; read x"
    words = [ours.contain, "-c", "--net", "veth:veth%d=inner", root, "/bin/sh", "-c", script]
    with lib.Supervisor(words, host=host) as supervisor:
        assert interfaces(supervisor.expect("up")) == ["inner", "lo"]
        assert interfaces(host.shell("ip link")) == ["lo", "veth0", "veth1", "veth2"]
        supervisor.send("\n")
        supervisor.wait()


def test_veth_becomes_part_of_a_bridge(ours, root, host):
    host.shell("ip link add br9 type bridge")
    script = "echo up; read x"
    words = [ours.contain, "-c", "--net", "veth:outer,bridge=br9", root, "/bin/sh", "-c", script]
    with lib.Supervisor(words, host=host) as supervisor:
        supervisor.expect("up")
        assert "master br9" in host.shell("ip link show outer")
        supervisor.send("\n")
        supervisor.wait()


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("veth:lo", "make the interfaces lo and eth0: EEXIST"),
        ("veth:outer,bridge=none", "ENODEV"),
        ("veth:outer,address=10.0.0.2/24,gateway=10.9.9.9", "set the default route by eth0: ENETUNREACH"),
    ],
)
def test_veth_that_cannot_be_is_told_and_leaves_nothing(ours, root, host, network, told):
    result = start(ours, root, network, "echo ran", host)
    assert result.status == 125 and told in result.err and "hint: " in result.err, result
    lib.until(lambda: interfaces(host.shell("ip link")) == ["lo"], 5, "the end of the pair")


def test_veth_of_a_user_is_refused_with_the_cause(ours, user_root, user):
    result = run([ours.contain, "-c", "--net", "veth", user_root, "/bin/true"], user=user)
    assert result.status == 125 and "EPERM" in result.err and "CAP_NET_ADMIN" in result.err, result


@pytest.mark.parametrize(
    "network", ["", "bridge", "veth:", "vethx", "veth:a,b", "veth,mtu=x", "veth,address=1.2.3.4", "veth,colour=red"]
)
def test_network_that_is_none_is_a_usage_error(ours, root, network):
    result = run([ours.contain, "-c", "--net", network, root, "/bin/true"])
    assert result.status == 64 and f'--net "{network}": ' in result.err, result


def test_veth_is_shown_by_explain(ours, root):
    assert os.geteuid() == 0
    result = run([ours.contain, "--explain", "--net", "veth:a=b,address=10.0.0.2/24,gateway=10.0.0.1", root])
    assert "a here, b inside" in result.out and "address 10.0.0.2/24, default route by 10.0.0.1" in result.out
