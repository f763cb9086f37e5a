"""The server measured: `python -m tools.measuring.server FOLDER DATABASE_URL PORT`, production settings, durable.

It also answers PUT /api/v1/baseline/<id>: the same server doing nothing but parse and one durable insert.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from flask import Flask, Response, request
from sqlalchemy import text

from survey_app import create_app, csrf, db
from survey_app.access import late_write, public
from survey_app.cli import serve_app
from survey_app.config import Settings

INSERT = text("insert into baseline (instance_id, body) values (:instance_id, :body)")


@late_write
@public
def _baseline(instance_id: str) -> Response:
    body = request.get_data(cache=False)
    json.loads(body)
    with db.database().unit_of_work() as session:
        session.connection().execute(INSERT, {"instance_id": instance_id, "body": body})
    return Response('{"stored":true}', 201, mimetype="application/json")


def main() -> None:
    """Serve until killed."""
    folder, database_url, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    settings = Settings.from_environment({}, data_dir=folder, database_url=database_url, port=port, production=True)
    app: Flask = create_app(settings)
    csrf.exempt(_baseline)
    app.add_url_rule("/api/v1/baseline/<instance_id>", "baseline", _baseline, methods=["PUT"])
    serve_app(app, settings, threads=8)


if __name__ == "__main__":
    main()
