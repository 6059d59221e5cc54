"""The environment of an agent: built from a list of what may pass, never from what the bot has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path

from executor.agent_tools import shelf
from executor.backends.base import Launch
from executor.limits import zone_named

# An agent's shell sees every variable of its CLI, so nothing passes that is not named here: the bot's own
# tokens, and the keys of other providers, must not be in reach of a prompt.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_ROUTES = (*_PROXIES, *(name.lower() for name in _PROXIES))  # programs differ in which of the two they read
_PASSED = frozenset(
    {
        "PATH",
        "LANG",
        "LANGUAGE",
        "TERM",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        *_ROUTES,
    }
)
# TZ decides the zone that a CLI names in "resets 9pm": it must be a known one.
_DEFAULTS = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}


def passed_on(ours: Mapping[str, str]) -> dict[str, str]:
    """What of the bot's environment an agent may see."""
    allowed = {name: value for name, value in ours.items() if value and _may_pass(name, value)}
    return {**_DEFAULTS, **allowed}


def _may_pass(name: str, value: str) -> bool:
    if name == "TZ":
        return zone_named(value) is not None
    return name in _PASSED or name.startswith("LC_")


def agent_zone(own: Mapping[str, str], ours: Mapping[str, str] = os.environ) -> tzinfo:
    """The zone of the times that an agent names without one; `own` is what its backend adds."""
    return zone_named({**passed_on(ours), **own}["TZ"]) or UTC


def agent_environment(
    launch: Launch, own: Mapping[str, str], ours: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The whole environment of an attempt. `own` is what its backend adds: key, endpoint, switches."""
    env = {
        **passed_on(ours),
        **own,
        **homes(launch.home, launch.temp),
        "BIFROST_RESULTS": str(launch.results),
    }
    if launch.tools is not None:
        env |= {**launch.tools.env, "PATH": f"{shelf(launch.temp)}{os.pathsep}{env['PATH']}"}
    return env


def routes(environment: Mapping[str, str], *endpoints: str) -> dict[str, str]:
    """What says where an agent's requests go, key and all: as it is set, and empty where it is not.

    CLIs take what is missing of it from files in the repository that they work in.
    """
    proxy = {name.upper(): value for name, value in environment.items() if name in _ROUTES and value}
    proxies = {name: environment.get(name) or proxy.get(name.upper(), "") for name in _ROUTES}
    return {**proxies, **{name: environment.get(name, "") for name in endpoints}}


def homes(home: Path, temp: Path) -> dict[str, str]:
    """Where a process finds its home and puts what it does not keep."""
    return {"HOME": str(home), "TMPDIR": str(temp)}
