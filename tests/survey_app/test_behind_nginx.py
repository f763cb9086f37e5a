"""The three ways to HTTPS of docs/deploying.md share one set-up: a buffering proxy that speaks TLS. Tried for real."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, Request, build_opener

import pytest

from tests.postgres import free_port

ROOT = Path(__file__).parents[2]
NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
pytestmark = [
    pytest.mark.one_database,
    pytest.mark.skipif(not NGINX or not shutil.which("openssl"), reason="nginx is not installed"),
]

CONFIG = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl; server_name localhost; client_max_body_size 20m;
    ssl_certificate {folder}/fullchain.pem; ssl_certificate_key {folder}/key.pem;
    location / {{
      proxy_pass http://127.0.0.1:{backend}; proxy_set_header Host $host:{port};
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host:{port}; proxy_request_buffering on;
    }}
  }}
}}
"""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificates(folder: Path) -> None:
    """A private authority and a certificate for localhost, by the commands the page gives."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-x509", *curve, "-days", "30", "-subj", "/CN=Survey authority", "-keyout", "ca.key",
            "-out", "ca.pem")
    openssl(folder, "req", *curve, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    openssl(folder, "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "30", "-extfile", "names", "-out", "fullchain.pem")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The application behind nginx with HTTPS; the address, and a context that trusts the private authority."""
    make_certificates(tmp_path)
    port, backend = free_port(), free_port()
    url = f"https://localhost:{port}"
    environ = {**os.environ, "PORT": str(backend), "SURVEY_DATA_DIR": str(tmp_path / "data"), "SURVEY_PUBLIC_URL": url,
               "SURVEY_TRUSTED_PROXIES": "1"}
    code = ("from survey_app import create_app, migrate, cli\nfrom survey_app.config import Settings\n"
            "s = Settings.from_environment()\na = create_app(s)\nmigrate.upgrade(a.extensions['survey_db'])\n"
            "cli.serve_app(a, s, 4)")
    (tmp_path / "nginx.conf").write_text(CONFIG.format(folder=tmp_path, port=port, backend=backend))
    server = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environ)
    proxy = subprocess.Popen([str(NGINX), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
                             stderr=subprocess.DEVNULL)
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    try:
        _wait(url, context)
        yield url, context
    finally:
        for process in (proxy, server):
            process.terminate()
            process.wait(timeout=20)


def _wait(url: str, context: ssl.SSLContext) -> None:
    for _ in range(150):
        try:
            if _get(f"{url}/healthz", context)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the site did not come up")


def _get(url: str, context: ssl.SSLContext, data: bytes | None = None) -> tuple[int, str, list[str]]:
    opener = build_opener(HTTPSHandler(context=context))
    try:
        answer = opener.open(Request(url, data=data), timeout=10)  # noqa: S310
    except HTTPError as error:
        answer = error
    return answer.status, answer.read().decode(), answer.headers.get_all("Set-Cookie") or []


def test_pages_come_over_https_by_a_private_authority_with_secure_cookies(site: tuple[str, ssl.SSLContext]) -> None:
    url, context = site
    status, text, cookies = _get(f"{url}/sign-in", context)
    assert status == 200
    assert "<form" in text
    assert cookies
    assert all("Secure" in cookie for cookie in cookies)


def test_a_body_of_nineteen_megabytes_passes_the_proxy_and_a_larger_one_gets_a_clear_no(
    site: tuple[str, ssl.SSLContext],
) -> None:
    url, context = site
    assert _get(f"{url}/sign-in", context, data=b"x" * (21 * 1024 * 1024))[0] == 413
