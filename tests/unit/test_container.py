"""Image and compose file keep their promises on paper. That an engine keeps them too is shown by building and running."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from ingest import __version__
from ingest.config.known import CONFIG_ENV, ENVIRONMENT
from ingest.policy import DEFAULTS

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def _instructions() -> list[tuple[str, str]]:
    """(instruction, its text) of every line of the Dockerfile, continuations joined, comments left out."""
    lines = "\n".join(line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [(name, text.strip()) for name, _, text in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def _stages() -> list[list[tuple[str, str]]]:
    stages: list[list[tuple[str, str]]] = []
    for name, text in _instructions():
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, text))
    return stages


def _texts(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [text for instruction, text in stage if instruction == name]


def _variables(stage: list[tuple[str, str]], name: str = "ENV") -> dict[str, str]:
    pairs = (word.partition("=") for text in _texts(stage, name) for word in shlex.split(text))
    return {variable: value for variable, _, value in pairs}


def _service(name: str) -> str:
    """The lines of one service of the compose file."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE)
    assert found, f"compose.yaml has no service {name}"
    return found[1]


BUILD, RUNTIME = _stages()


# ── image ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_stages_stand_on_the_same_tagged_image() -> None:
    assert [text.split()[0] for stage in (BUILD, RUNTIME) for text in _texts(stage, "FROM")] == ["python:3.12-slim"] * 2


def test_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    (user,) = _texts(RUNTIME, "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_signals_reach_the_command_because_no_shell_stands_between() -> None:
    (command,) = PROJECT["project"]["scripts"]
    assert (_texts(RUNTIME, "ENTRYPOINT"), _texts(RUNTIME, "CMD")) == ([f'["{command}"]'], ['["run"]'])
    assert _texts(RUNTIME, "STOPSIGNAL") == ["SIGTERM"]


def test_health_is_asked_through_the_command() -> None:
    (health,) = _texts(RUNTIME, "HEALTHCHECK")
    assert health.endswith('CMD ["ingest", "healthcheck"]')


def test_image_exposes_the_port_that_the_daemon_listens_at() -> None:
    assert _texts(RUNTIME, "EXPOSE") == [str(DEFAULTS.http.port)]


def test_default_database_lies_in_the_volume() -> None:
    folder, _, name = DEFAULTS.database.url.removeprefix("sqlite:///").partition("/")
    assert (folder, name) == ("data", "ingest.db")
    assert _texts(RUNTIME, "VOLUME") == ["/data"]
    assert _texts(RUNTIME, "WORKDIR") == ["/app"]
    assert any("ln -s /data /app/data" in text for text in _texts(RUNTIME, "RUN"))


def test_image_settles_no_database_so_that_file_and_secret_can() -> None:
    assert not [name for name in _variables(RUNTIME) if name.startswith("INGEST_DATABASE")]


def test_every_variable_of_ours_in_the_image_is_a_setting() -> None:
    ours = {name for name in _variables(RUNTIME) if name.startswith("INGEST_")}
    assert ours == {"INGEST_HTTP_HOST"}
    assert ours <= set(ENVIRONMENT)


def test_nothing_is_compiled_or_written_beside_the_code_at_run_time() -> None:
    assert _variables(BUILD)["UV_COMPILE_BYTECODE"] == "1"
    assert _variables(RUNTIME)["PYTHONDONTWRITEBYTECODE"] == "1"


def test_labels_tell_the_version_and_licence_of_the_project() -> None:
    labels = _variables(RUNTIME, "LABEL")
    assert labels["org.opencontainers.image.version"] == PROJECT["project"]["version"] == __version__
    assert labels["org.opencontainers.image.licenses"] == PROJECT["project"]["license"]
    assert labels["org.opencontainers.image.description"] == PROJECT["project"]["description"]


def test_final_stage_downloads_nothing() -> None:
    commands = " ".join(_texts(RUNTIME, "RUN"))
    assert not re.search(r"\b(pip|uv|apt-get|apt|curl|wget)\b", commands)


# ── what goes in ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_downloaded_is_named_with_its_hash_and_is_no_source_archive() -> None:
    commands = [part.strip() for text in _texts(BUILD, "RUN") for part in text.split("&&")]
    installs = [shlex.split(command) for command in commands if re.search(r"\bpip install\b", command)]
    assert len(installs) == 3
    for words in installs:
        is_local = {"--no-deps", "--offline"} <= set(words)
        is_hashed_wheel = "--require-hashes" in words and bool({"--no-build", "--only-binary"} & set(words))
        assert is_local or is_hashed_wheel, words


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_of_a_lock_has_a_version_and_a_hash(lock: Path) -> None:
    entries = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert entries
    assert not [entry.split()[0] for entry in entries if not re.match(r"\S+==\S+", entry) or "--hash=sha256:" not in entry]


def test_locks_agree_on_the_version_of_a_package() -> None:
    seen: dict[str, set[str]] = {}
    for lock in LOCKS:
        pins = re.findall(r"^([a-z0-9._-]+)==(\S+)( ;[^\\]*)?", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name, version, marker in pins:
            seen.setdefault(name + marker, set()).add(version)
    assert not {name: versions for name, versions in seen.items() if len(versions) > 1}


def test_build_lock_holds_the_build_backend() -> None:
    lock = (ROOT / "requirements-build.lock").read_text(encoding="utf-8")
    wanted = [re.split(r"[<>=!~\[; ]", requirement)[0] for requirement in PROJECT["build-system"]["requires"]]
    assert not [name for name in wanted if not re.search(rf"^{name}==", lock, re.MULTILINE)]


def test_builder_is_given_exactly_what_is_copied() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert rules[0] == "*", "nothing is let in unless it is named"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        source
        for stage in (BUILD, RUNTIME)
        for text in _texts(stage, "COPY")
        if not text.startswith("--from=")
        for source in text.split()[:-1]
    }
    assert let_in == copied
    assert not [name for name in copied if not (ROOT / name).exists()]


# ── compose ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "line",
    [
        "read_only: true",
        "tmpfs: /tmp",
        "cap_drop: [ALL]",
        "security_opt: [no-new-privileges:true]",
        "restart: unless-stopped",
        "condition: service_healthy",
        "- ./config:/app/config:ro",
        "- data:/data",
    ],
)
def test_compose_runs_the_daemon_hardened(line: str) -> None:
    assert line in _service("ingest")


