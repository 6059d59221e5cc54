"""The pages by which a bot is looked after: usage, schedules and settings."""

from __future__ import annotations

from bot.desk.attachments import Limits
from bot.desk.desk import Door
from bot.web.asks import Answers
from bot.web.pages.schedules import SchedulesPage
from bot.web.pages.settings import SettingsPage, Terms
from bot.web.pages.usage import UsagePage
from bot.web.templates import Templates
from bot.web.tokens import Tokens
from executor.model import Actor
from storage import Storage

Upkeep = UsagePage | SchedulesPage | SettingsPage


def upkeep_pages(
    storage: Storage,
    door: Door,
    actor: Actor,
    templates: Templates,
    answers: Answers,
    limits: Limits,
    tokens: Tokens,
    terms: Terms,
) -> tuple[Upkeep, ...]:
    """What they need is told once, here."""
    return (
        UsagePage(storage.api, templates),
        SchedulesPage(storage, door, actor, templates, answers, limits),
        SettingsPage(terms, tokens, door, actor, templates, answers),
    )
