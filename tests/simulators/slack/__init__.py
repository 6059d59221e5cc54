"""Slack on loopback, with its rules: the real slack-bolt and slack_sdk talk to it unmodified."""

from tests.simulators.slack.http_mode import RequestUrl, SignedRequest
from tests.simulators.slack.limits import DEFAULT_LIMITS, Limit, Rules
from tests.simulators.slack.model import (
    Call,
    Channel,
    Ephemeral,
    Message,
    Ping,
    Reply,
    SharedFile,
    Version,
    View,
)
from tests.simulators.slack.people import Person
from tests.simulators.slack.server import DEFAULT_EVENTS, DEFAULT_SCOPES, SlackSimulator
from tests.simulators.slack.socket_mode import Attempt, Delivery

__all__ = [
    "DEFAULT_EVENTS",
    "DEFAULT_LIMITS",
    "DEFAULT_SCOPES",
    "Attempt",
    "Call",
    "Channel",
    "Delivery",
    "Ephemeral",
    "Limit",
    "Message",
    "Person",
    "Ping",
    "Reply",
    "RequestUrl",
    "Rules",
    "SharedFile",
    "SignedRequest",
    "SlackSimulator",
    "Version",
    "View",
]
