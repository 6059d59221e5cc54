"""What can be set, and what each setting may be."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from bot.desk.attachments import Limits
from bot.desk.commands import NAME
from bot.desk.presets import Presets
from bot.desk.prompts import LIMIT
from bot.platforms.base import Caps
from bot.workspace_checks import wrong_names, wrong_terms
from executor.catalog import MODELS
from executor.moments import TimeRefused, machine_zone, parse_span, parse_zone
from executor.rescuer import OnRestart
from executor.workspaces import Permissions


def _expand(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


def _seconds(value: object) -> object:
    if not isinstance(value, str) or value.replace(".", "", 1).isdigit():
        return value
    try:
        return parse_span(value).total_seconds()
    except TimeRefused as error:
        raise ValueError(str(error)) from None


def _known_zone(name: str) -> str:
    try:
        return parse_zone(name).key if name else ""
    except TimeRefused as error:
        raise ValueError(str(error).removesuffix(".")) from None


Directory = Annotated[Path, BeforeValidator(_expand)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
"""A name that people can type as the value of an option."""
Duration = Annotated[float, BeforeValidator(_seconds), Field(ge=1, le=7 * 86_400)]
"""Seconds, or a text such as "20m"."""
ModelId = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.:/@-]{0,199})?$")]
"""What a CLI is given for a model."""
Snowflake = Annotated[str, Field(pattern=r"^[0-9]{5,20}$")]
"""An id of Discord's."""
Provider = str
"""Whether there is one of that name is checked when all settings are known."""
Person = Annotated[str, Field(pattern=r"^(\*|((slack|discord|web):)?[A-Za-z0-9][A-Za-z0-9_:.-]{0,79})$")]
"""The id of somebody on any platform, or behind the name of their platform and a colon."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Workspace(_Section):
    """A directory that jobs work in. `fallback` does the fresh jobs of a provider that is at its limit."""

    path: Directory
    provider: Provider | None = None
    model: Name | None = None
    people: frozenset[Person] = frozenset()
    """Who may have jobs here: ids, or `slack:U1`. Empty: all whom their platform lets in."""
    fallback: Provider | None = None
    permissions: Permissions = Permissions.BYPASS
    worktrees: bool = False
    """Whether each job that changes it works in a git worktree of its own."""
    pull_requests: str = Field(default="", pattern=r"^(https://[A-Za-z0-9_.-]+(:[0-9]+)?/[A-Za-z0-9_./-]+)?$")
    """The repository that pull requests of their work may be opened in, with the login of `gh` or `glab`."""
    prompts: Directory | None = None
    """A directory with files that stand in for our prompts. Never a part of a workspace: what an agent can
    write there would be an order to the next one."""

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str | Path) else value

    @model_validator(mode="after")
    def _requests_come_from_worktrees(self) -> Workspace:
        if self.pull_requests and not self.worktrees:
            raise ValueError(
                "`pull_requests` are of what jobs leave in worktrees: set `worktrees = true`, too"
            )
        return self


class Web(_Section):
    """The bot's own page and API."""

    host: str = "127.0.0.1"
    port: int = Field(default=4003, ge=0, le=65535)
    public_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """The address that links begin with; by default the one that the server listens on."""


class Pace(_Section):
    """How often we may speak on a platform; the defaults are what Slack allows, with some to spare."""

    posts_per_minute: float = Field(default=60, gt=0, le=60_000)
    edits_per_minute: float = Field(default=40, gt=0, le=60_000)
    edit_gap_seconds: float = Field(default=2, ge=0, le=3600)

    def set(self, caps: Caps) -> Caps:
        """What the platform is taken to allow."""
        return replace(
            caps,
            posts_per_minute=self.posts_per_minute,
            edits_per_minute=self.edits_per_minute,
            least_edit_gap_s=self.edit_gap_seconds,
        )


