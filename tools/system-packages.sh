#!/bin/sh
# Install the missing libraries of system-packages.txt when that is possible, else say which they are.
# Never fails: whether the libraries really are found is decided by the imports in check-install.sh.
set -u
list=$(dirname "$0")/system-packages.txt
ldconfig=$(command -v ldconfig || echo /sbin/ldconfig)
[ -x "$ldconfig" ] || exit 0
known=$("$ldconfig" -p 2>/dev/null) || exit 0
missing=$(grep -v '^#' "$list" | while read -r package library; do
    case $known in *"$library"*) ;; *) printf '%s ' "$package" ;; esac
done)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing system libraries: $missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null; } && exit 0
fi
echo "Missing system libraries; if importing gmsh fails below, install (Debian/Ubuntu names): $missing" >&2