def test_compose_gives_the_daemon_longer_than_it_drains() -> None:
    grace = re.search(r"stop_grace_period: (\d+)s", _service("ingest"))
    assert grace
    assert int(grace[1]) > 10


def test_compose_publishes_ports_on_the_loopback_only() -> None:
    published = re.findall(r"^      - (\S+):\d+ ?(?:#.*)?$", _service("ingest"), re.MULTILINE)
    assert published == [f"127.0.0.1:${{INGEST_HTTP_PORT:-{DEFAULTS.http.port}}}"]
    assert "ports:" not in _service("postgres")


def test_compose_holds_no_password_and_asks_for_one() -> None:
    uses = re.findall(r"\$\{POSTGRES_PASSWORD([^}]*)\}", COMPOSE)
    assert len(uses) == 2
    assert all(use.startswith(":?") for use in uses)
    assert re.search(r"INGEST_DATABASE_URL: postgresql://ingest:\$\{POSTGRES_PASSWORD", COMPOSE)


def test_compose_asks_postgresql_over_tcp_whether_it_is_ready() -> None:
    # By the socket a server answers that is still setting up its database and will stop once more.
    (test,) = re.findall(r"test: \[(.*)\]", _service("postgres"))
    assert "pg_isready" in test
    assert "--host=127.0.0.1" in test


def test_compose_keeps_the_database_in_a_named_volume_and_a_closed_network() -> None:
    assert "- postgres:/var/lib/postgresql" in _service("postgres")
    assert "networks: [database]" in _service("postgres")
    assert re.search(r"^  database:\n    internal: true", COMPOSE, re.MULTILINE)
    assert re.search(r"^volumes:\n  data:\n  postgres:\n", COMPOSE, re.MULTILINE)


def test_every_variable_of_ours_in_the_compose_file_and_its_page_is_a_setting() -> None:
    page = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
    used = set(re.findall(r"\bINGEST_[A-Z_]*[A-Z]", COMPOSE + page))
    known = {CONFIG_ENV, *ENVIRONMENT}
    assert used
    assert not {name for name in used if name not in known and name.removesuffix("_FILE") not in known}
