"""The Dockerfile's steps without an engine: parsed, then executed as a script in a clean folder.

The folder stands for the image's root: /app is a folder in it. What changes a machine (packages of
Debian, users) is printed and left out; everything else runs as it is written, with the environment
of the image alone, and the last of it as nobody, where this process may choose a user.

run     python tests/containers/steps.py    (make container)
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OF_THE_MACHINE = ("apt-get", "rm -rf /var/lib/apt", "groupadd", "useradd")
TRIED = (  # what the image must do, beside its HEALTHCHECK, which needs a store
    ["python", "-c", "import lightgbm, polars, duckdb, prefect, psycopg, s3fs, flows.daily"],
    ["python", "ingest.py", "source", "--use", "simulator"],
    ["python", "ingest.py", "--json"],
    ["python", "monitor.py", "--help"],
    ["dvc", "dag", "--dot"],
)


@dataclass(frozen=True)
class Step:
    """One instruction: its name and what follows it, continued lines joined."""

    name: str
    text: str

    @property
    def command(self) -> list[str]:
        """The words of an instruction in JSON form."""
        return [str(word) for word in json.loads(self.text)]


@dataclass
class Stage:
    """A stage of the build: its steps, its working folder and its environment so far."""

    name: str
    workdir: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"


def steps_of(text: str) -> list[Step]:
    """The instructions of a Dockerfile, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Step(name.upper(), text[0] if text else "") for name, *text in found]


def ignored(way: str, patterns: list[str]) -> bool:
    """Whether .dockerignore leaves a path out of the build."""
    parts = way.split("/")
    heads = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(
        fnmatch(head, pattern) or (pattern.startswith("**/") and fnmatch(parts[at], pattern[3:]))
        for pattern in patterns
        for at, head in enumerate(heads)
    )


def patterns_in(text: str) -> list[str]:
    """The lines of a .dockerignore."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def run_steps(folder: Path, python: Path) -> None:
    """Every step, in its stage's own root; then what the image must do. The interpreter stands for
    the one of the base image.
    """
    stages: dict[str, Stage] = {}
    stage = Stage("")
    for step in steps_of((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        said(f"{step.name} {step.text}")
        match step.name:
            case "FROM":
                name = (re.search(r" AS (\w+)$", step.text) or ["", f"{len(stages)}"])[1]
                stage = stages.setdefault(name, Stage(name))
                (folder / name).mkdir()
            case "WORKDIR":
                stage.workdir = step.text
                _there(folder, stage).mkdir(parents=True, exist_ok=True)
            case "ENV":
                _set(stage, step.text)
            case "USER":
                stage.user = step.text
            case "COPY":
                _copy(folder, stage, step.text)
            case "RUN":
                _run(folder, stage, step.text, python)
    for command in TRIED:
        said(f"as nobody, for {stage.user}: {shlex.join(command)}")
        _execute(folder, stage, command, python)


def said(text: str) -> None:
    """A line of what is done now."""
    print(f"--- {text[:300]}", flush=True)


def _there(folder: Path, stage: Stage, path: str | None = None) -> Path:
    inside = path or stage.workdir
    if not inside.startswith("/"):
        inside = f"{stage.workdir}/{inside}"
    return folder / stage.name / inside.lstrip("/")


def _set(stage: Stage, text: str) -> None:
    for word in shlex.split(text):
        name, _, value = word.partition("=")
        value = re.sub(r"\$\{?(\w+)\}?", lambda m: stage.environment.get(m[1], f"${m[1]}"), value)
        stage.environment[name] = value


def _copy(folder: Path, stage: Stage, text: str) -> None:
    *options, source, target = shlex.split(text)
    origin = next((one.split("=")[1] for one in options if one.startswith("--from=")), None)
    place = _there(folder, stage, target)
    if origin is not None:  # a virtual environment knows its own path: a link stands for the copy
        place.symlink_to(folder / origin / source.lstrip("/"))
        return
    left_out = patterns_in((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for way in tracked.stdout.split("\n"):
        wanted = source in (".", way)
        if way and wanted and (ROOT / way).is_file() and not ignored(way, left_out):
            goal = place / way
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / way, goal)


def _run(folder: Path, stage: Stage, text: str, python: Path) -> None:
    kept = [one for one in text.split(" && ") if not one.strip().startswith(OF_THE_MACHINE)]
    for one in set(text.split(" && ")) - set(kept):
        said(f"    left out, it changes the machine: {one.strip()}")
    if kept:
        script = [" && ".join(kept)]
        _execute(folder, stage, ["bash", "-euc", *script], python)


def _execute(folder: Path, stage: Stage, command: list[str], python: Path) -> None:
    root = f"{folder / stage.name}"
    environment = {
        name: value.replace("/app", f"{root}/app") for name, value in stage.environment.items()
    }
    base = f"{folder / 'bin'}:/usr/bin:/bin"
    environment["PATH"] = environment.get("PATH", "$PATH").replace("$PATH", base)
    own = {
        name: os.environ[name]
        for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE")
        if name in os.environ
    }
    (folder / "bin").mkdir(exist_ok=True)
    for name in ("python", "python3"):
        if not (folder / "bin" / name).exists():
            (folder / "bin" / name).symlink_to(python)
    words = [_as_here(word).replace("/app", f"{root}/app") for word in command]
    user, _, group = _as_here(stage.user).partition(":")
    other = {"user": int(user), "group": int(group), "extra_groups": []}
    subprocess.run(  # noqa: S603 -- the Dockerfile's own
        [shutil.which(words[0], path=environment["PATH"]) or words[0], *words[1:]],
        cwd=_there(folder, stage),
        env={**own, "HOME": root, **environment},
        check=True,
        **(other if os.getuid() == 0 and user != "0" else {}),
    )


def _as_here(text: str) -> str:
    """The image's user, which was not made here, as one of this machine without rights."""
    nobody = pwd.getpwnam("nobody")
    return text.replace("10001:10001", f"{nobody.pw_uid}:{nobody.pw_gid}")


def _interpreter() -> Path:
    """One that stands for the base image's: this one, or the system's where this one lies in a
    folder that only its owner may enter.
    """
    own = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    is_open = all(folder.stat().st_mode & 0o001 for folder in own.parents)
    return own if is_open or os.getuid() else Path("/usr/bin/python3").resolve()


def main() -> int:
    """The steps in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tillcast-image-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        run_steps(folder, _interpreter())
    said("every step ran; no engine did")
    return 0


if __name__ == "__main__":
    sys.exit(main())
