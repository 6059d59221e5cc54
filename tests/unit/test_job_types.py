"""Types of job: what each takes, and what its agent is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.autopilot import BUDGET, FAILURE, PROGRAM
from executor.job_types import JOB_TYPES
from executor.job_types.base import BadPayload
from executor.job_types.clara import headline
from executor.job_types.templates import BadTemplate, Templates, check, names, own
from tests.unit.prompt_cases import CASES, KEPT, a_job, told


@pytest.mark.parametrize("case", CASES)
def test_the_agent_is_told_what_was_read_and_approved(case: str) -> None:
    """`python -m tests.unit.prompt_cases` writes them anew after a change that is meant."""
    assert told(case) == KEPT.joinpath(f"{case}.txt").read_text(encoding="utf-8")


def test_no_prompt_is_kept_that_nobody_is_told() -> None:
    assert {path.stem for path in KEPT.iterdir()} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_what_a_person_says_is_never_read_as_a_template(case: str) -> None:
    job = CASES[case]
    if "$cache" in job.prompt and case != "interrupted":
        assert "How does the $cache evict?" in told(case)
    assert "$" not in told(case).replace("$cache", "").replace("$fast", "")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "workspace"
    (place / "plans").mkdir(parents=True)
    (place / "plans" / "release.md").write_text("- One\n- Two\n")
    (place / "plans" / "ticked.md").write_text("- [x] One\n")
    (place / "plans" / "empty.md").write_text("\n")
    (place / "plans" / "long.md").write_text("x" * 65_000)
    (tmp_path / "secret.md").write_text("- the secret\n")
    (place / "plans" / "link.md").symlink_to(tmp_path / "secret.md")
    (place / "away").symlink_to(tmp_path)
    return place


def payload(workspace: Path, job_type: str, prompt: str, **args: str) -> dict[str, str]:
    return dict(JOB_TYPES[job_type].read({"prompt": prompt, **args}, workspace))


def test_each_type_keeps_what_it_needs(workspace: Path) -> None:
    steps = "- One\n- Two\n"
    taken = [
        (payload(workspace, "session", "x"), {"prompt": "x"}),
        (payload(workspace, "research", "x"), {"prompt": "x", "depth": "standard"}),
        (payload(workspace, "research", "x", depth="deep"), {"prompt": "x", "depth": "deep"}),
        (payload(workspace, "clara", ""), {"prompt": "sweep", "mode": "sweep"}),
        (payload(workspace, "clara", " Focus on dev "), {"prompt": "Focus on dev", "mode": "focus"}),
        (payload(workspace, "workflow", "/commit all "), {"prompt": "/commit all"}),
        (payload(workspace, "workflow", "do it"), {"prompt": "do it"}),
        (
            payload(workspace, "workflow", "plans/release.md"),
            {"prompt": "plans/release.md", PROGRAM: steps},
        ),
        (
            payload(workspace, "autopilot", "plans/release.md", budget="2.5", failure="go-on"),
            {"prompt": "plans/release.md", PROGRAM: steps, FAILURE: "go-on", BUDGET: "2.50"},
        ),
        (payload(workspace, "autopilot", "x"), {"prompt": "x", PROGRAM: "x", FAILURE: "stop"}),
    ]
    for found, wanted in taken:
        assert found == wanted


@pytest.mark.parametrize(
    ("job_type", "prompt", "args", "says", "field"),
    [
        ("research", "x", {"depth": "deeper"}, "There is no depth `deeper`. There are: `standard`", "depth"),
        ("clara", "swep", {}, "Clara has no mode `swep`. Did you mean `sweep`? There are: `sweep`", "prompt"),
        ("clara", "a`b\nc", {}, "Clara has no mode `a b`", "prompt"),
        ("workflow", "plans/gone.md", {}, "There is no file `plans/gone.md` in the workspace.", "prompt"),
        ("autopilot", "plans/link.md", {}, "There is no file `plans/link.md`", "prompt"),
        ("autopilot", "away/secret.md", {}, "There is no file `away/secret.md`", "prompt"),
        ("autopilot", "plans/../plans/release.md", {}, "There is no file", "prompt"),
        ("autopilot", "plans", {}, None, ""),
        ("autopilot", "plans/empty.md", {}, "`plans/empty.md` is empty", "prompt"),
        ("autopilot", "plans/long.md", {}, "is too long for a program: at most 64,000 bytes", "prompt"),
        ("autopilot", "plans/ticked.md", {}, "Every step of this program is ticked off", "prompt"),
        ("autopilot", "- x\n" * 101, {}, "The program has 101 steps; at most 100 are taken.", "prompt"),
        ("autopilot", "x", {"budget": "0"}, "`0` is no sum of US dollars, such as `5`", "budget"),
        ("autopilot", "x", {"budget": "-3"}, "`-3` is no sum", "budget"),
        ("autopilot", "x", {"budget": "1e9"}, "`1e9` is no sum", "budget"),
        ("autopilot", "x", {"budget": "20000"}, "`20000` is no sum", "budget"),
        ("autopilot", "x", {"budget": "nan"}, "`nan` is no sum", "budget"),
        ("autopilot", "x", {"failure": "retry"}, "A failed step cannot mean `retry`.", "failure"),
    ],
)
def test_what_a_type_does_not_do_is_answered_in_words(
    workspace: Path, job_type: str, prompt: str, args: dict[str, str], says: str | None, field: str
) -> None:
    if says is None:
        assert payload(workspace, job_type, prompt, **args)
        return
    with pytest.raises(BadPayload) as caught:
        payload(workspace, job_type, prompt, **args)
    assert says in str(caught.value)
    assert caught.value.field == field


def test_a_program_is_what_it_was_when_it_was_asked_for(workspace: Path) -> None:
    job = a_job("autopilot", payload(workspace, "autopilot", "plans/release.md"))
    (workspace / "plans" / "release.md").write_text("- Something else\n")
    assert [step.name for step in JOB_TYPES["autopilot"].steps(job)] == ["One", "Two"]


def test_a_command_of_the_workspace_is_given_to_the_cli_as_it_is(workspace: Path) -> None:
    commands = workspace / ".claude" / "commands"
    commands.mkdir(parents=True)
    (commands / "commit.md").write_text("Commit $ARGUMENTS.\n")
    job = a_job("workflow", {"prompt": "/commit all of it"})
    told = JOB_TYPES["workflow"].prompt(job, Path("/results"), Path("/received"), workspace)
    assert told == "/commit all of it"
    assert JOB_TYPES["workflow"].offers(workspace, ["claude", "gemini"]) == ["/commit"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("Clara: sweep: 3 items processed, 1 task created\n\nMore.", "3 items processed, 1 task created"),
        ("**Clara: sweep: 1 item processed**", "1 item processed"),
        ("Here is what I did.\n\n`Clara: sweep: none`\n", "none"),
        ("All done.", None),
    ],
)
def test_what_clara_announces_is_found_in_her_answer(answer: str, said: str | None) -> None:
    assert headline(answer) == (f"Clara: sweep: {said}" if said else "")


def test_a_workspace_may_have_words_of_its_own() -> None:
    templates = Templates(others={"session": "Be brief. $prompt", "clara_tools": "Use the board."})
    job = a_job("session", {"prompt": "Tidy $up."})
    place = Path("/r")
    told = JOB_TYPES["session"].prompt(job, place, place, templates=templates)
    assert told == "Be brief. Tidy $up."
    clara = JOB_TYPES["clara"].prompt(CASES["clara-sweep"], place, place, templates=templates)
    assert "Use the board." in clara and "bifrost task" not in clara


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("sesion", "$prompt", "there is no prompt `sesion.md`. Did you mean `session.md`?"),
        ("session", " \n", "it is empty"),
        ("session", "It costs $5. $prompt", "write `$$` for a dollar sign"),
        ("session", "$prompt by $nobody", "nothing is known as `$nobody` there. There are: `$prompt`"),
        ("session", "Do what you like.", "it never says `$prompt`"),
    ],
)
def test_words_that_cannot_stand_in_for_ours_are_refused(name: str, text: str, says: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        check(name, text)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", names())
def test_our_own_words_could_stand_in_for_themselves(name: str) -> None:
    check(name, own(name))
