"""What `bifrost doctor` says of a Slack app: whether it has its tokens, and what they may."""

from __future__ import annotations

from typing import Any

import aiohttp

from bot.findings import Finding
from bot.house import SLACK_SCOPES
from bot.settings import Slack

_WITHIN_S = 5


async def slack_app(slack: Slack) -> Finding:
    """Asks Slack with both tokens, as the bot does when it starts."""
    token = slack.bot_token.get_secret_value()
    if not token:
        advice = "Put the tokens under [slack]; the README shows how in five steps."
        return Finding(what="slack", ok=False, needed=False, seen="no token set", advice=advice)
    if not (slack.channels and (slack.people or slack.admins)):
        advice = "Name channels and people under [slack]; as long as they are empty, everybody is refused."
        return Finding(what="slack", ok=False, seen="nobody may use it", advice=advice)
    try:
        timeout = aiohttp.ClientTimeout(total=_WITHIN_S)
        async with aiohttp.ClientSession(slack.api_url, timeout=timeout) as session:
            answer, scopes = await _ask(session, "auth.test", token)
            if not answer.get("ok"):
                advice = "Install the app again and copy its bot token."
                return Finding(what="slack", ok=False, seen=str(answer.get("error")), advice=advice)
            socket = slack.app_token.get_secret_value()
            opened, _ = await _ask(session, "apps.connections.open", socket) if socket else ({"ok": True}, "")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Finding(what="slack", ok=False, seen=f"no answer: {error}", advice="Check the network.")
    if not opened.get("ok"):
        seen = f"the app-level token (`app_token`): {opened.get('error')}"
        advice = "Generate one with the scope `connections:write`, and switch Socket Mode on."
        return Finding(what="slack", ok=False, seen=seen, advice=advice)
    return _granted(f"{answer.get('team')} as {answer.get('user')}", scopes)


def _granted(seen: str, scopes: str | None) -> Finding:
    granted = SLACK_SCOPES if scopes is None else {scope.strip() for scope in scopes.split(",")}
    missing = SLACK_SCOPES - granted
    if not missing:
        return Finding(what="slack", ok=True, seen=seen)
    return Finding(
        what="slack",
        ok=False,
        needed=missing != {"files:read"},  # all but files that people attach works without
        seen=f"the bot token lacks {', '.join(sorted(missing))}",
        advice="Reinstall the app from manifest.yml, and use the bot token that it shows then.",
    )


async def _ask(session: aiohttp.ClientSession, method: str, token: str) -> tuple[dict[str, Any], str | None]:
    """What Slack answers, and the scopes of the token where it says them."""
    async with session.post(method, headers={"Authorization": f"Bearer {token}"}) as response:
        return await response.json(), response.headers.get("x-oauth-scopes")
