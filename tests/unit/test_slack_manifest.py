from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.doors import ANYWHERE, ON_MESSAGE
from bot.platforms.slack.grants import EVENTS, SCOPES
from bot.platforms.slack.request_url import PATH

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT.parent / "shared" / "reference" / "slack-manifest.schema.json"
NEEDS = {
    "apps_connections_open": set[str](),
    "auth_test": set(),
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "files_info": {"files:read"},
    "files_upload_v2": {"files:write"},
    "reactions_add": {"reactions:write"},
    "reactions_remove": {"reactions:write"},
    "users_info": {"users:read"},
    "views_open": set(),
    "views_publish": set(),
}
"""What each call of the Web API needs, by Slack's method pages."""
FOR_LISTENING = {"commands", "app_mentions:read", "im:history"}


@pytest.fixture(scope="module")
def manifest() -> Any:
    return yaml.safe_load((ROOT / "manifest.yml").read_text())


def calls_made() -> set[str]:
    """Every method of the SDK's client that the adapter names."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "bot/platforms/slack").glob("*.py")]
    named = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return named & vars(AsyncWebClient).keys() - {"__init__"}


def registered(*kinds: str) -> list[ast.expr]:
    """What the adapter registers listeners for, as `app.event("app_mention")` does."""
    names = {f"app.{kind}" for kind in kinds}
    return [
        node.args[0]
        for path in (ROOT / "bot/platforms/slack").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names
    ]


def test_the_table_of_needs_knows_every_call_made() -> None:
    assert calls_made() == set(NEEDS)


def test_the_manifest_asks_for_exactly_the_scopes_in_use(manifest: Any) -> None:
    used = FOR_LISTENING.union(*(NEEDS[call] for call in calls_made()))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == used == SCOPES


def test_the_manifest_subscribes_to_exactly_the_events_listened_to(manifest: Any) -> None:
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == list(EVENTS)


def test_there_is_a_listener_for_everything_declared_and_for_nothing_else(manifest: Any) -> None:
    events = {each.value for each in registered("event") if isinstance(each, ast.Constant)}
    declared = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert events == {event.partition(".")[0] for event in declared}
    features = manifest["features"]
    assert len(registered("command")) == len(features["slash_commands"])
    assert len(registered("shortcut", "message_shortcut", "global_shortcut")) == len(features["shortcuts"])


def test_the_manifest_declares_the_one_command_with_entities_escaped(manifest: Any) -> None:
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == "/job"
    assert command["should_escape"] is True
    assert command["usage_hint"]


def test_the_manifest_declares_both_shortcuts(manifest: Any) -> None:
    shortcuts = manifest["features"]["shortcuts"]
    declared = [(shortcut["type"], shortcut["callback_id"]) for shortcut in shortcuts]
    assert declared == [("message", ON_MESSAGE), ("global", ANYWHERE)]
    assert all(len(shortcut["name"]) <= 24 for shortcut in shortcuts)  # Slack refuses a longer one


def test_buttons_and_forms_come_by_socket_mode(manifest: Any) -> None:
    settings = manifest["settings"]
    assert settings["socket_mode_enabled"] is True
    assert settings["interactivity"]["is_enabled"] is True
    assert manifest["features"]["app_home"]["messages_tab_enabled"] is True
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True


def test_slack_accepts_the_manifest(manifest: Any) -> None:
    if not SCHEMA.exists():
        pytest.skip(f"Slack's manifest schema is not at {SCHEMA}")
    schema = json.loads(SCHEMA.read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(manifest)] == []
    assert manifest["_metadata"]["major_version"] == 2


def test_the_manifest_says_where_slack_calls_without_a_socket() -> None:
    comments = [line for line in (ROOT / "manifest.yml").read_text().splitlines() if line.startswith("# ")]
    assert f"https://YOUR-HOST{PATH}" in "\n".join(comments)
