#!/bin/bash
# From nothing to a progress bar: starts Ceph, memcached and glance-api on
# loopback, uploads an image, shows its progress from a second process,
# verifies what is stored, and takes everything down again.
#
#   tools/run-demo.sh [--keep] [--size MIB], tools/run-demo.sh --down
#   tools/run-demo.sh --cloud [--keep] [--size MIB]
#   tools/run-demo.sh --cloud --down
#   tools/run-demo.sh --dashboard [--size MIB], tools/run-demo.sh --cloud --down
#
# With --cloud it starts Keystone, Placement, Neutron's API, Nova and Cinder as
# well, boots a server from the image, rebuilds it, makes a snapshot, makes a
# volume of the image and an image of the volume, and shows what Ceph holds of
# all that. With --dashboard it does the same, starts Horizon with this
# package's plugin, leaves everything running, and prints its address and a
# login.
#
# Run it as root on Debian 12. What is missing gets installed: packages with
# apt, Python packages into an environment outside of this tree. With --keep
# the services stay, and it says how to use and how to end them.

set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

if [[ ${1:-} == --cloud ]]; then
    venv=$(cloud_venv)
    PYTHONPATH=. exec "$venv/bin/python3" -m tools.demo.server "${@:2}"
fi
if [[ ${1:-} == --dashboard ]]; then
    venv=$(cloud_venv)
    dashboard=$(dashboard_venv)
    PYTHONPATH=. exec "$venv/bin/python3" -m tools.demo.server \
        --dashboard "$dashboard" "${@:2}"
fi
venv=$(services_venv demo)
PYTHONPATH=. exec "$venv/bin/python3" -m tools.demo.image \
    --directory "$GLANCE_PROGRESS_HOME/demo" "$@"
