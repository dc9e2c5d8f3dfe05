#!/bin/bash
# A cloud of one machine: Keystone, Glance, Placement, Neutron's API, Nova and
# Cinder, on Ceph, MariaDB, RabbitMQ, memcached and libvirt, with this package
# in it.
# Everything listens on 127.0.0.1.
#
#   tools/run-cloud.sh up [--directory DIRECTORY] [--dashboard VENV]
#   tools/run-cloud.sh down|status|logs [--directory DIRECTORY]
#
# Run it as root on Debian 12. What is missing gets installed: packages with
# apt, Python packages into an environment outside of this tree. When it is
# up, and DIRECTORY is where it keeps its files:
#
#   . DIRECTORY/openrc
#   cd DIRECTORY/tempest && tempest run --regex glance_progress_tempest_plugin
#
# Its ports are any that are free, unless GLANCE_PROGRESS_KEYSTONE_PORT and so
# on say otherwise at the first "up". It can be removed with all that it holds
# when it is down: rm -r DIRECTORY.

set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

venv=$GLANCE_PROGRESS_HOME/venv/cloud-2026.2
if [[ ${1:-} == up ]]; then
    venv=$(cloud_venv)
elif [[ ! -x $venv/bin/python3 ]]; then
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 64
fi
PYTHONPATH=. exec "$venv/bin/python3" -m allinone "$@"
