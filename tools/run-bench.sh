#!/bin/bash
# Compares uploads through rbd_progress with the stock driver's.
#
#   tools/run-bench.sh [--size MIB] [--runs N] [CASE...]      see --help
#
# Run it as root on Debian 12; what is missing gets installed.

set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

venv=$(services_venv demo)
PYTHONPATH=. exec "$venv/bin/python3" -m tools.bench_upload "$@"
