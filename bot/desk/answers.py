"""Answers to what agents ask: from a button, a form or words to a decision that counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.desk.asks import CHOICES, QUESTION, SAYS, Answer, Ask, Refusal
from bot.desk.prompts import problem_of
from bot.news.questions import how_to, said, stands
from bot.news.words import excerpt
from bot.platforms.base import ALWAYS, APPROVE, DENY, FORMS
from executor.model import Job, JobStatus
from executor.ports import Clock
from executor.questions import Decision, Question, QuestionKind, QuestionState, Verdict
from storage import Storage

_NUMBERS = re.compile(r"\d{1,2}(?:\s*,\s*\d{1,2})*")
"""What is typed to pick choices; longer numbers are an answer in words."""
_VERDICTS = {APPROVE: Verdict.APPROVE, ALWAYS: Verdict.ALWAYS, DENY: Verdict.DENY}
_TWICE = timedelta(minutes=10)
"""How long a reply that says the same may be the same one, of which a platform had no acknowledgement."""
_GIST = 80


class Answers:
    """The part of the desk that takes decisions. Every method may raise Refusal."""

    def __init__(self, storage: Storage, clock: Clock, prompt_limit: int) -> None:
        self._clock = clock
        self._questions = storage.questions
        self._prompt_limit = prompt_limit

    async def answer(self, ask: Ask, job: Job) -> Answer:
        """Decides a question of the job; where a form is asked for, says what that is to be about."""
        question = await self._meant(ask, job)
        if ask.args.get(SAYS) in FORMS:
            return Answer(ok=True, text="", job=job, form=question)
        decision = decision_of(question, ask.args, _name(ask))
        if decision.text and (problem := problem_of(decision.text, self._prompt_limit)):
            raise Refusal(problem, "prompt")
        decided = await self._questions.decide(question.id, decision)
        if decided is None:
            raise Refusal(closed(await self._questions.question(question.id) or question, job))
        return Answer(ok=True, text=_taken(decided, job), job=job)

    async def reply(self, ask: Ask, job: Job) -> Answer | None:
        """Takes a reply in the thread for the answer where just one question waits for words; else None.

        Yes and no to what an agent wants to do are never read out of a reply.
        """
        if ask.files:
            return None
        of_job = await self._questions.of_job(job.id)
        choices = [each for each in of_job if each.asked.kind is QuestionKind.CHOICE]
        waiting = [each for each in choices if each.state is QuestionState.OPEN]
        if len(waiting) == 1:
            return await self.answer(replace(ask, args={**ask.args, QUESTION: str(waiting[0].number)}), job)
        same = next((each for each in choices if self._is_what_was_said(each, ask)), None)
        return Answer(ok=True, text=closed(same, job), job=job) if same is not None else None

    def _is_what_was_said(self, question: Question, ask: Ask) -> bool:
        """Whether this is the answer that has decided it, delivered once more."""
        if question.decided_at is None or self._clock.now() - question.decided_at > _TWICE:
            return False
        try:
            return decision_of(question, ask.args, _name(ask)) == question.decision
        except Refusal:
            return False

    async def _open(self, job: Job) -> Sequence[Question]:
        of_job = await self._questions.of_job(job.id)
        return [each for each in of_job if each.state is QuestionState.OPEN]

    async def _meant(self, ask: Ask, job: Job) -> Question:
        """The open question that is to be answered."""
        named = ask.args.get(QUESTION, "").strip("# ")
        if named:
            of_job = await self._questions.of_job(job.id)
            found = [each for each in of_job if str(each.number) == named]
            if not found:
                raise Refusal(f"Job `{job.short_id}` has asked no question `{named[:20]}`.", QUESTION)
            if found[0].state is not QuestionState.OPEN:
                raise Refusal(closed(found[0], job))
            return found[0]
        waiting = await self._open(job)
        if not waiting:
            raise Refusal(
                f"Job `{job.short_id}` asks nothing just now. Reply in its thread to tell it something."
            )
        if len(waiting) > 1:
            raise Refusal(_several(waiting, job), QUESTION)
        return waiting[0]


def _name(ask: Ask) -> str:
    return ask.origin.actor.name or ask.origin.actor.user_id


def decision_of(question: Question, args: Mapping[str, str], by: str) -> Decision:
    """What is said, as a decision: `says` by a button or a form, else `prompt` as it was typed.

    Pure. Raises Refusal where it is no answer to this question.
    """
    says, words = args.get(SAYS, ""), args.get("prompt", "").strip()
    if question.asked.kind is QuestionKind.CHOICE:
        if says in _VERDICTS:
            raise Refusal(how_to(question), SAYS)
        picked = args.get(CHOICES, "") or (says if says.isdecimal() else "")
        return _chosen(question, picked, words, by, typed=not says)
    if not says:
        says, _, words = words.partition(" ")
    verdict = _VERDICTS.get(says.lower())
    if verdict is None or (words.strip() and verdict is not Verdict.DENY):
        raise Refusal(how_to(question), "prompt")
    if verdict is Verdict.ALWAYS and not question.asked.grant:
        raise Refusal(f"Question {question.number} can be approved just once: {how_to(question)}", "prompt")
    return Decision(verdict=verdict, by=by, text=words.strip())


def _chosen(question: Question, picked: str, words: str, by: str, *, typed: bool) -> Decision:
    labels = [choice.label for choice in question.asked.choices]
    if typed and labels and _NUMBERS.fullmatch(words):
        picked, words = words, ""
    elif typed and words.casefold() in (known := [label.casefold() for label in labels]):
        picked, words = str(known.index(words.casefold()) + 1), ""
    numbers = sorted({int(each) for each in picked.split(",") if each.strip().isdecimal()})
    if any(not 1 <= number <= len(labels) for number in numbers):
        raise Refusal(f"There is no such choice. {how_to(question)}", CHOICES)
    if len(numbers) > 1 and not question.asked.several:
        raise Refusal(f"Just one of them can be chosen. {how_to(question)}", CHOICES)
    if not numbers and not words:
        raise Refusal("Choose something, or say it in words.", CHOICES if labels else "prompt")
    choices = tuple(labels[number - 1] for number in numbers)
    return Decision(verdict=Verdict.ANSWER, by=by, choices=choices, text=words)


def closed(question: Question, job: Job) -> str:
    """Why a question cannot be answered any more."""
    name = f"Question {question.number} of job `{job.short_id}`"
    if question.state is QuestionState.EXPIRED:
        return (
            f"{name} was not answered in time, and is asked again as question {question.again}: "
            "answer that one, further below."
        )
    if question.state is QuestionState.DECIDED and question.decision is not None:
        words = said(question.decision)
        return f"{name} was {stands(question)} already{f': {excerpt(words, 300)}' if words else ''}."
    return f"{name} is not asked any more: the job has ended, or has gone another way."


def open_lines(questions: Sequence[Question]) -> list[str]:
    """What a job waits to be told, each with how it is answered; Markdown list lines."""
    waiting = [each for each in questions if each.state is QuestionState.OPEN]
    return [
        f"- question {each.number}: {_gist(each)}. {how_to(each)}"
        + (f" It is `--question {each.number}`." if len(waiting) > 1 else "")
        for each in waiting
    ]


def _several(waiting: Sequence[Question], job: Job) -> str:
    listed = "\n".join(f"- `--question {each.number}`: {_gist(each)}" for each in waiting)
    return f"Job `{job.short_id}` waits for {len(waiting)} answers. Say which one this is:\n{listed}"


def _gist(question: Question) -> str:
    return excerpt(question.asked.text, _GIST).replace("`", "'")


def _taken(question: Question, job: Job) -> str:
    decision, name = question.decision, f"job `{job.short_id}`"
    goes_on = "goes on" if job.status is JobStatus.RUNNING else "goes on as soon as it can"
    match decision.verdict if decision else None:
        case Verdict.APPROVE:
            return f"Approved: {name} {goes_on}."
        case Verdict.ALWAYS:
            grant = excerpt(question.asked.grant, 200)
            return f"Approved: {name} {goes_on}, and will not ask again to {grant}."
        case Verdict.DENY:
            more = "" if decision and decision.text else " Reply in its thread to tell it what to do instead."
            return f"Denied: {name} {goes_on} without that.{more}"
        case _:
            return f"Answered: {name} {goes_on} with “{excerpt(said(decision), 200) if decision else ''}”."
