"""What continues a job may do so on other terms, but not with another provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor.model import TIMEOUT
from tests.unit.office import Office, an_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


async def ended(office: Office, options: str) -> str:
    """A job of Claude's that has ended; its id."""
    asked = await office.type(f"research how? --model sonnet {options}")
    assert asked.job is not None, asked.text
    await office.finish(asked.job)
    return asked.job.short_id


@pytest.mark.parametrize("verb", ["resume", "retry"])
async def test_what_is_not_said_stays_as_it_was(office: Office, verb: str) -> None:
    before = await ended(office, "--timeout 20m --priority high --effort low")
    job = (await office.type(f"{verb} {before}")).job
    assert job is not None
    assert (job.provider, job.model, job.effort, job.priority) == ("claude", "sonnet", "low", 2)
    assert job.payload[TIMEOUT] == "1200"


@pytest.mark.parametrize("verb", ["resume", "retry"])
async def test_a_job_is_continued_on_other_terms(office: Office, verb: str) -> None:
    before = await ended(office, "--timeout 20m")
    job = (await office.type(f"{verb} {before} --timeout 1h --priority low --model opus --effort high")).job
    assert job is not None
    assert (job.provider, job.model, job.effort, job.priority) == ("claude", "opus", "high", 0)
    assert job.payload[TIMEOUT] == "3600"


@pytest.mark.parametrize("verb", ["resume", "retry"])
async def test_the_own_provider_may_be_named_and_the_model_stays(office: Office, verb: str) -> None:
    before = await ended(office, "")
    job = (await office.type(f"{verb} {before} --provider claude")).job
    assert job is not None and (job.provider, job.model) == ("claude", "sonnet")


@pytest.mark.parametrize("verb", ["resume", "retry"])
@pytest.mark.parametrize("option", ["provider", "model"])
async def test_another_provider_cannot_go_on_with_a_session(office: Office, verb: str, option: str) -> None:
    job_id = await ended(office, "")
    before = office.rows()
    answer = await office.type(f"{verb} {job_id} --{option} rehearsal")
    assert await office.refused(answer, before) == (
        f"Job `{job_id}` was done by claude, and a session belongs to its provider: "
        f"rehearsal cannot go on with it. Ask rehearsal afresh: `/job research … --{option} rehearsal`."
    )
    assert answer.field == option


@pytest.mark.parametrize(
    ("options", "field", "says"),
    [
        ("--timeout -1", "timeout", "`-1` is no span of time"),
        ("--timeout 2d", "timeout", "a day at most"),
        ("--priority urgent", "priority", "There is no priority `urgent`"),
        ("--model sonet", "model", "Did you mean `sonnet`?"),
        ("--effort highest", "effort", "There is no effort `highest`"),
    ],
)
async def test_terms_that_there_are_none_of_are_refused(
    office: Office, options: str, field: str, says: str
) -> None:
    job_id = await ended(office, "")
    before = office.rows()
    answer = await office.type(f"retry {job_id} {options}")
    assert says in await office.refused(answer, before)
    assert answer.field == field


async def test_a_job_that_waits_for_a_limit_takes_no_other_terms(office: Office) -> None:
    job = await office.limited()
    before = office.rows()
    answer = await office.type(f"resume {job.short_id} --timeout 1h")
    assert "takes no new words or options until it has ended" in await office.refused(answer, before)
