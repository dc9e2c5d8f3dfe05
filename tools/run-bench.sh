#!/bin/bash
# Compares uploads through rbd_progress with the stock driver's, or the API
# extension with Glance's own API, or uploads of folders with those of
# OpenStackClient; or measures what the driver itself costs, or what many
# images and many uploads do.
#
#   tools/run-bench.sh upload|api|folder|overhead|scale [--size MIB] [--runs N]
#                      [CASE...]
#
# Each says more with --help. Run it as root on Debian 12; what is missing
# gets installed.

set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

profile=demo
case ${1-} in
    upload | api | overhead) ;;
    scale) profile='test' ;;
    folder)
        profile='test'
        GLANCE_PROGRESS_OPENSTACK=$(client_venv)/bin/openstack
        export GLANCE_PROGRESS_OPENSTACK
        ;;
    *) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
venv=$(services_venv "$profile")
PYTHONPATH=. exec "$venv/bin/python3" -m "tools.bench.$1" "${@:2}"
