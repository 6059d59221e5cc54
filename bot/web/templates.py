"""The templates, and what each of them may use."""

from __future__ import annotations

import uuid
from datetime import datetime

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot.desk.commands import FORM_PROMPTS
from bot.web import ansi
from bot.web.assets import Assets
from bot.web.markup import data_url, to_html, visible
from bot.web.pages.frame import TABS
from bot.web.pages.looks import FEEDBACK_TONES, TASK_TONES, moves_of
from bot.web.pages.messages import order, state_of
from bot.web.problems import Problem

_HEADERS = {"Referrer-Policy": "same-origin"}
"""Under no-referrer a browser posts a form with `Origin: null`, which the guard refuses."""


class Templates:
    """Renders what the browser gets."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=PackageLoader("bot.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalized,
        )
        self._environment.filters |= {
            "ansi": ansi.to_html,
            "data_url": data_url,
            "iso": iso,
            "markdown": to_html,
            "order": order,
            "safe_url": _safe_url,
            "state": state_of,
        }
        self._environment.globals |= {
            "asset": assets.address,
            "new_delivery": lambda: str(uuid.uuid4()),
            "feedback_moves": moves_of,
            "feedback_tones": FEEDBACK_TONES,
            "prompts": FORM_PROMPTS,
            "tabs": TABS,
            "task_tones": TASK_TONES,
        }

    def render(self, template: str, **names: object) -> str:
        """A template, or the fragment of a page that it is."""
        return self._environment.get_template(template).render(**names)

    def page(self, template: str, **names: object) -> web.Response:
        """A whole page."""
        return web.Response(text=self.render(template, **names), content_type="text/html", headers=_HEADERS)

    def problem(self, request: web.Request, problem: Problem) -> str:
        """A refusal as a page.

        A browser that follows a link from another site keeps a Strict cookie back; the page then asks for
        itself once more, from here.
        """
        crossed = request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method == "GET"
        again = request.rel_url.raw_path if problem.status == 401 and crossed else ""
        return self.render("problem.html", problem=problem, again=again)


def iso(at: datetime) -> str:
    """The time as browsers read it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _finalized(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _safe_url(url: str) -> str:
    """`url` where it leads to the web or into this site, else nothing: links may come from anybody."""
    inside = url.startswith("/") and not url.startswith(("//", "/\\"))
    return url if inside or url.startswith(("https://", "http://")) else ""
