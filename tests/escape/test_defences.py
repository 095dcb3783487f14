# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each defence taken out: the attacks that it stops must then succeed, or they show nothing."""

import attacks
import defences
import lib
import pytest


@pytest.fixture(scope="module")
def workshop(scratch):
    folder = scratch / "without"
    folder.mkdir()
    return defences.Workshop(folder)


@pytest.mark.parametrize("number", range(len(defences.DEFENCES)), ids=lambda number: defences.DEFENCES[number].name)
def test_attacks_succeed_without_the_defence(place, ours, workshop, number):
    defence = defences.DEFENCES[number]
    folder = workshop.build(number, defence)
    tools, environment = ours, {"CONTAIN_LIBEXECDIR": str(folder)}
    if defence.library:
        tools = lib.Tools("without", *(str(folder / name) for name in ("contain", "inject", "pseudo")))
        environment = {}
    for name in defence.attacks:
        with pytest.raises(AssertionError):
            attacks.ATTACKS[name].attack(place(defence.as_user, tools, environment))
