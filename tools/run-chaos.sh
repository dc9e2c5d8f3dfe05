#!/bin/bash
# Uploads of all kinds to three glance-apis, among which everything fails that
# can, beside stock Glance that is treated alike; see the contributor's guide.
# For ten minutes; the seed is printed, and repeats what was done.
#
#   tools/run-chaos.sh [--seed N] [--seconds N] [--report FILE] [--keep]
#
# Run it as root on Debian 12. What is missing gets installed: packages with
# apt, Python packages into environments outside of this tree.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

venv=$(services_venv test)
released_glance_venv 2025.2 >/dev/null
export PATH=$venv/bin:$PATH
exec unshare --net "$venv/bin/python3" -m tests.chaos "$@"
