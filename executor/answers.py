"""What was decided of an agent's questions while it could not be told, in words for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from executor.job_types.templates import Templates
from executor.questions import Question, QuestionState


def told(questions: Sequence[Question], templates: Templates) -> str:
    """What to say below the prompt of the next attempt; empty where nothing was decided meanwhile."""
    decided = [each for each in questions if each.state is QuestionState.DECIDED and each.attempt is None]
    if not decided:
        return ""
    listed = "\n\n".join(map(_answered, decided))
    return f"\n\n{templates.fill('answered', {'answers': listed})}"


def _answered(question: Question) -> str:
    decision = question.decision
    assert decision is not None  # noqa: S101 - the store keeps no decided question without one
    said = f"- {question.asked.text}\n  {decision.by}: {decision.said}"
    if not question.asked.detail:
        return said
    shown = question.asked.detail.replace("\n", "\n      ")
    return f"{said}\n\n      {shown}"
