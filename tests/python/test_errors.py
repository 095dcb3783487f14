# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exceptions, and the plan that they point into."""

import errno
import json
import pickle
import re
import traceback

import contain
import pytest


def error_of(argv=("true",), **more):
    with pytest.raises(contain.ContainError) as caught:
        contain.run(argv, **more)
    return caught.value


def test_missing_root_is_named_with_cause_and_remedy(tmp_path):
    error = error_of(root=tmp_path / "missing")
    assert isinstance(error, contain.RootError) and isinstance(error, OSError)
    assert (error.errno, error.stage, error.step) == (errno.ENOENT, "rootfs.open", None)
    assert error.object == str(tmp_path / "missing")
    assert error.cause == "it does not exist" and error.remedy
    assert not error.in_container
    assert str(error).startswith(f"open the root {tmp_path}/missing: ENOENT")
    assert f"hint: {error.remedy}" in "".join(traceback.format_exception(error))


def test_root_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    assert error_of(root=tmp_path / "file").errno == errno.ENOTDIR


def test_missing_command_is_an_error_of_the_step_that_explain_shows():
    error = error_of(["no-such-program"])
    assert isinstance(error, contain.CommandNotFoundError) and isinstance(error, FileNotFoundError)
    assert (error.errno, error.stage, error.object) == (errno.ENOENT, "process.exec", "no-such-program")
    assert error.in_container and error.cause and error.remedy
    plan = json.loads(contain.explain(contain.Config(argv=["no-such-program"]), format="json"))
    assert [step["name"] for step in plan["steps"] if step["number"] == error.step] == ["exec"]


def test_command_that_is_no_program_is_told_from_a_missing_one(root):
    error = error_of(["/etc/data"], root=root)
    assert isinstance(error, contain.CommandNotExecutableError) and isinstance(error, PermissionError)
    assert error.errno == errno.EACCES and error.cause


def test_root_with_a_file_to_mount_on_says_what_to_do(tmp_path):
    tmp_path.chmod(0o755)
    for folder in ("dev", "sys"):
        (tmp_path / folder).mkdir()
    (tmp_path / "proc").touch()
    error = error_of(root=tmp_path)
    assert isinstance(error, contain.RootError) and error.stage == "rootfs.mount"
    assert error.step and error.in_container and error.cause and error.remedy


@pytest.mark.parametrize(
    "wrong",
    [
        {"argv": []},
        {"argv": ["true", "a\0b"]},
        {"hostname": ""},
        {"hostname": "x" * 65},
        {"network": "bridge"},
        {"network": contain.Veth(address="10.0.0.2")},
        {"network": contain.Veth(gateway="10.0.0.x")},
        {"network": contain.Veth(name="x" * 16)},
        {"seccomp": "strict"},
        {"env": {"A=B": "c"}},
        {"env": {"": "c"}},
        {"cwd": "/a\0b"},
        {"root": "/a\0b"},
        {"stdin": 9999},
        {"stdin": -7},
    ],
    ids=repr,
)
def test_value_that_is_not_allowed_is_an_error_with_its_cause(wrong):
    error = error_of(**wrong)
    assert isinstance(error, contain.InvalidError) and isinstance(error, ValueError)
    assert error.cause and error.stage


def test_working_directory_that_is_missing_is_named():
    error = error_of(cwd="/no/such")
    assert (error.stage, error.object, error.errno) == ("process.chdir", "/no/such", errno.ENOENT)


@pytest.mark.parametrize("maps", ["x", "0:0", "0:1:0", "0:4294967295:1"])
def test_id_map_that_is_wrong_is_refused(maps):
    error = error_of(uid_map=maps)
    assert isinstance(error, (contain.IdMapError, contain.InvalidError)) and error.cause


def test_lifetime_that_is_unknown_is_refused():
    with pytest.raises(contain.InvalidError):
        contain.Container.run(contain.Config(argv=["true"], lifetime="forever"))


def test_too_many_arguments_are_refused():
    error = error_of(["true"] + ["x"] * 2_000_000)
    assert isinstance(error, contain.TooBigError) and error.errno == errno.E2BIG


def test_command_as_a_string_is_a_type_error():
    for argv in ("true", b"true"):
        with pytest.raises(TypeError):
            contain.run(argv)
    with pytest.raises(TypeError):
        contain.run(["true", 1])


def test_exceptions_survive_pickling():
    error = error_of(["no-such-program"])
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error) and vars(again) == vars(error)
    with pytest.raises(contain.TimeoutExpired) as late:
        contain.run(["sleep", "60"], timeout=0.1, capture_output=True)
    again = pickle.loads(pickle.dumps(late.value))
    assert again.result.ended_by is contain.EndedBy.WALL and (again.timeout, again.stdout) == (0.1, b"")
    with pytest.raises(contain.CalledProcessError) as failed:
        contain.run(["false"], check=True)
    assert pickle.loads(pickle.dumps(failed.value)).returncode == 1


def test_plan_is_explained_as_text_and_as_json(root):
    config = contain.Config(argv=["/bin/sh", "-c", "exit"], root=root, hostname="box", seccomp="system")
    text = contain.explain(config)
    steps = json.loads(contain.explain(config, format="json"))["steps"]
    # What else there is to say of it stands around the steps.
    lines = [line for line in text.splitlines() if line.startswith(("monitor", "pid 1", "finally"))]
    assert len(lines) == len(steps) > 10
    assert [int(re.search(r"\d+", line[8:])[0]) for line in lines] == [step["number"] for step in steps]
    for words in (str(root), "box", "/bin/sh -c exit", "seccomp", "environment: container=contain"):
        assert words in text
    with pytest.raises(contain.InvalidError):
        contain.explain(config, format="yaml")


def test_version_is_that_of_the_distribution():
    import importlib.metadata

    assert contain.__version__ == importlib.metadata.version("contain")
