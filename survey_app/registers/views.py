from __future__ import annotations

from flask import Blueprint

bp = Blueprint("registers", __name__, template_folder="templates")
