"""The web application. `create_app` and nothing else: features are wired here, one line each."""

from __future__ import annotations

from importlib import import_module

from flask import Flask, Response, request
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from survey_app import access, assets, cli, compression, db, files, json_reader, languages, problems
from survey_app.config import Settings, secret_key

# A feature is a folder with `views.py` (and perhaps `api.py`) holding `bp`; order is the order of import rules.
FEATURES = (
    "accounts.views", "registers.views", "questionnaires.views", "programme.views", "campaigns.views",
    "submissions.views", "collect.work", "collect.api", "results.views", "reports.views", "authoring.views",
)
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(self)",
}
csrf = CSRFProtect()


def create_app(settings: Settings | None = None) -> Flask:
    """The application for `settings`, by default those of the environment."""
    settings = settings or Settings.from_environment()
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret_key(settings), SETTINGS=settings, TESTING=settings.testing,
        MAX_CONTENT_LENGTH=settings.limits.workbook_bytes, MAX_FORM_MEMORY_SIZE=settings.limits.body_bytes,
        MAX_FORM_PARTS=5_000, SESSION_COOKIE_NAME="csrf", SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_HTTPONLY=True, WTF_CSRF_TIME_LIMIT=None,
        CONTENT_SECURITY_POLICY=CONTENT_SECURITY_POLICY,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    db.init_app(app, settings)
    json_reader.init_app(app)
    languages.init_app(app)
    problems.init_app(app)
    csrf.init_app(app)
    access.init_app(app)
    files.init_app(app, settings)
    assets.init_app(app, settings)
    for feature in FEATURES:
        app.register_blueprint(import_module(f"survey_app.{feature}").bp)
    compression.init_app(app)  # registered before _finish, so it runs after it
    app.after_request(_finish)
    app.cli.add_command(cli.survey)
    app.jinja_env.globals.update(demo=settings.demo)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    return app


def _finish(response: Response) -> Response:
    """Commit what succeeded, then the headers every answer carries."""
    if response.status_code < 400:
        db.commit()
        access.touch_sign_in()
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static":
        response.headers["Cache-Control"] = _static_caching()
    else:
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.add("Cookie")
    return response


def _static_caching() -> str:
    """Files whose address changes with their content may be kept for ever."""
    hashed = "/dist/" in request.path or "v" in request.args
    return "public, max-age=31536000, immutable" if hashed else "public, max-age=300"
