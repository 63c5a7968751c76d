#!/bin/sh
# make-venv.sh FOLDER: create the virtual environment, or keep the one that is there if it works.
set -eu
folder=$1
check='import sys, pip; sys.exit(sys.version_info < (3, 12))'
if [ -x "$folder/bin/python" ] && "$folder/bin/python" -c "$check" 2>/dev/null; then
    exit 0
fi
python=$(sh "$(dirname "$0")/find-python.sh")
echo "Creating $folder with $("$python" --version)"
"$python" -m venv --clear "$folder"
