"""The environment that points a real CLI at the simulator, with a configuration and test keys of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

ANTHROPIC_KEY = "sk-ant-api03-simulated-key-0001"
ANTHROPIC_TOKEN = "sk-ant-oat01-simulated-token-0002"
GEMINI_KEY = "simulated-gemini-key-0003"
OPENAI_KEY = "sk-simulated-openai-key-0004"

_GEMINI_SETTINGS = {
    # Without selectedType a base URL makes the CLI refuse to start: exit 41, "Invalid auth method selected".
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"enableAutoUpdate": False},
}

_CODEX_CONFIG = """\
model = "gpt-5"
model_provider = "simulator"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.simulator]
name = "simulator"
base_url = "{url}/v1"
env_key = "CODEX_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
"""


def claude(url: str, home: Path, *, oauth: bool) -> dict[str, str]:
    """For Claude Code; only an OAuth session gets limit events."""
    key = {"CLAUDE_CODE_OAUTH_TOKEN": ANTHROPIC_TOKEN} if oauth else {"ANTHROPIC_API_KEY": ANTHROPIC_KEY}
    # Skip-permissions as root is refused without this.
    root = {"IS_SANDBOX": "1"} if os.geteuid() == 0 else {}
    return {
        "ANTHROPIC_BASE_URL": url,
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_TELEMETRY": "1",
        **key,
        **root,
    }


def gemini(url: str, home: Path) -> dict[str, str]:
    """For Gemini CLI; it reads `home/.gemini/settings.json`."""
    settings = home / ".gemini" / "settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(_GEMINI_SETTINGS))
    return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": GEMINI_KEY, "GEMINI_CLI_HOME": str(home)}


def codex(url: str, home: Path) -> dict[str, str]:
    """For Codex; it reads `home/.codex/config.toml`."""
    config = home / ".codex" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(_CODEX_CONFIG.format(url=url))
    return {"CODEX_HOME": str(config.parent), "CODEX_API_KEY": OPENAI_KEY}
