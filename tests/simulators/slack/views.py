"""The views.* methods, and what an ack does to the modal it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from tests.simulators.slack.arguments import ApiError, Args, invalid
from tests.simulators.slack.blocks import view_problems
from tests.simulators.slack.conversations import direct_channel
from tests.simulators.slack.forms import state_values
from tests.simulators.slack.model import User, View
from tests.simulators.slack.reading import Json
from tests.simulators.slack.state import Workspace

_VIEW_BYTES = 250_000
TROUBLE = "We had some trouble connecting. Try again?"


def view_body(workspace: Workspace, view: View, values: Json | None = None) -> Json:
    """The view as answers and payloads show it."""
    given = {"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": False}
    body = given | {"notify_on_close": False, "close": None, "submit": None} | view.body
    return body | {
        "id": view.id,
        "team_id": workspace.team_id,
        "app_id": workspace.app_id,
        "bot_id": workspace.bot_id,
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "state": {"values": state_values(view.blocks, {}) if values is None else values},
    }


def _checked(workspace: Workspace, view: Any, kinds: tuple[str, ...]) -> Json:
    complaints = view_problems(view, kinds)
    if complaints:
        raise invalid("invalid_arguments", complaints)
    if len(json.dumps(view).encode()) > _VIEW_BYTES:
        raise ApiError("view_too_large")
    workspace.version("", view["blocks"])  # gives ids to what has none
    return dict(view)


def _new_hash() -> str:
    return uuid4().hex[:12]


def _new_view(workspace: Workspace, user: User, body: Json) -> View:
    external_id = body.get("external_id")
    if external_id and any(view.body.get("external_id") == external_id for view in user.views):
        raise ApiError("duplicate_external_id")
    view_id = workspace.new_id("V")
    view = View(id=view_id, user=user.id, body=body, hash=_new_hash(), names=workspace.names, root_id=view_id)
    workspace.views[view.id] = view
    return view


def _replace(workspace: Workspace, view: View, body: Json) -> None:
    view.body, view.hash, view.errors = body, _new_hash(), {}
    workspace.changes.notify()


def _push(workspace: Workspace, user: User, body: Json) -> View:
    view = _new_view(workspace, user, body)
    if user.views:
        view.root_id, view.previous_id = user.views[0].id, user.views[-1].id
    user.views.append(view)
    workspace.changes.notify()
    return view


def open_view(workspace: Workspace, args: Args) -> Json:
    """views.open: the trigger must be fresh and unused."""
    trigger = workspace.triggers.get(args.required("trigger_id"))
    if trigger is None:
        raise ApiError("invalid_trigger_id")
    if trigger.used:
        raise ApiError("exchanged_trigger_id")
    if workspace.clock() - trigger.at > workspace.rules.trigger_s:
        raise ApiError("expired_trigger_id")
    body = _checked(workspace, args.structure("view"), ("modal",))
    trigger.used = True
    return {"view": view_body(workspace, _push(workspace, workspace.users[trigger.user], body))}


def update_view(workspace: Workspace, args: Args) -> Json:
    """views.update, by id or external_id; a hash that is not current is a conflict."""
    wanted, external_id = args.text("view_id"), args.text("external_id")
    for view in workspace.views.values():
        named = bool(external_id) and view.body.get("external_id") == external_id
        if view.open and (view.id == wanted or named):
            _check_hash(view, args)
            _replace(workspace, view, _checked(workspace, args.structure("view"), ("modal", "home")))
            return {"view": view_body(workspace, view)}
    raise ApiError("not_found")


def _check_hash(view: View, args: Args) -> None:
    if "hash" in args and args.text("hash") != view.hash:
        raise ApiError("hash_conflict")


def publish_view(workspace: Workspace, args: Args) -> Json:
    """views.publish: a person's home tab."""
    user = workspace.users.get(args.required("user_id"))
    if user is None:
        raise invalid("invalid_arguments", ["unknown user [json-pointer:/user_id]"])
    body = _checked(workspace, args.structure("view"), ("home",))
    direct_channel(workspace, user)
    if user.home_view is None:
        user.home_view = _new_view(workspace, user, body)
        workspace.changes.notify()
    else:
        _check_hash(user.home_view, args)
        _replace(workspace, user.home_view, body)
    return {"view": view_body(workspace, user.home_view)}


def apply_submission(workspace: Workspace, view: View, payload: Any) -> dict[str, str] | None:
    """Do to a submitted modal what its ack says; the errors its person now sees, by block_id."""
    user = workspace.users[view.user]
    view.errors = {}
    match payload or {}:
        case {"response_action": "errors", "errors": dict(errors)}:
            known = {block.get("block_id") for block in view.blocks if block.get("type") == "input"}
            view.errors = dict(errors) if errors and set(errors) <= known else {"": TROUBLE}
        case {"response_action": "update", "view": body} if not view_problems(body, ("modal",)):
            _replace(workspace, view, _checked(workspace, body, ("modal",)))
        case {"response_action": "push", "view": body} if not view_problems(body, ("modal",)):
            _push(workspace, user, _checked(workspace, body, ("modal",)))
        case {"response_action": "clear"}:
            close_views(workspace, user, user.views[0])
        case {"response_action": _}:
            view.errors = {"": TROUBLE}
        case _:
            close_views(workspace, user, view)
    workspace.changes.notify()
    return view.errors or None


def close_views(workspace: Workspace, user: User, view: View) -> None:
    """Close a modal and all that were pushed on top of it."""
    if view not in user.views:
        return
    position = user.views.index(view)
    for closed in user.views[position:]:
        closed.open = False
    del user.views[position:]
    workspace.changes.notify()


METHODS: Mapping[str, Callable[[Workspace, Args], Json]] = {
    "views.open": open_view,
    "views.publish": publish_view,
    "views.update": update_view,
}
