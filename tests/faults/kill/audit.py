"""What must hold once all is settled, however often the bot was killed: nothing lost, doubled, left over."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bot.desk.commands import BY_VERB
from bot.news.transcript import Transcript
from bot.platforms.slack.platform import SlackPlatform
from bot.platforms.web import WebPlatform
from executor.events import Body, CancelAsked, Moved, QuestionAsked, TextWritten, UpdatePosted, decode
from executor.files import all_of
from executor.lifecycle import Transition
from executor.model import JobStatus
from tests.faults.kill.theatre import Theatre, acked
from tests.fsck import check
from tests.simulators.slack.socket_mode import Delivery

_SEEN = "SELECT key, content, metadata FROM messages"
# Files are named by the beginning of an id, which two of some hundred jobs have in common now and then.
_REPORTS = "SELECT count(report_slug) FROM jobs WHERE substr(id, 1, 6) = :short AND platform = :platform"


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the kills of a test came to. The lists hold sentences, and should be empty."""

    name: str
    kills: int = 0
    jobs: int = 0
    losses: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.kills} kills, {self.jobs} jobs, {len(self.losses)} losses, "
            f"{len(self.doubles)} doubles, {len(self.leftovers)} leftovers"
        )

    @property
    def faults(self) -> list[str]:
        return [*self.losses, *self.doubles, *self.leftovers]

    def count(self, what: str, number: int, wanted: int = 1) -> None:
        """Takes note where something is there less or more often than it should."""
        if number < wanted:
            self.losses.append(f"{what}: {number} of {wanted}")
        elif number > wanted:
            self.doubles.append(f"{what}: {number} instead of {wanted}")


