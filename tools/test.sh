#!/bin/sh
# Every test. Finds or installs what the tests need: Chromium and PostgreSQL from the PATH, else from apt when root.
# ALLOW_MISSING=browser,postgres,strace,nginx accepts that these cannot be had; otherwise their absence fails the run.
set -eu
missing=""
find_postgres() { command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
find_browser() { command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; }
install_packages() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 0
  echo "Installing $* ..."
  apt-get update -qq >/dev/null 2>&1 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1 || true
}
find_browser || install_packages chromium
find_postgres || install_packages postgresql
find_strace() { command -v strace >/dev/null 2>&1; }
find_nginx() { command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ]; }
find_strace || install_packages strace
find_nginx || install_packages nginx-light
find_browser || missing="$missing browser"
find_postgres || missing="$missing postgres"
find_strace || missing="$missing strace"
find_nginx || missing="$missing nginx"
for name in $missing; do
  case ",${ALLOW_MISSING:-}," in
    *",$name,"*) echo "Not run: the tests that need $name (accepted by ALLOW_MISSING)." ;;
    *) echo "Cannot run the tests that need $name: install it, or accept with ALLOW_MISSING=$name." >&2; exit 1 ;;
  esac
done
command -v javac >/dev/null 2>&1 || echo "Not run: the comparison with JavaRosa (no JDK here; make compare runs it whole)."
export SURVEY_TEST_MISSING="$missing"
sh tools/node.sh node node_modules/typescript/bin/tsc --noEmit
sh tools/node.sh node node_modules/vitest/vitest.mjs run
.venv/bin/ruff check .
.venv/bin/mypy
.venv/bin/python -m pytest -n 2 --dist loadgroup -q -m "not soak"
case "$missing" in
  *postgres*) ;;
  *) .venv/bin/python -m pytest tests/survey_app tests/invariants -n 2 --dist loadgroup -q -m "not soak and not one_database" --database postgres
    .venv/bin/python -m pytest tests/e2e -q -m "e2e and postgres" --database postgres ;;
esac