class Slack(_Section):
    """A Slack workspace. No bot token switches it off.

    Slack is heard over a socket of ours, for which the app token is, or calls us and signs with the secret.
    """

    bot_token: SecretStr = SecretStr("")
    app_token: SecretStr = SecretStr("")
    signing_secret: SecretStr = SecretStr("")
    channels: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()
    replies: Literal["mention", "all"] = "mention"  # what is one, in the thread of a job
    quiet: frozenset[str] = frozenset()
    """Channels that want no live output, only states and last words."""
    workspaces: dict[str, str] = {}
    """The workspace of each channel that has one of its own, by the channel's id."""
    pace: Pace = Pace()
    api_url: str = Field(default="https://slack.com/api/", pattern=r"^https?://\S+/$")

    @model_validator(mode="after")
    def _one_way_in(self) -> Slack:
        bot, app = self.bot_token.get_secret_value(), self.app_token.get_secret_value()
        secret = self.signing_secret.get_secret_value()
        if app and secret:
            raise ValueError(
                "`app_token` is for Socket Mode and `signing_secret` for HTTP: keep one of them, and empty "
                "the other"
            )
        if bot and not (app or secret):
            raise ValueError(
                "`bot_token` (xoxb-…) needs `app_token` (xapp-…) with it, for Socket Mode, or "
                "`signing_secret`, for HTTP"
            )
        if not bot and (app or secret):
            raise ValueError("`bot_token` (xoxb-…) is missing: without it the other one is of no use")
        return self


class DiscordPace(Pace):
    """The same in each channel and in each thread of Discord's."""

    edits_per_minute: float = Field(default=48, gt=0, le=60_000)
    edit_gap_seconds: float = Field(default=1.25, ge=0, le=3600)


class Discord(_Section):
    """A Discord bot. An empty token switches it off."""

    token: SecretStr = SecretStr("")
    guilds: frozenset[Snowflake] = frozenset()
    """The servers that it works in, and declares its commands to; empty: all that it was invited to."""
    channels: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    roles: frozenset[Snowflake] = frozenset()
    admins: frozenset[str] = frozenset()
    replies: Literal["button", "all"] = "button"  # "all" needs Discord's message content intent
    quiet: frozenset[str] = frozenset()
    workspaces: dict[str, str] = {}
    pace: DiscordPace = DiscordPace()
    api_url: str = Field(default="https://discord.com/api/v10", pattern=r"^https?://\S+$")


class Timeouts(_Section):
    """How long an attempt may take, by the type of its job."""

    research: Duration = 600
    session: Duration = 600
    workflow: Duration = 600
    clara: Duration = 600
    autopilot: Duration = 3600  # all its steps together


