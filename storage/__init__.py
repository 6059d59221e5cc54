"""What lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from executor.ports import Clock, StoreFault
from executor.queueing import QueueRules
from executor.wakeups import Wakeups
from storage.sqlite.agents import AgentWords
from storage.sqlite.api import ApiRecords
from storage.sqlite.backup import back_up
from storage.sqlite.check import check_database
from storage.sqlite.comments import Comments
from storage.sqlite.database import Database, open_database
from storage.sqlite.drafts import Drafts
from storage.sqlite.feedback import FeedbackBox
from storage.sqlite.hub import Hub
from storage.sqlite.logs import Logs
from storage.sqlite.mailbox import Mailbox
from storage.sqlite.messages import Messages
from storage.sqlite.outbox import Outbox
from storage.sqlite.preferences import PreferenceTable
from storage.sqlite.questions import Questions
from storage.sqlite.replies import Replies
from storage.sqlite.reports import Reports
from storage.sqlite.schedules import Schedules
from storage.sqlite.schema import NewerSchema
from storage.sqlite.search import Search
from storage.sqlite.store import SqliteStore
from storage.sqlite.tasks import Tasks
from storage.sqlite.threads import Threads
from storage.sqlite.worktrees import Worktrees

__all__ = ["NewerSchema", "Storage", "back_up", "check_database", "open_storage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Everything that is kept, by what it is for."""

    jobs: SqliteStore
    outbox: Outbox
    messages: Messages
    hub: Hub
    schedules: Schedules
    replies: Replies
    questions: Questions
    tasks: Tasks
    feedback: FeedbackBox
    comments: Comments
    reports: Reports
    logs: Logs
    preferences: PreferenceTable
    api: ApiRecords
    mailbox: Mailbox
    agents: AgentWords
    threads: Threads
    worktrees: Worktrees
    drafts: Drafts
    search: Search
    database: Database

    def outage(self) -> StoreFault | None:
        """What keeps new work from being taken in; None while all is well."""
        return self.database.outage()

    def let_go(self) -> None:
        """The bot stops: whatever cannot be written is tried once more, and who waits for it is cancelled."""
        self.database.let_go()


@asynccontextmanager
async def open_storage(
    path: Path,
    wakeups: Wakeups,
    clock: Clock | None = None,
    rules: QueueRules | None = None,
    reserve: Path | None = None,
) -> AsyncIterator[Storage]:
    """Opens the database at `path` (made where it is missing) and brings its schema up to date.

    `reserve` is a file that holds room on the disk for the day on which it is full.

    Raises NewerSchema where a later release wrote it, StoreUnavailable where it cannot be written now, and
    sqlite3.DatabaseError, before anything is touched, where it is damaged.
    """
    async with open_database(path, reserve) as database:
        yield Storage(
            jobs=SqliteStore(database, wakeups, clock, rules),
            outbox=Outbox(database, wakeups),
            messages=Messages(database, wakeups, clock),
            hub=Hub(database, clock),
            schedules=Schedules(database, wakeups),
            replies=Replies(database, wakeups, clock),
            questions=Questions(database, wakeups, clock),
            tasks=Tasks(database, clock),
            feedback=FeedbackBox(database, clock),
            comments=Comments(database, clock),
            reports=Reports(database, clock),
            logs=Logs(database, clock),
            preferences=PreferenceTable(database, wakeups, clock),
            api=ApiRecords(database, clock),
            agents=AgentWords(database, wakeups, clock),
            mailbox=Mailbox(database, wakeups, clock),
            threads=Threads(database),
            worktrees=Worktrees(database, wakeups, clock),
            drafts=Drafts(database, clock),
            search=Search(database),
            database=database,
        )
