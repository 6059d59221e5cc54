"""Discord on loopback, with its rules: the real discord.py talks to it unmodified."""

from tests.simulators.discord.model import Call, Channel, File, Interaction, Message, Ping, User, Version
from tests.simulators.discord.people import Person
from tests.simulators.discord.rates import DEFAULT_LIMITS, Limit, Rules
from tests.simulators.discord.server import DiscordSimulator

__all__ = [
    "DEFAULT_LIMITS",
    "Call",
    "Channel",
    "DiscordSimulator",
    "File",
    "Interaction",
    "Limit",
    "Message",
    "Person",
    "Ping",
    "Rules",
    "User",
    "Version",
]
