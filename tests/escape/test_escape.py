# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every attack, on contain as it is."""

import attacks
import pytest

RUNS = [
    pytest.param(case, as_user, id=f"{case}-{'user' if as_user else 'root'}")
    for case in attacks.CASES
    for as_user in case.users
]


@pytest.mark.parametrize(("case", "as_user"), RUNS)
def test_attack_leads_nowhere(place, case, as_user):
    case.attack(place(as_user))
