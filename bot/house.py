"""Half of the composition root: opens the parts that every bot has, whether it serves or not."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from bot import prompt_files
from bot.agent.passes import Passes
from bot.data_dir import DataDir
from bot.desk.access import EVERYBODY, Access, Rule
from bot.desk.attachments import Attachments
from bot.desk.board import JobBoard
from bot.desk.desk import Desk
from bot.platforms.slack.grants import DIRECT, SCOPES
from bot.settings import Cli, Settings
from bot.settings import Workspace as WorkspaceSettings
from bot.web.callers import OWNER, TOKEN_ROLE
from executor.backends.base import Backend
from executor.backends.claude import Claude
from executor.backends.codex import Codex
from executor.backends.gemini import Gemini
from executor.backends.rehearsal import Rehearsal
from executor.backends.text_cli import TextCli
from executor.catalog import DEFAULTS, MODELS, Catalog, Defaults, Model
from executor.executor import Executor
from executor.fallbacks import Fallbacks
from executor.job_types import JOB_TYPES
from executor.job_types.base import JobType
from executor.job_types.templates import Templates
from executor.parcels import Parcels
from executor.ports import SystemClock
from executor.processes.privacy import hide_memory, private_files
from executor.processes.sandbox import Sandbox, find_sandbox
from executor.processes.shims import Shims
from executor.pull_requests import PullRequests
from executor.queueing import QueueRules
from executor.rescuer import rescue
from executor.steps import reach
from executor.wakeups import Wakeups
from executor.workshop import Workshop
from executor.workspaces import Permissions, Workspace, Workspaces
from executor.worktrees.decisions import Decisions
from executor.worktrees.git import careful_git
from executor.worktrees.worktrees import WRITERS, Worktrees
from storage import Storage, open_storage

SLACK_SCOPES = SCOPES
"""What the bot token of a Slack app should be allowed."""
_WARM = 2
"""Reapers that are kept ready: with one alone, the second of two jobs at once waits 0.1 s for its own."""

_CREDENTIALS = {
    "claude": (
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
    ),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    "codex": ("CODEX_API_KEY", "OPENAI_BASE_URL"),
}
"""What a CLI is given of our own environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The opened parts."""

    settings: Settings
    data: DataDir
    storage: Storage
    wakeups: Wakeups
    executor: Executor
    desk: Desk
    board: JobBoard
    workshop: Workshop
    parcels: Parcels
    sandbox: Sandbox
    passes: Passes


@asynccontextmanager
async def open_house(settings: Settings, environment: Mapping[str, str]) -> AsyncIterator[House]:
    """Locks the data directory, opens the store and settles what an earlier process left open.

    Raises DataDirInUse, SandboxMissing, and what `open_storage` raises.
    """
    hide_memory()
    data = DataDir(settings.data_dir)
    data.make()
    wakeups, backends = Wakeups(), make_backends(settings, environment)
    with private_files() as umask, data.lock():
        reach("data directory locked")
        sandbox = await find_sandbox(required=settings.require_sandbox)
        async with (
            Shims(sandbox.argv, settings.grace_seconds, _WARM, umask, veiled=data.root) as shims,
            open_storage(
                data.database, wakeups, rules=_queue_rules(settings, backends), reserve=data.reserve
            ) as storage,
        ):
            reach("store opened")
            await rescue(storage.jobs, settings.on_restart)
            reach("attempts rescued")
            data.take_over(next(iter(settings.workspaces)))
            passes = Passes(data.tools_socket)
            workshop = _equip(settings, backends, data, storage, wakeups, shims, passes)
            yield _build(settings, data, storage, wakeups, workshop, sandbox, passes)


def _equip(
    settings: Settings,
    backends: Mapping[str, Backend],
    data: DataDir,
    storage: Storage,
    wakeups: Wakeups,
    shims: Shims,
    passes: Passes,
) -> Workshop:
    workspaces = _workspaces(settings, backends)
    return Workshop(
        store=storage.jobs,
        mailbox=storage.mailbox,
        questions=storage.questions,
        wakeups=wakeups,
        shims=shims,
        clock=SystemClock(),
        backends=backends,
        job_types=_job_types(settings),
        catalog=catalog_of(settings, tuple(backends)),
        workspaces=workspaces,
        worktrees=Worktrees(
            careful_git(shims, data.worktrees), data.worktrees, storage.jobs, storage.worktrees, workspaces
        ),
        homes=data.homes,
        jobs=data.jobs,
        received=data.received,
        reports=data.reports,
        grace_s=settings.grace_seconds,
        silence_s=dict(settings.inactivity),
        question_patience_s=settings.question_patience,
        tools=passes,
    )


def _build(
    settings: Settings,
    data: DataDir,
    storage: Storage,
    wakeups: Wakeups,
    workshop: Workshop,
    sandbox: Sandbox,
    passes: Passes,
) -> House:
    fallbacks = Fallbacks(catalog=workshop.catalog, workspaces=workshop.workspaces)
    executor = Executor(storage.jobs, fallbacks)
    parcels = Parcels(data.received)
    return House(
        settings=settings,
        data=data,
        storage=storage,
        wakeups=wakeups,
        executor=executor,
        desk=_desk(settings, data, storage, executor, workshop, parcels),
        board=JobBoard(
            storage=storage,
            access=Access(rules=_rules(settings), workspaces=workshop.workspaces),
            wakeups=wakeups,
            public_url=lambda: public_url(settings, data),
        ),
        workshop=workshop,
        parcels=parcels,
        sandbox=sandbox,
        passes=passes,
    )


def _desk(
    settings: Settings,
    data: DataDir,
    storage: Storage,
    executor: Executor,
    workshop: Workshop,
    parcels: Parcels,
) -> Desk:
    return Desk(
        storage=storage,
        executor=executor,
        access=Access(rules=_rules(settings), workspaces=workshop.workspaces),
        catalog=workshop.catalog,
        workspaces=workshop.workspaces,
        decisions=decisions_on(workshop),
        attachments=Attachments(parcels, settings.files.limits, storage.replies.delivered),
        prompt_limit=settings.prompt_limit,
        clock=workshop.clock,
        zone=settings.clocks,
        public_url=lambda: public_url(settings, data),
        least_interval=timedelta(minutes=settings.least_schedule_minutes),
        presets=settings.presets,
    )


def decisions_on(workshop: Workshop) -> Decisions:
    """What can be decided about the work in worktrees."""
    return Decisions(workshop.worktrees, PullRequests(workshop.shims, workshop.worktrees.root))


def public_url(settings: Settings, data: DataDir) -> str:
    """Where people reach the page: as the running server says, else as one would that ran."""
    web = settings.web
    if data.address.exists():
        return data.address.read_text().strip()
    return web.public_url.rstrip("/") or f"http://{web.host}:{web.port or 4003}"


def _queue_rules(settings: Settings, backends: Mapping[str, Backend]) -> QueueRules:
    return QueueRules(
        slots=settings.slots,
        provider_slots=settings.provider_slots,
        providers=frozenset(backends),
        writers=WRITERS,
        with_worktrees=frozenset(name for name, each in settings.workspaces.items() if each.worktrees),
    )


def _job_types(settings: Settings) -> dict[str, JobType]:
    timeouts_s: dict[str, float] = dict(settings.timeouts)
    return {name: replace(each, timeout_s=timeouts_s[name]) for name, each in JOB_TYPES.items()}


def _workspaces(settings: Settings, backends: Mapping[str, Backend]) -> Workspaces:
    unheld = frozenset(name for name, each in backends.items() if each.keeps != frozenset(Permissions))
    named = {name: _workspace(each) for name, each in settings.workspaces.items()}
    return Workspaces(named=named, unheld=unheld)


def _workspace(settings: WorkspaceSettings) -> Workspace:
    return Workspace(
        directory=settings.path,
        fallback=settings.fallback,
        provider=settings.provider,
        model=settings.model,
        people=settings.people,
        permissions=settings.permissions,
        templates=prompt_files.read(settings.prompts) if settings.prompts else Templates(),
        worktrees=settings.worktrees,
        pull_requests=settings.pull_requests,
    )


def catalog_of(settings: Settings, providers: tuple[str, ...]) -> Catalog:
    """The models that are built in and those that are set, which go before them."""
    own = [
        Model(
            name=each.name,
            provider=each.provider,
            cli_id=each.id or each.name,
            efforts=each.efforts,
            input_usd=each.input_usd,
            output_usd=each.output_usd,
        )
        for each in settings.models
    ]
    names = {model.name for model in own}
    others = [model for name in settings.agents.others for model in _models_of(name, settings, own)]
    models = (*own, *(each for each in (*others, *MODELS) if each.name not in names))
    firsts = {provider: _first(provider, settings, models) for provider in settings.agents.others}
    defaults = {provider: Defaults(strong=first, quick=first) for provider, first in firsts.items()}
    return Catalog(providers=providers, models=models, defaults={**DEFAULTS, **defaults})


def _models_of(provider: str, settings: Settings, own: Sequence[Model]) -> list[Model]:
    """Those that a CLI of the settings is set up with; where there are none at all, the CLI has its own."""
    named: Mapping[str, str] = settings.agents.others[provider].models
    if not named and not any(model.provider == provider for model in own):
        named = {provider: ""}
    return [Model(name=name, provider=provider, cli_id=model_id) for name, model_id in named.items()]


def _first(provider: str, settings: Settings, models: Sequence[Model]) -> str:
    named = (model.name for model in models if model.provider == provider)
    return next(iter(settings.agents.others[provider].models), "") or next(named)


def known_backends(settings: Settings, environment: Mapping[str, str]) -> dict[str, Backend]:
    """A backend per provider that there is."""
    agents, own = settings.agents, own_environments(settings, environment)
    return {
        "claude": Claude(
            _executable("claude", agents.claude, environment),
            environment=own["claude"],
            allow_root=agents.claude.allow_root,
        ),
        "gemini": Gemini(
            _executable("gemini", agents.gemini, environment),
            environment=own["gemini"],
        ),
        "codex": Codex(
            _executable("codex", agents.codex, environment),
            environment=own["codex"],
        ),
        **{
            name: TextCli(name, cli.command, environment=cli.environment, limit=cli.limit)
            for name, cli in agents.others.items()
        },
        "rehearsal": Rehearsal(step_seconds=agents.rehearsal.step_seconds),
    }


def make_backends(settings: Settings, environment: Mapping[str, str]) -> dict[str, Backend]:
    """The backends of the providers that are switched on, the default first.

    Where none are named: those that are built in whose CLI is installed, those that are set, and rehearsal,
    which needs nothing.
    """
    agents, known = settings.agents, known_backends(settings, environment)
    if agents.providers:
        return {name: known[name] for name in agents.providers}
    for name, cli in (("claude", agents.claude), ("gemini", agents.gemini), ("codex", agents.codex)):
        if shutil.which(_executable(name, cli, environment)) is None:
            del known[name]
    return known


def _executable(name: str, cli: Cli, environment: Mapping[str, str]) -> str:
    return cli.executable or environment.get(f"{name.upper()}_PATH") or name


def own_environments(settings: Settings, environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What each CLI that is built in gets beside what all of them get: its key and its endpoint."""
    agents = settings.agents
    clis: dict[str, Cli] = {"claude": agents.claude, "gemini": agents.gemini, "codex": agents.codex}
    return {
        name: {each: environment[each] for each in _CREDENTIALS[name] if each in environment}
        | cli.environment
        for name, cli in clis.items()
    }


def _rules(settings: Settings) -> dict[str, Rule]:
    slack, discord = settings.slack, settings.discord
    owner = frozenset({OWNER.user_id})
    return {
        "web": Rule(
            channels=frozenset({EVERYBODY}), people=owner, admins=owner, roles=frozenset({TOKEN_ROLE})
        ),
        "slack": Rule(channels=slack.channels, people=slack.people, admins=slack.admins, direct=DIRECT),
        "discord": Rule(
            channels=discord.channels, people=discord.people, admins=discord.admins, roles=discord.roles
        ),
    }
