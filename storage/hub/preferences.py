"""Preferences: which keys there are, and when the limits lift, which are among them."""

from __future__ import annotations

from collections.abc import Mapping

Preferences = Mapping[str, str]
"""Values by key."""

QUOTA_RESET_TIME = "quotaResetTime"
"""The latest moment at which a provider's limit lifts; `quotaResetTime.claude` is that of one provider.

These are not kept twice: they are read from the limits that claims go by, and writing one writes that.
"""
DEFAULT_PROVIDER = "defaultProvider"
MODEL_OF = "model."
"""Before the name of a job type: the model that its jobs get by default."""
DEFAULT_WORKSPACE = "defaultWorkspace"
WORKSPACE_OF = "workspace."
"""Before the name of a platform, a dot and a channel: the workspace of jobs there that name none."""
EFFORT = "effort"
ZONE = "zone"


def limited_provider(key: str) -> str | None:
    """The provider whose limit a key is about: empty for the default one; None where it is about none."""
    name, _, provider = key.partition(".")
    return provider if name == QUOTA_RESET_TIME else None
