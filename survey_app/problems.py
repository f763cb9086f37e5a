"""What may go wrong with a request, as exceptions; drawn once, as a page, as JSON or as OpenRosa XML.

Bad data is a value, bad use is a `Problem`, a bug is any other exception. Services raise, views do not catch.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

from flask import Flask, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException

from forms.issues import Issue
from survey_app.languages import gettext, translate_issue

log = logging.getLogger("survey")


class Problem(Exception):
    """A request that cannot be served; `message` is an English msgid with named parameters."""

    status = 400
    code = "bad_request"
    message = "The request cannot be understood."

    def __init__(self, message: str = "", *, code: str = "", issues: Sequence[Issue] = (), **parameters: Any) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.code = code or self.code
        self.issues = list(issues)
        self.parameters = parameters


class NotSignedIn(Problem):
    """Nobody is signed in, or the session has ended."""

    status, code, message = 401, "not_signed_in", "Please sign in to continue."


class Forbidden(Problem):
    """Signed in, but without the permission; only for rules that do not depend on a foreign object."""

    status, code, message = 403, "forbidden", "Your account does not have the right to do this."


class NotFound(Problem):
    """Missing, or not visible to this user: the same answer, so that nobody learns what exists."""

    status, code, message = 404, "not_found", "There is nothing at this address."


class Conflict(Problem):
    """The state of things does not allow it now."""

    status, code, message = 409, "conflict", "Somebody else has changed this in the meantime. Reload and try again."


class TooLarge(Problem):
    """More bytes, rows or pixels than we take."""

    status, code, message = 413, "too_large", "This is larger than {limit}. Please make it smaller and try again."


class Invalid(Problem):
    """Understood, but the content breaks rules; `issues` say which."""

    status, code, message = 422, "invalid", "Some entries need correction."


class TooMany(Problem):
    """Tried too often."""

    status, code, message = 429, "too_many", "Too many tries. Please wait {minutes} minutes and try again."


class Busy(Problem):
    """Cannot serve just now; the sender keeps its copy and tries again."""

    status, code, message = 503, "busy", "The server is busy. Nothing was lost; please try again in a moment."


HTTP_MESSAGES = {
    400: Problem.message,
    404: NotFound.message,
    405: "This address does not accept this kind of request.",
    413: "This is larger than we take. Please make it smaller and try again.",
    415: "This kind of content is not accepted here.",
}


def init_app(app: Flask) -> None:
    """Draw every problem in the form the asker understands."""
    app.register_error_handler(Problem, _draw)
    app.register_error_handler(HTTPException, _draw_http)
    app.register_error_handler(IntegrityError, _draw_integrity)
    app.register_error_handler(OperationalError, _draw_operational)
    app.register_error_handler(RecursionError, lambda _error: _draw(Problem()))
    if not app.testing:
        app.register_error_handler(Exception, _draw_bug)


def _draw(problem: Problem) -> ResponseReturnValue:
    response = make_response(*(_as_json(problem) if wants_json() else _as_page(problem)))
    if isinstance(problem, Busy):
        response.headers["Retry-After"] = "5"
    return response


def _draw_http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or (error.code or 500) < 400:
        return error
    problem = Problem(HTTP_MESSAGES.get(error.code or 400, Problem.message), code=error.name.lower().replace(" ", "_"))
    problem.status = error.code or 400
    response = make_response(_draw(problem))
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after"}:
            response.headers[name] = value
    return response


def _draw_integrity(error: IntegrityError) -> ResponseReturnValue:
    log.warning("constraint violated: %s", type(error.orig).__name__)
    return _draw(Conflict())


def _draw_operational(error: OperationalError) -> ResponseReturnValue:
    log.error("database unavailable: %s", type(error.orig).__name__)
    return _draw(Busy())


def _draw_bug(error: Exception) -> ResponseReturnValue:
    log.exception("unhandled: %s", type(error).__name__)
    problem = Problem("Something went wrong on our side. Nothing was lost; please try again.", code="internal")
    problem.status = 500
    return _draw(problem)


def wants_json() -> bool:
    """True for the API and for callers that ask for JSON."""
    accepts = request.accept_mimetypes
    return (
        request.path.startswith("/api/") or accepts.best_match(["text/html", "application/json"]) == "application/json"
    )


def error_body(problem: Problem) -> dict[str, Any]:
    """The one JSON shape of an error: {"error": {"code", "message", "issues"}}."""
    issues = [
        {"code": issue.code, "where": issue.where, "severity": str(issue.severity), "message": translate_issue(issue)}
        for issue in problem.issues
    ]
    message = gettext(problem.message, **problem.parameters)
    return {"error": {"code": problem.code, "message": message, "issues": issues}}


def _as_json(problem: Problem) -> tuple[Response, int]:
    body = json.dumps(error_body(problem), ensure_ascii=False)
    return Response(body, mimetype="application/json"), problem.status


def _as_page(problem: Problem) -> tuple[str, int]:
    return render_template("problem.html", problem=problem, body=error_body(problem)["error"]), problem.status
