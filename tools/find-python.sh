#!/bin/sh
# Print the path of a Python >= 3.12 with venv and headers; else say what to install, exit 1.
# $PYTHON, if set, is the only candidate.
set -u

# The C headers are needed because DOLFINx compiles its forms into Python extensions at run time.
usable() {
    "$1" - <<'EOF' 2>/dev/null
import ensurepip, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_path("include"), "Python.h")
if sys.version_info < (3, 12) or not os.path.isfile(header):
    sys.exit(1)
print(sys.executable)
EOF
}

if [ -n "${PYTHON:-}" ]; then
    usable "$PYTHON" && exit 0
    echo "PYTHON=$PYTHON is not a Python >= 3.12 with the venv module and its C headers." >&2
    exit 1
fi

# Tried oldest first: the pinned packages are tested most with 3.12.
for name in python3.12 python3.13 python3.14 python3 python; do
    usable "$name" && exit 0
done
for version in 3.12 3.13 3.14; do
    for path in \
        "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version"*/bin/python3 \
        "${CONDA_PREFIX:-/nonexistent}/bin/python$version" \
        "$HOME/.local/share/uv/python/cpython-$version"*/bin/python3 \
        "/usr/local/bin/python$version" "/opt/python/$version"*/bin/python3; do
        [ -x "$path" ] && usable "$path" && exit 0
    done
done
echo "No Python >= 3.12 with venv and C headers found: install one (Debian/Ubuntu: python3.12 python3.12-venv" \
    "python3.12-dev; or pyenv install 3.12), or name one with PYTHON=/path/to/python make ..." >&2
exit 1
