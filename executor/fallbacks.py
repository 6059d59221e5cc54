"""Who does a fresh job instead, while its provider is at a usage limit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from executor.autopilot import BUDGET
from executor.catalog import TELLS_COST, Catalog
from executor.model import RESUMED_SESSION, Handover, Job, JobRequest
from executor.moments import span
from executor.workspaces import Workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallbacks:
    """What the workspaces say of that, and the models of the providers."""

    catalog: Catalog
    workspaces: Workspaces

    def instead_of(self, job: Job | JobRequest, limits: Mapping[str, datetime]) -> Handover | None:
        """Who takes over from the provider of `job`; None where nobody does.

        `limits` are those that hold now. What goes on with a session stays with that session's provider.
        """
        workspace = self.workspaces.named.get(job.workspace)
        provider = workspace.fallback if workspace else None
        if provider is None or provider == job.provider or provider in limits:
            return None
        if provider not in self.catalog.providers or RESUMED_SESSION in job.payload:
            return None
        if self.workspaces.objection(job.workspace, provider):
            return None
        if BUDGET in job.payload and provider not in TELLS_COST:
            return None
        return Handover(provider=provider, model=self.catalog.choose(job.type, provider, None).name)


def sentence(provider: str, wait: timedelta, handover: Handover) -> str:
    """For people, on whatever clocks: why somebody else does it. `wait` is how long the limit still held."""
    model = f" ({handover.model})" if handover.model != handover.provider else ""
    return (
        f"{provider} was at its usage limit, for another {span(wait)}; "
        f"{handover.provider}{model} does it instead."
    )
