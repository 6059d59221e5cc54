"""What Discord answers when it refuses: a status, a code, a sentence, and for forms the field at fault."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_KNOWN = {
    0: (401, "401: Unauthorized"),
    10003: (404, "Unknown Channel"),
    10008: (404, "Unknown Message"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    30046: (429, "Maximum number of edits to messages older than 1 hour reached. Try again later"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "This thread is locked"),
    160006: (400, "Maximum number of active threads reached"),
}


class ApiError(Exception):
    """An answer that is no success. `errors` is Discord's tree of the fields at fault."""

    def __init__(
        self, code: int, *, status: int = 0, text: str = "", errors: Json | None = None, retry_s: float = 0
    ) -> None:
        known_status, known_text = _KNOWN.get(code, (400, "Something went wrong"))
        self.code = code
        self.status = status or known_status
        self.text = text or known_text
        self.errors = errors
        self.retry_s = retry_s
        """Seconds until it may be tried again, for a 429 that belongs to no bucket."""
        super().__init__(f"{self.status} {code} {self.text} {errors or ''}")

    @property
    def body(self) -> Json:
        """As JSON shows it."""
        body: Json = {"message": self.text, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        if self.status == 429:
            body |= {"retry_after": self.retry_s, "global": False}
        return body


def bad_form(field: str, why: str, code: str = "BASE_TYPE_BAD_LENGTH") -> ApiError:
    """50035: `field` is a dotted path, such as `components.0.label`."""
    errors: Json = {"_errors": [{"code": code, "message": why}]}
    for part in reversed(field.split(".")):
        errors = {part: errors}
    return ApiError(50035, errors=errors)


def check_length(field: str, text: object, least: int, most: int) -> None:
    """Raises where `text` is no text of so many characters."""
    if not isinstance(text, str) or not least <= len(text) <= most:
        raise bad_form(field, f"Must be between {least} and {most} in length.")
