"""People send files with what they ask for, agents read them, and what they leave for people comes back."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from executor.model import JobStatus
from tests.stage import set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PICTURE = b"".join(
    (
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)),
        _chunk(b"IDAT", zlib.compress(b"\x00" * (8 * 3 + 1) * 8)),
        _chunk(b"IEND", b""),
    )
)


@pytest.mark.parametrize("provider", ["claude", "gemini"])
async def test_an_image_goes_to_the_agent_and_what_it_makes_of_it_comes_back(
    tmp_path: Path, provider: str
) -> None:
    async with set_stage(tmp_path, provider=provider) as stage:
        picture = stage.slack.file("Screen shot\u202e.png", PICTURE)
        said = await stage.ann.mention(stage.dev, "session what is this? [[attached]]", files=[picture])
        await stage.slack.until(lambda: said.reactions, what="the eyes")
        job = await stage.ended()
        assert job.status is JobStatus.DONE
        assert "[image]" in job.result or provider == "gemini", job.result
        assert "outside" not in job.result and "within one of the workspace" not in job.result
        card = stage.slack.messages(stage.dev)[-1]
        assert "files: 1" in card.plain
        (back,) = [file for reply in card.thread for file in reply.files]
        assert (back.name, back.content) == (f"file-seen-{job.short_id}.png", PICTURE)


async def test_a_reply_brings_a_file_to_the_same_conversation(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", "session remember 7 [[hello]]", channel=stage.dev)
        first = await stage.ended()
        picture = stage.slack.file("chart.png", PICTURE)
        words = "and what is this? [[attached]]"
        await stage.ann.mention(stage.dev, words, thread=stage.card(), files=[picture])
        thread = stage.card()
        await stage.slack.until(
            lambda: any("files: 1" in each.plain for each in thread.thread), what="its card"
        )
        second = await stage.ended()
        assert (second.parent_job_id, second.session_id) == (first.id, first.session_id)
        assert "[image]" in second.result


async def test_a_file_that_cannot_be_had_starts_nothing_and_is_spoken_of(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        stage.slack.scopes.discard("files:read")
        picture = stage.slack.file("chart.png", PICTURE)
        said = await stage.ann.mention(stage.dev, "session what is this?", files=[picture])
        told = await stage.slack.until(lambda: stage.ann.ephemerals, what="the refusal")
        assert "chart.png` cannot be taken: Slack shows me its login page" in told[-1].plain
        assert not said.reactions and not await stage.house.storage.jobs.jobs()
        assert not list((tmp_path / "data" / "received").iterdir())