class Inactivity(_Section):
    """How long a CLI may say nothing until it is taken to hang; of others than these, the same as claude."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Duration] = Field(init=False)

    claude: Duration = 600  # it thinks long
    gemini: Duration = 300  # it hangs in retries of its own
    codex: Duration = 600
    rehearsal: Duration = 600


class Cli(_Section):
    """An AI coding CLI."""

    executable: str = ""
    environment: dict[str, str] = Field(default_factory=dict, repr=False)  # it may hold keys


class ClaudeCli(Cli):
    """Claude Code, which refuses to work unattended as root unless it is told that this is a sandbox."""

    allow_root: bool = False


class OtherCli(_Section):
    """A CLI that takes a prompt on its standard input and prints text."""

    command: tuple[str, ...] = Field(min_length=1)
    """Words, or a text that is parted into them as a shell does; `{model}` stands for the id of the model."""
    models: dict[Name, ModelId] = {}
    """By the names that people type, the default first; a list where the CLI knows them by these names."""
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    limit: re.Pattern[str] | None = None
    """Finds in the last words of one that failed that a usage limit was why."""

    @field_validator("command", mode="before")
    @classmethod
    def _as_typed(cls, value: object) -> object:
        return tuple(shlex.split(value)) if isinstance(value, str) else value

    @field_validator("models", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        return {name: name for name in value} if isinstance(value, list | tuple) else value


class Rehearsal(_Section):
    """The agent that needs no account."""

    step_seconds: float = Field(default=0.4, ge=0, le=60)


class Agents(_Section):
    """Who does the work. `providers` empty: the CLIs that are installed, and rehearsal."""

    providers: tuple[Provider, ...] = ()
    claude: ClaudeCli = ClaudeCli()
    gemini: Cli = Cli()
    codex: Cli = Cli()
    others: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,29}$")], OtherCli] = {}
    rehearsal: Rehearsal = Rehearsal()


class NamedModel(_Section):
    """A model beside those that are built in, or in place of the one of that name."""

    name: Name
    provider: Provider
    id: ModelId = ""
    """What the CLI is given; by default the name."""
    efforts: tuple[Literal["low", "medium", "high", "xhigh", "max"], ...] = ()
    input_usd: float | None = Field(default=None, ge=0, le=100_000)
    output_usd: float | None = Field(default=None, ge=0, le=100_000)


class Files(_Section):
    """Files that people send with a request."""

    largest_megabytes: float = Field(default=20, gt=0, le=1000)
    most: int = Field(default=10, ge=0, le=100)

    @property
    def limits(self) -> Limits:
        """What the desk takes."""
        return Limits(largest=int(self.largest_megabytes * 1_000_000), most=self.most)


class Settings(_Section):
    """All settings. Relative paths start at the directory of the file, or at the working directory."""

    data_dir: Directory = Field(default_factory=lambda: user_data_path("bifrost"))
    slots: int = Field(default=4, ge=1, le=100)
    provider_slots: dict[Provider, Annotated[int, Field(ge=1, le=100)]] = {}
    prompt_limit: int = Field(default=LIMIT, ge=100, le=1_000_000)
    grace_seconds: float = Field(default=10.0, ge=0, le=600)
    drain_seconds: float = Field(default=10.0, ge=0, le=86_400)
    on_restart: OnRestart = OnRestart.RESUME
    zone: Zone = ""
    """The time zone of times that people type, where their own is not known; by default the machine's."""
    least_schedule_minutes: int = Field(default=5, ge=1, le=24 * 60)
    require_sandbox: bool = False
    retention_days: int = Field(default=30, ge=1, le=36_500)
    """How long the files of a job are kept after its end: what its CLI printed, results, what came in."""
    workspaces: dict[Name, Workspace] = Field(
        default_factory=lambda: {"main": Workspace(path=Path.cwd())}, min_length=1
    )
    default_workspace: str = ""
    """The workspace of jobs that name none, in channels that have none of their own."""
    question_patience: Duration = 1800
    """How long a job holds a slot and a process while it waits for a person."""
    files: Files = Files()
    web: Web = Web()
    slack: Slack = Slack()
    discord: Discord = Discord()
    timeouts: Timeouts = Timeouts()
    inactivity: Inactivity = Inactivity()
    agents: Agents = Agents()
    models: tuple[NamedModel, ...] = ()

    @property
    def directories(self) -> dict[str, Path]:
        """The directories of the workspaces, by name."""
        return {name: workspace.path for name, workspace in self.workspaces.items()}

    @property
    def fallbacks(self) -> dict[str, str]:
        """Who does the jobs of a provider that is at its limit, by workspace."""
        return {name: each.fallback for name, each in self.workspaces.items() if each.fallback}

    @model_validator(mode="after")
    def _fallbacks_are_others(self) -> Settings:
        providers = self.agents.providers
        for name, fallback in self.fallbacks.items():
            if providers and fallback not in providers:
                listed = ", ".join(providers)
                raise ValueError(
                    f"the fallback of `{name}`, {fallback}, is not among the `providers` under [agents]: "
                    f"{listed}"
                )
            if providers and fallback == providers[0]:
                raise ValueError(f"the fallback of `{name}`, {fallback}, is the default provider itself")
        return self

    @property
    def presets(self) -> Presets:
        """Which workspace is meant where a job names none."""
        channels = {"slack": self.slack.workspaces, "discord": self.discord.workspaces}
        return Presets(
            default=self.default_workspace,
            channels={(name, id): each for name, by_id in channels.items() for id, each in by_id.items()},
        )

    @model_validator(mode="after")
    def _workspaces_can_be_had(self) -> Settings:
        wrong_names(self.presets, self.workspaces)
        models = {each.name: each.provider for each in MODELS}
        models |= {each.name: each.provider for each in self.models}
        for provider, cli in self.agents.others.items():
            models |= dict.fromkeys(cli.models or [provider], provider)
        for name, each in self.workspaces.items():
            wrong_terms(name, each.provider, each.model, self.agents.providers, models)
        return self

    @property
    def quiet(self) -> frozenset[tuple[str, str]]:
        """The quiet channels of all platforms, each with the platform's name."""
        quiet = {"slack": self.slack.quiet, "discord": self.discord.quiet}
        return frozenset((name, channel) for name, channels in quiet.items() for channel in channels)

    @property
    def clocks(self) -> ZoneInfo:
        """The zone that is meant where nobody names one."""
        return parse_zone(self.zone) if self.zone else machine_zone()
