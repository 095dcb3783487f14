# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every behaviour in every language, as root and as an ordinary user."""

import dataclasses
import os
import re
import time

import pytest
from behaviours import BEHAVIOURS, Outcome, Refusal
from cannot import CANNOT, INTERFACES, SIGNS, needs

STATUSES = {"NOT_FOUND": 127, "NOT_EXECUTABLE": 126}
LANGUAGES = ("cli", "c", "python")


def filled(value, facts):
    """A configuration or an expectation with this run's paths and numbers."""
    if isinstance(value, str):
        for name, fact in facts.items():
            value = value.replace(f"{{{name}}}", fact)
        return value
    if isinstance(value, re.Pattern):
        escaped = {name: re.escape(fact) for name, fact in facts.items()}
        return re.compile(filled(value.pattern, escaped), value.flags)
    if isinstance(value, dict):
        return {key: filled(entry, facts) for key, entry in value.items()}
    if isinstance(value, list):
        return [filled(entry, facts) for entry in value]
    if isinstance(value, (Outcome, Refusal)):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: filled(getattr(value, name), facts) for name in names})
    return value


def same(got, wanted):
    """Whether a text is the one that is wanted, or matches."""
    return wanted.fullmatch(got or "") is not None if isinstance(wanted, re.Pattern) else got == wanted


def check_outcome(got, wanted, language):
    assert isinstance(got, Outcome), got
    assert got.exit_status == wanted.exit_status, got
    assert same(got.stdout, wanted.stdout) and same(got.stderr, wanted.stderr), got
    if language != "cli":
        assert got.ended_by == (wanted.ended_by or "exited"), got


def check_refusal(got, wanted, language):
    assert isinstance(got, Refusal), got
    if language == "cli":
        status = 64 if wanted.is_usage else STATUSES.get(wanted.code, 125)
        assert got.code == status, got
        message = re.sub(r"^--\S+: ", "", got.message) if wanted.is_usage else got.message
        assert same(message, wanted.message), got
    else:
        assert got.code == wanted.code and same(got.message, wanted.message), got
        for name in ("stage", "errno", "cause"):
            value = getattr(wanted, name)
            assert value is None or same(getattr(got, name), value), (name, got)
    assert wanted.remedy is None or same(got.remedy, wanted.remedy), got


def check(got, wanted, language):
    if isinstance(wanted, str):
        assert got == wanted
    else:
        (check_outcome if isinstance(wanted, Outcome) else check_refusal)(got, wanted, language)


def expected(behaviour, language, who):
    """What the container's end is to be."""
    if who == "user" and behaviour.user is not None:
        return behaviour.user
    return behaviour.by.get(language, behaviour.end)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", ["root", "user"])
def test_behaviour(worlds, behaviour, language, who):
    if behaviour.only not in ("", who):
        pytest.skip(f"it is for {behaviour.only}")
    for need in needs(behaviour):
        if (language, need) in CANNOT:
            pytest.skip(f"{language}: {need}: {CANNOT[language, need]}")
    world = worlds(who)
    facts = {"root": str(world.root), "folder": str(world.folder()), "uid": str(world.uid), "gid": str(world.uid),
             "hostname": os.uname().nodename, "network": os.readlink("/proc/self/ns/net")}
    config = filled({"root": "{root}"} | behaviour.config, facts)
    if behaviour.plain and language == "cli":
        config["plain"] = True
    answer = world.languages[language].ask(config, list(behaviour.acts))
    check(answer.end, filled(expected(behaviour, language, who), facts), language)
    if not isinstance(answer.end, Refusal):
        done = behaviour.done or ("done",) * len(behaviour.acts)
        assert len(answer.acts) == len(done)
        for got, wanted in zip(answer.acts, done):
            check(got, filled(wanted, facts), language)
    for path, text in behaviour.written.items():
        path = filled(path, facts)
        assert (open(path).read() if os.path.exists(path) else "") == text


CONFIGURATIONS = [behaviour for behaviour in BEHAVIOURS if isinstance(behaviour.end, Outcome) and not behaviour.why]


