"""What the HTTP API says of itself is true: judged from outside, by its own description."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.scenarios.test_jobs_api import serving

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 6
"""Of what each endpoint says that it takes, and as many of what it does not."""


@pytest.mark.timeout(180)
async def test_whatever_is_asked_the_answer_is_one_that_is_described(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        made = await service.call("POST", "/jobs", {"type": "session", "prompt": "x"}, 201)
        await service.ended(made["id"])
        described = await service.call("GET", "/openapi.json")
        operations = list(schemathesis.openapi.from_dict(described).get_all_operations())
        assert len(operations) > 20
        for operation in operations:
            token = await service.token("admin")  # each has a pace of its own
            url = service.bifrost.server.url
            assert isinstance(operation, Ok), operation
            await asyncio.to_thread(_judge, operation.ok(), url, token, made["id"])


def _judge(operation: APIOperation[Any, Any, Any, Any], url: str, token: str, job_id: str) -> None:
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def judge(case: Case[Any]) -> None:
            if "id" in (case.path_parameters or {}):
                case.path_parameters["id"] = job_id
            case.call_and_validate(base_url=url, headers={"Authorization": token}, checks=CHECKS, timeout=10)

        judge()
