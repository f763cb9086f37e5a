"""Settings, read once from the environment; production refuses values that would be unsafe."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEBIBYTE: Final = 1024 * 1024
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class UnsafeSettings(Exception):
    """A setting that must not be used in the chosen mode; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds on what people and phones may send; every reader of a file or body uses one of these."""

    body_bytes: int = 2 * MEBIBYTE
    workbook_bytes: int = 20 * MEBIBYTE
    unpacked_bytes: int = 50 * MEBIBYTE
    archive_entries: int = 2_000
    archive_ratio: int = 100
    attachment_bytes: int = 12 * MEBIBYTE
    form_files: int = 300  # beside one questionnaire
    form_bytes: int = 60 * MEBIBYTE  # a questionnaire with all its files
    picture_pixels: int = 50_000_000
    json_depth: int = 32
    register_rows: int = 200_000
    repeat_rows: int = 500
    text_characters: int = 20_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between one installation and another."""

    data_dir: Path
    database_url: str
    host: str = "127.0.0.1"
    port: int = 8000
    secret_key: str = ""
    public_url: str = ""
    pack: str = "ninh_binh"
    demo: bool = False
    production: bool = False
    trusted_proxies: int = 0
    durable: bool = True
    testing: bool = False
    smtp_url: str = ""
    limits: Limits = Limits()

    @property
    def https(self) -> bool:
        """True when people reach us over HTTPS, so that cookies may be marked Secure."""
        return self.public_url.startswith("https://")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **changes: object) -> Settings:
        """Read SURVEY_* variables (README lists them); keyword arguments win over the environment.

        Raises UnsafeSettings when production is asked for with settings that would expose people.
        """
        env = os.environ if environ is None else environ
        data_dir = Path(str(changes.pop("data_dir", env.get("SURVEY_DATA_DIR", "instance")))).absolute()
        values: dict[str, object] = {
            "data_dir": data_dir,
            "database_url": env.get("SURVEY_DATABASE_URL", f"sqlite:///{data_dir / 'survey.sqlite3'}"),
            "host": env.get("HOST", "127.0.0.1"),
            "port": int(env.get("PORT", "8000")),
            "public_url": env.get("SURVEY_PUBLIC_URL", "").rstrip("/"),
            "pack": env.get("SURVEY_PACK", "ninh_binh"),
            "demo": env.get("SURVEY_DEMO", "") == "1",
            "production": env.get("SURVEY_PRODUCTION", "") == "1",
            "trusted_proxies": int(env.get("SURVEY_TRUSTED_PROXIES", "0")),
            "smtp_url": env.get("SURVEY_SMTP_URL", ""),
            "secret_key": env.get("SURVEY_SECRET_KEY", ""),
        }
        values.update(changes)
        settings = cls(**values)  # type: ignore[arg-type]
        settings._refuse_unsafe(env)
        return settings

    def _refuse_unsafe(self, env: Mapping[str, str]) -> None:
        if self.production and self.demo:
            raise UnsafeSettings("Demo accounts must not run in production: unset SURVEY_DEMO.")
        if self.production and (self.data_dir / "DEMO").exists():
            raise UnsafeSettings(f"{self.data_dir} holds demo data: set SURVEY_DATA_DIR to a folder of its own.")
        if self.demo and self.host not in LOOPBACK and env.get("SURVEY_DEMO_OPEN") != "1":
            raise UnsafeSettings("Demo mode listens on this machine only: set SURVEY_DEMO_OPEN=1 to open it.")


def secret_key(settings: Settings) -> str:
    """The key that signs cookies: the setting, else one made once and kept in the data folder (mode 600)."""
    if settings.secret_key:
        return settings.secret_key
    file = settings.data_dir / "secret_key"
    if not file.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_urlsafe(48))
    return file.read_text()
