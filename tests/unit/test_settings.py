"""Settings: defaults, the file, the environment over it, and what is said of mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.configuration import BadConfiguration, find_file, forget_secrets, load
from bot.platforms.base import Caps
from bot.platforms.discord.platform import DiscordPlatform
from bot.platforms.slack.platform import SlackPlatform
from bot.settings import Settings, Timeouts
from executor.job_types import JOB_TYPES

EXAMPLE = Path(__file__).parents[2] / "bifrost.toml.example"
TOKENS = {"BIFROST__SLACK__BOT_TOKEN": "xoxb-hush", "BIFROST__SLACK__APP_TOKEN": "xapp-hush"}
SECRET = {"BIFROST__SLACK__SIGNING_SECRET": "hush"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine's own is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)


def from_file(text: str | bytes, environment: Mapping[str, str] | None = None) -> Settings:
    path = Path("bifrost.toml").absolute()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(path, environment or {})


def mistake(text: str, environment: Mapping[str, str] | None = None) -> str:
    with pytest.raises(BadConfiguration) as caught:
        from_file(text, environment)
    return str(caught.value)


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting by its whole name."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_without_anything_there_are_defaults() -> None:
    settings = load(None, {})
    assert settings.directories == {"main": Path.cwd()}
    assert settings.data_dir == Path("~/.local/share/bifrost").expanduser()
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 4003)
    assert not settings.slack.bot_token.get_secret_value()
    assert not settings.slack.people | settings.slack.channels | settings.slack.admins


def test_the_file_says_what_differs() -> None:
    settings = from_file(
        """
        slots = 2
        workspaces = { api = "/srv/api", main = "~/main" }
        [web]
        port = 0
        [slack]
        people = ["U01"]
        [agents]
        providers = ["rehearsal", "claude"]
        claude = { environment = { A = "b" }, allow_root = true }
        """
    )
    assert (settings.slots, settings.web.port) == (2, 0)
    assert settings.directories == {"api": Path("/srv/api"), "main": Path("~/main").expanduser()}
    assert next(iter(settings.directories)) == "api"
    assert settings.slack.people == {"U01"}
    assert settings.agents.providers == ("rehearsal", "claude")
    assert settings.agents.claude.environment == {"A": "b"}


def test_another_cli_is_set_up_by_a_few_lines_and_is_a_provider_like_any_other() -> None:
    settings = from_file(
        """
        provider_slots = { goose = 1 }
        inactivity = { goose = "20m" }
        agents.providers = ["goose", "owl"]
        workspaces = { main = { path = "/srv/main", provider = "goose", model = "small", fallback = "owl" } }
        [agents.others.goose]
        command = "goose run --model '{model}' -i -"
        models = ["large", "small"]
        [agents.others.owl]
        command = ["owl"]
        """,
        {"BIFROST__AGENTS__OTHERS__GOOSE__ENVIRONMENT__OPENAI_API_KEY": "hush"},
    )
    goose = settings.agents.others["goose"]
    assert goose.command == ("goose", "run", "--model", "{model}", "-i", "-")
    assert goose.models == {"large": "large", "small": "small"}
    assert goose.environment == {"OPENAI_API_KEY": "hush"} and "hush" not in repr(settings)
    assert dict(settings.inactivity) == {**dict(load(None, {}).inactivity), "goose": 1200}
    assert (settings.fallbacks, settings.provider_slots) == ({"main": "owl"}, {"goose": 1})


def test_a_workspace_may_name_who_does_the_jobs_of_a_provider_at_its_limit() -> None:
    settings = from_file("[workspaces]\nmain = { path = '/srv/main', fallback = 'gemini' }\napi = '/srv/api'")
    assert settings.directories == {"main": Path("/srv/main"), "api": Path("/srv/api")}
    assert settings.fallbacks == {"main": "gemini"}


def test_a_workspace_that_is_a_link_to_the_root_is_refused(tmp_path: Path) -> None:
    """B42."""
    (tmp_path / "all").symlink_to("/")
    for path in ("/", "/srv/..", str(tmp_path / "all")):
        with pytest.raises(
            BadConfiguration, match="`api` leads to /: agents would work in the whole machine"
        ):
            from_file(f"workspaces = {{ api = '{path}' }}")


def test_relative_paths_start_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf").mkdir()
    path = tmp_path / "conf" / "bifrost.toml"
    path.write_text('data_dir = "data"\nworkspaces = { main = "../code" }')
    settings = load(path, {})
    assert settings.data_dir == tmp_path / "conf" / "data"
    assert settings.directories == {"main": tmp_path / "code"}


def test_the_environment_goes_before_the_file() -> None:
    environment = {
        "BIFROST__SLOTS": "3",
        "BIFROST__WEB__PORT": "8080",
        "BIFROST__SLACK__CHANNELS": "C01, C02,",
        "BIFROST__DISCORD__ROLES": "123456, 234567",
        "BIFROST__WORKSPACES__API": "/srv/api",
        "BIFROST__AGENTS__PROVIDERS": "gemini,claude",
        "BIFROST__AGENTS__CLAUDE__ENVIRONMENT__ANTHROPIC_API_KEY": "sk-1",
        "BIFROST__AGENTS__REHEARSAL__STEP_SECONDS": "0",
        "BIFROST__WEB__HOST": "",
        "BIFROST_CONFIG": "not a setting",
        "PATH": "/bin",
    }
    settings = from_file("slots = 2\n[web]\nport = 1\nhost = '::1'", environment)
    assert (settings.slots, settings.web.port) == (3, 8080)
    assert settings.web.host == "::1"  # an empty variable is none
    assert settings.slack.channels == {"C01", "C02"}
    assert settings.discord.roles == {"123456", "234567"}
    assert settings.directories == {"api": Path("/srv/api")}
    assert settings.agents.providers == ("gemini", "claude")
    assert settings.agents.claude.environment == {"ANTHROPIC_API_KEY": "sk-1"}
    assert settings.agents.rehearsal.step_seconds == 0


def test_a_secret_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("xoxb-1\n")
    environment = {**TOKENS, "BIFROST__SLACK__BOT_TOKEN_FILE": str(secret)}
    del environment["BIFROST__SLACK__BOT_TOKEN"]
    assert load(None, environment).slack.bot_token.get_secret_value() == "xoxb-1"


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"\xff\xfe", "it is no text")])
def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, why: str) -> None:
    secret = tmp_path / "token"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(BadConfiguration) as caught:
        load(None, {"BIFROST__SLACK__BOT_TOKEN_FILE": str(secret)})
    assert str(caught.value).startswith(
        f"BIFROST__SLACK__BOT_TOKEN_FILE names {secret}, which cannot be read: {why}"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("slotz = 1", "`slotz` is no setting. Did you mean `slots`?"),
        ("[web]\nprot = 1", "`web.prot` is no setting. Did you mean `port`?"),
        (
            "[agents.claude]\nexecutabel = ''",
            "`agents.claude.executabel` is no setting. Did you mean `executable`?",
        ),
        (
            "[agents.gemini]\nallow_root = true",
            "`agents.gemini.allow_root` is no setting. There are: executable, ",
        ),
        ("[zulip]\ntoken = ''", "`zulip` is no setting. There are: data_dir, slots, "),
        ("slots = 'many'", "`slots`: It must be a whole number."),
        ("slots = 0", "`slots`: Input should be greater than or equal to 1."),
        ("slack = 3", "`slack`: It must be a table; bifrost.toml.example shows"),
        ("[slack]\npeople = 'U01'", "`slack.people`: It must be a list, such as"),
        (
            "[slack]\napi_url = 'https://slack.com/api'",
            "`slack.api_url`: It has not the right form; bifrost.toml.example ",
        ),
        ("[web]\nport = 70000", "`web.port`: Input should be less than or equal to 65535."),
        ("[web]\npublic_url = 'bot.example'", "`web.public_url`: "),
        ("[discord]\nguilds = ['our server']", "`discord.guilds."),
        (
            "[agents]\nproviders = ['cursor']",
            "`agents.providers.0`: There is no provider `cursor`. There are: `claude`, `gemini`, `codex`, ",
        ),
        (
            "[inactivity]\ngemni = 1",
            "`inactivity.gemni`: There is no provider `gemni`. Did you mean `gemini`?",
        ),
        (
            "[provider_slots]\ncoedx = 1",
            "`provider_slots.coedx`: There is no provider `coedx`. Did you mean ",
        ),
        (
            "models = [{ name = 'x', provider = 'gose' }]\n[agents.others.goose]\ncommand = ['goose']",
            "`models.0.provider`: There is no provider `gose`. Did you mean `goose`?",
        ),
        (
            "[agents.others.claude]\ncommand = ['claude']",
            "`agents.others.claude`: claude is built in. Set it under [agents.claude], or give yours ",
        ),
        ("[agents.others.goose]\ncommand = []", "`agents.others.goose.command`: "),
        (
            '[agents.others.goose]\ncommand = "goose \'"',
            "`agents.others.goose.command`: No closing quotation.",
        ),
        ("[agents.others.opus]\ncommand = ['x']", "`agents.others.opus`: That is a model of claude."),
        (
            "[agents.others.goose]\ncomand = ['x']",
            "`agents.others.goose.comand` is no setting. Did you mean `comm",
        ),
        ("[agents.others.Goose]\ncommand = ['x']", "`agents.others.Goose`: "),
        (
            "[agents.others.goose]\ncommand = ['goose']\nlimit = '('",
            "`agents.others.goose.limit`: Input should be a valid regular expression.",
        ),
        (
            "[agents.others.goose]\ncommand = ['goose']\nmodels = ['fast']",
            "`agents.others.goose.command`: It has no place for the model: `{model}` stands for that.",
        ),
        (
            "[agents.others.goose]\ncommand = ['goose', '{model}']",
            "`agents.others.goose.command`: It has a place for `{model}`, but no `models` are named.",
        ),
        (
            "[agents.others.goose]\ncommand = ['goose', '{model}']\nmodels = ['gpt-5']",
            "`agents.others.goose.models`: `gpt-5` is a model of codex already. Give that of ",
        ),
        (
            "models = [{ name = 'opus', provider = 'gemini' }]",
            "`models.0`: `opus` is a model of claude already.",
        ),
        (
            "[agents.others.goose]\ncommand = ['goose', '{model}']\nmodels = ['--help']",
            "`agents.others.goose.models.",
        ),
        (
            "[agents.claude.environment]\nA = 1",
            "`agents.claude.environment.A`: It must be a text, in quotes.",
        ),
        ("workspaces = {}", "`workspaces`: "),
        ("[timeouts]\nsession = 'soon'", "`timeouts.session`: `soon` is no span of time: "),
        ("[timeouts]\nsession = 0", "`timeouts.session`: Input should be greater than or equal to 1."),
        ("[timeouts]\nsesion = 5", "`timeouts.sesion` is no setting. Did you mean `session`?"),
        ("[inactivity]\ngemini = '1y'", "`inactivity.gemini`: "),
        ("on_restart = 'retry'", "`on_restart`: Input should be 'resume', 'requeue' or 'fail'."),
        ("[provider_slots]\nclaude = 0", "`provider_slots.claude`: "),
        (
            "zone = 'Europe/Pariss'",
            "`zone`: `Europe/Pariss` is no time zone. The nearest are: `Europe/Paris`",
        ),
        (
            "least_schedule_minutes = 0",
            "`least_schedule_minutes`: Input should be greater than or equal to 1.",
        ),
        ("[workspaces]\n'my repo' = '.'", "`workspaces.my repo`: "),
        (
            "[workspaces]\nmain = { path = '.', permissions = 'asks' }",
            "`workspaces.main.permissions`: Input should be 'bypass', 'edits' or 'ask'.",
        ),
        (
            "[workspaces]\nmain = { path = '.', fallback = 'cursor' }",
            "`workspaces.main.fallback`: There is no provider `cursor`.",
        ),
        (
            "[workspaces]\nmain = { path = '.', provider = 'gemni' }",
            "`workspaces.main.provider`: There is no provider `gemni`. Did you mean `gemini`?",
        ),
        (
            "[workspaces]\nmain = { path = '.', falback = 'gemini' }",
            "`workspaces.main.falback` is no setting. Did you mean `fallback`?",
        ),
        (
            "[workspaces]\nmain = { fallback = 'gemini' }",
            "`workspaces.main.path`: Field required.",
        ),
        (
            "agents = { providers = ['claude'] }\n[workspaces]\nmain = { path = '.', fallback = 'gemini' }",
            "the fallback of `main`, gemini, is not among the `providers` under [agents]: claude.",
        ),
        (
            "agents = { providers = ['gemini'] }\n[workspaces]\nmain = { path = '.', fallback = 'gemini' }",
            "the fallback of `main`, gemini, is the default provider itself.",
        ),
        ("data_dir = 1", "`data_dir`: It must be a path, in quotes."),
    ],
)
def test_a_mistake_is_named_with_what_to_write(text: str, says: str) -> None:
    answer = mistake(text)
    assert answer.startswith(
        f"The configuration in {Path.cwd() / 'bifrost.toml'} and the environment cannot be used:"
    )
    assert f"\n- {says}" in answer


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("'90'", 90), ("'20m'", 1200), ("'1h30m'", 5400)])
def test_a_duration_is_seconds_or_a_span(text: str, seconds: float) -> None:
    assert from_file(f"[timeouts]\nsession = {text}").timeouts.session == seconds


def test_every_type_of_job_has_a_timeout() -> None:
    assert set(Timeouts.model_fields) == set(JOB_TYPES)


def test_all_mistakes_are_named_at_once() -> None:
    assert mistake("slotz = 1\n[web]\nport = 'x'").count("\n- ") == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            ("BOT_TOKEN",),
            "needs `app_token` (xapp-…) with it, for Socket Mode, or `signing_secret`, for HTTP",
        ),
        (("APP_TOKEN",), "`bot_token` (xoxb-…) is missing"),
        (("SIGNING_SECRET",), "`bot_token` (xoxb-…) is missing"),
        (("APP_TOKEN", "SIGNING_SECRET"), "keep one of them"),
        (("BOT_TOKEN", "APP_TOKEN", "SIGNING_SECRET"), "keep one of them"),
    ],
)
def test_slack_is_heard_in_exactly_one_way(given: tuple[str, ...], says: str) -> None:
    all_of_them = TOKENS | SECRET
    answer = mistake("", {name: all_of_them[name] for name in (f"BIFROST__SLACK__{each}" for each in given)})
    assert says in answer
    assert "hush" not in answer


def test_a_signing_secret_does_without_an_app_token() -> None:
    environment = {"BIFROST__SLACK__BOT_TOKEN": "xoxb-hush", **SECRET}
    assert load(None, environment).slack.signing_secret.get_secret_value() == "hush"


@pytest.mark.parametrize(
    "environment",
    [
        {"BIFROST__SLACK": "x"},
        {"BIFROST__SLACK__BOT_TOKEN": "x", "BIFROST__SLACK": "y"},
        {"BIFROST__": "x"},
        {"BIFROST__WEB__": "x"},
        {"BIFROST__WEB__PORT__MORE": "x"},
        {"BIFROST__NOPE__NOPE__NOPE": "x"},
    ],
)
def test_variables_that_make_no_sense_are_named_and_nothing_breaks(environment: dict[str, str]) -> None:
    with pytest.raises(BadConfiguration, match="The configuration in the environment cannot be used:\n- `"):
        load(None, environment)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"slots = \n", "is not valid TOML: Invalid value (at line 1, column 9)"),
        (b"a = 1\na = 2", "is not valid TOML: Cannot overwrite a value"),
        (b"\xff", "is not valid TOML: 'utf-8' codec can't decode"),
    ],
)
def test_what_is_no_toml_is_said_to_be_none_and_where(text: bytes, says: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        from_file(text)
    assert says in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=f"{tmp_path} cannot be read: Is a directory"):
        load(tmp_path, {})


def test_files_of_other_systems_are_read() -> None:
    assert from_file(b"\xef\xbb\xbfslots = 2\r\n[web]\r\nport = 5\r\n").web.port == 5


def test_the_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    there = tmp_path / "other.toml"
    there.write_text("")
    assert find_file(there, {"BIFROST_CONFIG": "/nowhere"}) == there
    assert find_file(None, {"BIFROST_CONFIG": str(there)}) == there
    for named, environment in (
        (tmp_path / "nope", {}),
        (None, {"BIFROST_CONFIG": "/nowhere"}),
        (tmp_path, {}),
    ):
        with pytest.raises(BadConfiguration, match=r"There is no configuration file "):
            find_file(named, environment)


def test_a_file_is_found_here_before_at_home(tmp_path: Path) -> None:
    assert find_file(None, {}) is None
    home = tmp_path / "config" / "bifrost" / "bifrost.toml"
    home.parent.mkdir(parents=True)
    home.write_text("")
    assert find_file(None, {}) == home
    here = tmp_path / "bifrost.toml"
    here.write_text("")
    assert find_file(None, {}) == here


def test_a_file_at_home_makes_no_workspace_of_its_directory(tmp_path: Path) -> None:
    home = tmp_path / "config" / "bifrost.toml"
    home.parent.mkdir()
    home.write_text("slots = 1")
    assert load(home, {}).directories == {"main": tmp_path}


def test_no_secret_is_ever_shown() -> None:
    environment = {**TOKENS, "BIFROST__AGENTS__CLAUDE__ENVIRONMENT__ANTHROPIC_API_KEY": "sk-hush"}
    settings = load(None, environment)
    assert settings.slack.bot_token.get_secret_value() == "xoxb-hush"
    assert "hush" not in f"{settings!r} {settings}"


def test_no_secret_of_ours_is_left_to_inherit() -> None:
    environment = {**TOKENS, "BIFROST_CONFIG": "x", "ANTHROPIC_API_KEY": "sk-1", "PATH": "/bin"}
    forget_secrets(environment)
    assert environment == {"BIFROST_CONFIG": "x", "ANTHROPIC_API_KEY": "sk-1", "PATH": "/bin"}


def uncommented(text: str) -> str:
    """The example with every setting switched on: what has no space after its `#`."""
    return re.sub(r"(?m)^#(?=[\w\[])", "", text)


def test_the_example_changes_nothing_as_it_is_nor_with_every_key_switched_on() -> None:
    text = EXAMPLE.read_text()
    assert from_file(text) == load(None, {})
    assert from_file(uncommented(text)) == load(None, {})


def test_the_zone_is_the_machines_own_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_file("zone = 'europe/paris'").clocks.key == "Europe/Paris"
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert load(None, {}).clocks.key == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "nonsense")
    assert load(None, {}).clocks.key


@pytest.mark.parametrize(("name", "caps"), [("slack", SlackPlatform.caps), ("discord", DiscordPlatform.caps)])
def test_platforms_are_paced_as_their_limits_want_unless_they_are_told_otherwise(
    name: str, caps: Caps
) -> None:
    pace = getattr(from_file(""), name).pace
    assert (pace.posts_per_minute, pace.edits_per_minute) == (caps.posts_per_minute, caps.edits_per_minute)
    assert pace.edit_gap_seconds == caps.least_edit_gap_s
    assert getattr(from_file(f"[{name}.pace]\nedits_per_minute = 10"), name).pace.edits_per_minute == 10
    assert load(None, {"BIFROST__SLACK__QUIET": "C01, C02"}).slack.quiet == {"C01", "C02"}


def test_workspaces_say_who_works_there_and_channels_which_is_theirs() -> None:
    text = """
        default_workspace = "main"
        [workspaces]
        main = "."
        api = { path = "api", provider = "claude", model = "opus", people = ["slack:U1", "U2"] }
        [slack.workspaces]
        C01 = "api"
    """
    settings = from_file(text, {"BIFROST__SLACK__WORKSPACES__C02": "main"})
    assert settings.workspaces["api"].people == {"slack:U1", "U2"}
    assert settings.presets.default == "main"
    assert settings.presets.channels == {("slack", "C01"): "api", ("slack", "C02"): "main"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            'default_workspace = "apy"',
            "`default_workspace` is `apy`, which is no workspace; there are: `main`",
        ),
        ('discord.workspaces = { 123456 = "x" }', "`123456` under [discord.workspaces] is `x`"),
        ('workspaces.a = { path = "a", model = "opsu" }', "did you mean `opus`?"),
        ('workspaces.a = { path = "a", model = "opus", provider = "gemini" }', "is a model of claude"),
        (
            'workspaces.a = { path = "a", model = "opus" }\nagents.providers = ["gemini"]',
            "claude, is not among",
        ),
        ('workspaces.a = { path = "a", people = ["some body"] }', "workspaces.a.people"),
    ],
)
def test_what_cannot_be_said_of_workspaces_is_a_mistake(text: str, says: str) -> None:
    assert says in mistake(text)


def test_the_example_shows_every_setting() -> None:
    section, shown = "", set()
    for line in uncommented(EXAMPLE.read_text()).splitlines():
        if header := re.fullmatch(r"\[([\w.]+)\]", line):
            section = f"{header[1]}."
        elif setting := re.match(r"(\w+) = ", line):
            shown.add(f"{section}{setting[1]}")
    assert shown - {"workspaces.main"} == set(keys(Settings)) - {"workspaces"}