async def audit(theatre: Theatre, tally: Tally) -> None:
    """Looks at all there is, once it is settled, and adds to `tally` what is wrong with it."""
    check(theatre.database)
    with closing(sqlite3.connect(f"file:{theatre.database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        jobs = connection.execute("SELECT * FROM jobs").fetchall()
        _asks(theatre, connection, tally)
        _tasks(theatre, connection, tally)
        _told(theatre, connection, tally)
        for platform, stands in (("slack", _on_slack(theatre)), ("web", _on_the_page(theatre, connection))):
            for job in jobs:
                if job["platform"] == platform:
                    _job(connection, job, stands, tally)
    tally.jobs = len(jobs)
    met = theatre.agents_home / "met"
    tally.doubles += [
        f"two agents at once on {name}" for name in (met.read_text().split() if met.exists() else ())
    ]
    tally.leftovers += await theatre.left_over()


def _asks(theatre: Theatre, connection: sqlite3.Connection, tally: Tally) -> None:
    """Whatever asked for a job made one, and one alone, or its asker still has to answer."""
    for delivery in theatre.slack.deliveries:
        key = _asked_for(delivery)
        if key and acked(delivery):
            made = connection.execute(
                "SELECT (SELECT count(*) FROM jobs WHERE dedupe_key = :key) + "
                "(SELECT count(*) FROM schedules WHERE dedupe_key = :key) + "
                "(SELECT count(*) FROM replies WHERE delivery = :key AND taken_by = job_id) + "
                "(SELECT count(*) FROM drafts WHERE delivery = :key AND NOT EXISTS "
                "(SELECT 1 FROM jobs WHERE dedupe_key = :key))",
                {"key": key},
            )
            tally.count(f"made by {key}", made.fetchone()[0])


def _tasks(theatre: Theatre, connection: sqlite3.Connection, tally: Tally) -> None:
    """A task that was answered for is there, and not as it was before."""
    kept = dict(connection.execute("SELECT id, status FROM tasks").fetchall())
    for task_id, status in theatre.tasks.items():
        tally.count(f"task {task_id}", int(kept.get(task_id) in (status, "ready")))


def _told(theatre: Theatre, connection: sqlite3.Connection, tally: Tally) -> None:
    """What an agent was answered for is there: its update once, its report at least once."""
    notes = theatre.agents_home / "told"
    for note in set(notes.read_text().splitlines() if notes.exists() else ()):
        tool, word = note.split()
        match tool:
            case "post_update":
                query = "SELECT count(*) FROM events WHERE kind = 'update_posted' AND body LIKE ?"
                tally.count(note, connection.execute(query, (f'%of {word}"%',)).fetchone()[0])
            case "publish_report":
                query = "SELECT count(*) > 0 FROM reports WHERE title = ?"
                tally.count(note, connection.execute(query, (f"All about {word}",)).fetchone()[0])


def _asked_for(delivery: Delivery) -> str:
    """The name of a delivery that asks for a job or a schedule; empty for others."""
    payload = delivery.payload
    match delivery.kind, delivery.event_type:
        case "slash_commands", _:
            command = BY_VERB.get(payload["text"].partition(" ")[0])
            return f"slack:command:{payload['trigger_id']}" if command and command.job_type else ""
        case "events_api", "app_mention":
            return f"slack:event:{payload['event']['client_msg_id']}"
        case "interactive", "view_submission":
            return f"slack:view:{payload['view']['id']}:{payload['view']['hash']}"
        case "interactive", "block_actions":
            action, container = payload["actions"][0], payload["container"]
            if action["text"]["text"] not in ("Resume", "Retry"):
                return ""
            at = f"{container['message_ts']}:{action['action_ts']}"
            return f"slack:action:{at}:{payload['user']['id']}:{action['action_id']}"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stands:
    """What people see: how often each message and file is there, what is deleted, what the rest says."""

    number: Counter[str]
    deleted: frozenset[str]
    says: Mapping[str, str]
    page_chars: int
    received: Path


def _on_slack(theatre: Theatre) -> _Stands:
    number: Counter[str] = Counter()
    says: dict[str, str] = {}
    messages = theatre.dev.all_messages | theatre.den.all_messages
    for message in messages.values():
        head = messages[message.thread_ts] if message.thread_ts else message
        if message.deleted or head.deleted:  # what stood below it is said again where it can be found
            continue
        if message.metadata:
            key = str(message.metadata["event_payload"]["key"])
            number[key] += 1
            says[key] = message.plain
        number.update(file.name for file in message.files)
    deleted = frozenset(
        str(message.metadata["event_payload"]["key"])
        for message in messages.values()
        if message.deleted and message.metadata
    )
    return _Stands(
        number=number,
        deleted=deleted,
        says=says,
        page_chars=SlackPlatform.caps.page_chars,
        received=theatre.data / "received",
    )


def _on_the_page(theatre: Theatre, connection: sqlite3.Connection) -> _Stands:
    number: Counter[str] = Counter(path.name for path in (theatre.data / "files").glob("*/*"))
    says: dict[str, str] = {}
    for row in connection.execute(_SEEN):
        if "file" not in json.loads(row["metadata"]) and row["key"]:
            key = row["key"].partition(":")[2]
            number[key] += 1
            says[key] = row["content"]
    return _Stands(
        number=number,
        deleted=frozenset(),
        says=says,
        page_chars=WebPlatform.caps.page_chars,
        received=theatre.data / "received",
    )


def _job(connection: sqlite3.Connection, job: sqlite3.Row, stands: _Stands, tally: Tally) -> None:
    rows = connection.execute("SELECT * FROM events WHERE job_id = ? ORDER BY seq", (job["id"],))
    log = [(row["seq"], decode(row["kind"], json.loads(row["body"]))) for row in rows]
    moves = [body for _, body in log if isinstance(body, Moved)]
    name, final = f"job {job['id'][:6]} ({job['status']})", JobStatus(job["status"]).final
    tally.count(f"end of {name}", sum(move.status.final for move in moves), int(final))
    card = f"{job['id']}:card"
    # That a card was deleted is found out when there is something new to say in it.
    wanted = 1 if final or card not in stands.deleted else min(1, stands.number[card])
    tally.count(f"card of {name}", stands.number[card], wanted)
    for _, body in log:
        if isinstance(body, UpdatePosted):
            key = f"{job['id']}:update:{body.number}"
            tally.count(f"update {body.number} of {name}", stands.number[key], int(final))
        if isinstance(body, QuestionAsked):
            key = f"{job['id']}:question:{body.number}"
            tally.count(f"question {body.number} of {name}", stands.number[key], int(final))
    tally.count(f"last word of {name}", stands.number[f"{job['id']}:result"], int(final))
    _files(stands, job, name, tally)
    reports = connection.execute(_REPORTS, {"short": job["id"][:6], "platform": job["platform"]})
    tally.count(f"report of {name}", stands.number[f"report-{job['id'][:6]}.html"], reports.fetchone()[0])
    tally.losses += [f"{name}: {fault}" for fault in _said(job, log, stands, final)]
    tally.losses += [f"{name}: {fault}" for fault in _cancelled(log)]
    if final:
        _pages(name, job, log, stands, tally)


def _files(stands: _Stands, job: sqlite3.Row, name: str, tally: Tally) -> None:
    """What came with the job is there, and what its agent made of that came back once."""
    payload = json.loads(job["payload"])
    for file in all_of(payload):
        path = stands.received / file.parcel / file.name
        if not path.exists() or path.stat().st_size != file.size:
            tally.losses.append(f"{name} lacks {path}")
    if "leave" in payload["prompt"]:
        left = f"file-{payload['prompt'].rpartition(' ')[2]}-{job['id'][:6]}.txt"
        tally.count(f"{left} of {name}", stands.number[left], int(job["status"] == JobStatus.DONE))


def _said(job: sqlite3.Row, log: list[tuple[int, Body]], stands: _Stands, final: bool) -> Iterator[str]:
    card = stands.says.get(f"{job['id']}:card", "")
    if final and f"{job['id'][:6]} · {job['status']}" not in card:
        yield f"its card says {card.partition(chr(10))[0]!r}"


def _cancelled(log: list[tuple[int, Body]]) -> Iterator[str]:
    """A job that somebody wants stopped is not started again."""
    asked = False
    for _, body in log:
        asked |= isinstance(body, CancelAsked)
        if asked and isinstance(body, Moved) and body.transition is Transition.START:
            yield "it was started again after its cancel"


def _pages(name: str, job: sqlite3.Row, log: list[tuple[int, Body]], stands: _Stands, tally: Tally) -> None:
    """The pages show the log, all of it and nothing twice; what they leave out is in the file."""
    transcript = Transcript(stands.page_chars)
    for seq, body in log:
        transcript.add(seq, body)
    number = 0
    while key := f"{job['id']}:page:{number}":
        if stands.number[key] == 0:
            break
        tally.count(f"page {number} of {name}", stands.number[key])
        if number >= len(transcript.pages) or _bare(transcript.pages[number].text) != _bare(stands.says[key]):
            tally.losses.append(f"page {number} of {name} shows {stands.says[key][-200:]!r}")
        number += 1
    left_out = transcript.truncated or number < len(transcript.pages)
    tally.count(f"whole output of {name}", stands.number[f"output-{job['id'][:6]}.md"], int(left_out))
    shown = "".join(stands.says[f"{job['id']}:page:{each}"] for each in range(number))
    for _, body in log if not left_out else ():
        if isinstance(body, TextWritten) and _bare(body.text.splitlines()[0]) not in _bare(shown):
            tally.losses.append(f"{name} lacks {body.text[:80]!r}")


def _bare(text: str) -> str:
    return "".join(text.split())