def plan_of(world, behaviour, language):
    """The steps of a behaviour's plan as (doer, name, object, note); a folder of its own is there for its mounts."""
    facts = {"root": str(world.root), "folder": str(world.scratch), "uid": str(world.uid), "gid": str(world.uid)}
    config = filled({"root": "{root}"} | behaviour.config | {"ask": "explain"}, facts)
    steps = world.languages[language].ask(config, []).end["steps"]
    return [(step["doer"], step["name"], step["object"], step["note"]) for step in steps]


def without_a_caller(steps):
    """A library's plan without what `contain` does not do: it hands on the signals that it was given to ignore, and is
    itself the supervisor, from which nobody waits to hear."""
    return [without_environment(step) for step in steps if step[1] not in ("signals", "report")]


def without_environment(step):
    """`contain` adds container=contain to any environment; where a command is looked for stands beside it."""
    return (*step[:3], "") if step[1] == "exec" else step


@pytest.mark.parametrize("who", ["root", "user"])
@pytest.mark.parametrize("behaviour", CONFIGURATIONS, ids=lambda behaviour: behaviour.name)
def test_plan_is_the_same_in_every_language(worlds, behaviour, who):
    if behaviour.only not in ("", who):
        pytest.skip(f"it is for {behaviour.only}")
    world = worlds(who)
    can = [language for language in LANGUAGES if not any((language, field) in CANNOT for field in behaviour.config)]
    plans = {language: plan_of(world, behaviour, language) for language in can}
    if "python" in plans:
        assert plans["python"] == plans["c"]
    if "cli" in plans:
        assert list(map(without_environment, plans["cli"])) == without_a_caller(plans["c"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("field", [{"argv": ["/nowhere"]}, {"chdir": "/nowhere"}], ids=["command", "directory"])
def test_step_of_an_error_is_the_one_that_the_plan_shows(worlds, language, field):
    world = worlds("user")
    config = {"root": str(world.root), "argv": ["/bin/true"]} | field
    refused = world.languages[language].ask(config, []).end
    steps = world.languages[language].ask(config | {"ask": "explain"}, []).end["steps"]
    assert [step["object"] for step in steps if step["number"] == refused.step] == ["/nowhere"]


@pytest.mark.parametrize("who", ["root", "user"])
def test_host_is_found_to_be_the_same_in_every_language(worlds, who):
    languages = worlds(who).languages
    found = {language: languages[language].ask({"ask": "probe"}, []).end for language in LANGUAGES}
    for report in found.values():
        for finding in report["findings"]:
            if finding["name"] == "terminals":
                # Others on this machine open and close some meanwhile.
                finding["found"] = re.sub(r"^\d+ of", "some of", finding["found"])
    for part in ("works", "findings"):
        assert found["c"][part] == found["python"][part] == found["cli"][part]
    assert found["c"]["works"] is True


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_language_cannot_say_is_what_its_interface_lacks(language):
    """The other way round too: what it has, every behaviour is tried with."""
    text = INTERFACES[language]()
    for need, signs in SIGNS.items():
        has = re.search(signs[language], text) is not None
        assert has is ((language, need) not in CANNOT), f"{language}: {need}: in the interface: {has}"


def test_differences_say_why():
    names = [behaviour.name for behaviour in BEHAVIOURS]
    assert len(set(names)) == len(names)
    for behaviour in BEHAVIOURS:
        assert bool(behaviour.by) == bool(behaviour.why), behaviour.name
        assert set(behaviour.by) <= set(LANGUAGES), behaviour.name


@pytest.mark.parametrize("language", ["c", "python"])
@pytest.mark.parametrize("who", ["root", "user"])
def test_nothing_stays_in_a_caller_that_did_all_that(worlds, who, language):
    """Descriptors and children; what a freed handle held is closed by its monitor's end at the latest."""
    driver = worlds(who).languages[language]
    driver.ask({"root": "host", "argv": ["/bin/true"]}, [])
    before = driver.descriptors()
    for _ in range(3):
        driver.ask({"root": "host", "argv": ["/bin/true"]}, [])
    end = time.monotonic() + 5
    while driver.descriptors() > before and time.monotonic() < end:
        time.sleep(0.02)
    assert driver.descriptors() <= before
    assert open(f"/proc/{driver.pid}/task/{driver.pid}/children").read() == ""
