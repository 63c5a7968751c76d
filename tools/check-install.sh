#!/bin/sh
# check-install.sh FOLDER: does what was installed load here, and is there a C compiler for DOLFINx's forms?
set -u
here=$(dirname "$0")
if ! command -v "${CC:-cc}" >/dev/null && ! command -v gcc >/dev/null; then
    echo "No C compiler found: DOLFINx compiles its forms at run time. Install gcc or clang." >&2
    exit 1
fi
for module in h5py lifrac.backend gmsh; do
    if ! "$1/bin/python" -c "import $module"; then
        echo "'import $module' failed. If a lib*.so is missing, install the packages named in" \
            "$here/system-packages.txt" >&2
        exit 1
    fi
done
