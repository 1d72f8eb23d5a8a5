"""Dockerfile and compose file: pinned, locked by hash, without rights and without secrets. No
engine runs here; `make container` executes the steps as a script.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ruamel.yaml import YAML


@pytest.fixture(scope="module")
def steps(root: Path) -> ModuleType:
    """tests/containers/steps.py."""
    spec = importlib.util.spec_from_file_location("steps", root / "tests/containers/steps.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["steps"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def image(root: Path, steps: ModuleType) -> list[Any]:
    """The instructions of the Dockerfile."""
    return steps.steps_of((root / "Dockerfile").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def compose(root: Path) -> dict[str, Any]:
    """compose.yaml."""
    return YAML(typ="safe").load((root / "compose.yaml").read_text(encoding="utf-8"))


def named(image: list[Any], name: str) -> list[str]:
    return [step.text for step in image if step.name == name]


def test_the_base_is_pinned_to_a_release_and_slim(image):
    assert re.match(r"PYTHON=\d+\.\d+\.\d+-slim-\w+$", named(image, "ARG")[0])
    assert {one.split(" AS ")[0] for one in named(image, "FROM")} == {"python:${PYTHON}"}


def test_packages_come_from_the_lock_by_hash(root, image):
    installs = [one for one in named(image, "RUN") if re.search(r"\b(pip|uv) .*install", one)]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "-r requirements.container.lock" in installs[0]
    lock = (root / "requirements.container.lock").read_text(encoding="utf-8")
    packages = re.findall(r"^(\S+)==\S+ \\\n((?:\s+--hash=sha256:[0-9a-f]{64}.*\n?)+)", lock, re.M)
    assert len(packages) == len(re.findall(r"^\S+==", lock, re.M)) > 100
    assert "://" not in lock


def test_the_container_s_packages_are_those_that_are_tested(root):
    def pinned(name: str) -> dict[str, str]:
        text = (root / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^(\S+)==(\S+)", text, re.M))

    tested, contained = pinned("requirements.lock"), pinned("requirements.container.lock")
    assert {
        name for name in contained if tested.get(name, contained[name]) != contained[name]
    } == set()
    assert not {"pytest", "ruff", "mypy", "hypothesis"} & contained.keys()
    assert {"psycopg", "s3fs"} <= contained.keys()


def test_it_runs_as_a_user_without_rights_and_says_how_it_is(image):
    assert named(image, "USER") == ["10001:10001"]
    names = [step.name for step in image]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name == "RUN")
    assert named(image, "VOLUME") == ["/app/data"]
    health = 'CMD ["sh", "-c", "python monitor.py health || test $? -eq 1"]'
    assert named(image, "HEALTHCHECK")[0].endswith(health)
    assert "sudo" not in " ".join(named(image, "RUN"))


def test_no_secret_is_in_the_image_or_the_compose_file(root, image, compose):
    secret = re.compile(r"(?i)(password|secret|token|_key|_url)\b")
    for text in (*named(image, "ENV"), *named(image, "ARG")):
        assert not secret.search(text), text
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name) and name != "PREFECT_API_URL":
                assert str(value).startswith("${"), name
    left_out = (root / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", "data", "*.env", ".env*", "secrets*", ".dvc/config.local"} <= {*left_out}


@pytest.mark.parametrize(
    ("way", "is_out"),
    [
        ("data/tillcast.duckdb", True), ("data/inbox/a.csv", True), (".env", True),
        ("prod.env", True), (".git/config", True), ("flows/__pycache__/daily.pyc", True),
        ("secrets.yaml", True), ("sources/files.py", False), ("params.yaml", False),
        ("dvc.lock", False), ("storage/runs.py", False),
    ],
)  # fmt: skip
def test_what_stays_out_of_the_image(root, steps, way, is_out):
    patterns = steps.patterns_in((root / ".dockerignore").read_text(encoding="utf-8"))
    assert steps.ignored(way, patterns) == is_out


def test_only_this_machine_reaches_the_app_and_nobody_the_server(compose):
    services = compose["services"]
    assert set(services) == {"server", "worker", "app"}
    ports = [port for one in services.values() for port in one.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000"]
    assert "ports" not in services["server"]
    assert ":?" in services["app"]["environment"]["TILLCAST_PLANNER_TOKEN"]
    assert list(compose["volumes"]) == ["data"]
    for one in services.values():
        assert "data:/app/data" in one["volumes"]
        assert one["cap_drop"] == ["ALL"]
        assert not one.get("privileged")


def test_what_is_stopped_has_the_time_it_takes_to_stop(root, compose):
    import flows.deploy

    grace = compose["services"]["worker"]["stop_grace_period"]
    assert grace == "1m"
    assert flows.deploy.STOP_S < 60 / 2  # a worker, then a server
    for one in compose["services"].values():
        assert one["init"] is True  # signals reach Python
    assert isinstance(YAML(typ="safe").load(named_in_json(root)), list)


def named_in_json(root: Path) -> str:
    """The image's command, which no shell stands before."""
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    return re.findall(r"^CMD (.+)$", text, re.M)[-1]


def test_code_of_a_strict_umask_can_be_read_by_the_image_s_user(image):
    last = named(image, "RUN")[-1]
    assert "find . -path ./.venv -prune -o -exec chmod a+rX {} +" in last
    assert last.index("chmod") < last.index("chown")


def test_every_file_that_is_copied_or_run_is_there(root, image):
    for text in named(image, "COPY"):
        *_, source, _target = text.split()
        if not text.startswith("--from"):
            assert source == "." or (root / source).exists(), text
    command = named(image, "CMD")[-1]
    assert (root / re.findall(r'"([\w/]+\.py)"', command)[0]).exists()


def test_hadolint_has_nothing_to_say(root):
    linter = shutil.which("hadolint") or shutil.which(
        "hadolint", path=str(Path(sys.executable).parent)
    )
    if linter is None:
        pytest.skip("hadolint is not installed: `make extras` brings it")
    linted = subprocess.run([linter, "Dockerfile"], cwd=root, capture_output=True, text=True)  # noqa: S603, PLW1510
    assert linted.stdout + linted.stderr == ""


@pytest.mark.production
def test_the_steps_run_in_a_clean_folder(root):
    """Minutes: every package is installed by its hash."""
    command = [sys.executable, "tests/containers/steps.py"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=1800)  # noqa: S603, PLW1510
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "every step ran" in ran.stdout
