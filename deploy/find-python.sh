#!/bin/sh
# Prints a Python that can build the virtual environment: $PYTHON when it is set, else the first
# on the PATH that is 3.11 or newer and has the venv module. Says what to install when there is none.

suits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

has_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

if [ -n "$PYTHON" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.13 python3.12 python3.11 python3.14 python
fi

without_venv=
for python; do
    suits "$python" || continue
    if has_venv "$python"; then
        command -v "$python"
        exit 0
    fi
    without_venv=${without_venv:-$python}
done

if [ -n "$without_venv" ]; then
    echo "setup: $without_venv has no venv module; on Debian or Ubuntu: apt install python3-venv" >&2
elif [ -n "$PYTHON" ]; then
    echo "setup: $PYTHON is not Python 3.11 or newer" >&2
else
    echo "setup: found no Python 3.11 or newer; install one, or name one: make setup PYTHON=/path/to/python3" >&2
fi
exit 1
