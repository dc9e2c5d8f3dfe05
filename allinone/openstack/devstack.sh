#!/bin/bash
# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

# Configures Glance and Nova, as they are on this machine, with the functions
# of the DevStack plugin, and with no DevStack.
#
#   allinone/openstack/devstack.sh ACTION DIRECTORY
#
#   ACTION is one of:
#
#   install       into the services' virtual environments
#   configure     edit the services' files, and check them; once more changes
#                 nothing
#   check         ask glance-progress-status again
#   test-config   tell Tempest
#   undo          take back what configure has edited, and patches
#
# DIRECTORY is where the edits are remembered, the same one for all. In the
# environment:
#
#   GLANCE_VENV, NOVA_VENV  the virtual environments, may be the same
#   GLANCE_CONF_DIR         has glance-api.conf and glance-api-paste.ini
#   NOVA_CONF_DIR           has nova.conf and api-paste.ini
#   TEMPEST_CONFIG          for test-config
#   CINDER_VENV             where Cinder is one of ENABLED_SERVICES
#   CINDER_CONF_DIR         has cinder.conf then
#   ENABLED_SERVICES        default: g-api,n-api,n-cpu,tempest
#   GLANCE_PROGRESS_*       as in devstack/settings
#
# Exit status: 0 done, 1 could not be done, 64 wrong arguments.

set -eu
cd "$(dirname "$0")/../.."
. tools/lib.sh

function usage {
    sed -n '/^# Configures/,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

[[ $# -eq 2 ]] || usage

# What DevStack's own libraries set. plugin.sh and lib/ read them.
# shellcheck disable=SC2034
{
    DATA_DIR=$2
    : "${ENABLED_SERVICES:=g-api,n-api,n-cpu,tempest}"
    GLANCE_DIR=$GLANCE_VENV
    GLANCE_BIN_DIR=$GLANCE_VENV/bin
    GLANCE_API_CONF=$GLANCE_CONF_DIR/glance-api.conf
    GLANCE_API_PASTE_INI=$GLANCE_CONF_DIR/glance-api-paste.ini
    CINDER_DIR=${CINDER_VENV:-}
    NOVA_DIR=$NOVA_VENV
    NOVA_BIN_DIR=$NOVA_VENV/bin
    NOVA_CONF=$NOVA_CONF_DIR/nova.conf
    NOVA_API_PASTE_INI=$NOVA_CONF_DIR/api-paste.ini
    TOP_DIR=$TOP
    CINDER_BIN_DIR=${CINDER_VENV:-}/bin
    CINDER_CONF=${CINDER_CONF_DIR:-}/cinder.conf
    declare -A PROJECT_VENV=(
        [glance]=$GLANCE_VENV [nova]=$NOVA_VENV [cinder]=${CINDER_VENV:-})
}

# DevStack's documented helpers, as far as the plugin uses them.

function define_plugin {
    :
}

function echo_summary {
    echo "$*" >&2
}

function warn {
    echo "WARNING: ${*:2}" >&2
}

function die {
    echo "ERROR: ${*:2}" >&2
    exit 1
}

function trueorfalse {
    case ${!2:-} in
        1|[yY]es|YES|[tT]rue|TRUE) echo True ;;
        0|[nN]o|NO|[fF]alse|FALSE) echo False ;;
        *) echo "$1" ;;
    esac
}

function is_service_enabled {
    local service
    for service; do
        case $service in
            glance) service=g- ;;
            nova) service=n- ;;
            cinder) service=c- ;;
            *) service=$service, ;;
        esac
        [[ ,$ENABLED_SERVICES, != *",$service"* ]] || return 0
    done
    return 1
}

function iniget {
    crudini --get "$1" "$2" "$3" 2>/dev/null || true
}

function iniset {
    crudini --set "$1" "$2" "$3" "$4"
}

function ini_has_option {
    crudini --get "$1" "$2" "$3" >/dev/null 2>&1
}

function inidelete {
    crudini --del "$1" "$2" "$3"
}

function setup_develop {
    install_project "$PIP_VIRTUAL_ENV"
}

# They are not run here.
function stop_glance {
    :
}

function start_glance {
    :
}

# No local.conf here, and nothing in the background.
function async_wait {
    :
}

function merge_config_group {
    :
}

function plugin {
    # shellcheck source=devstack/plugin.sh
    . devstack/plugin.sh "$@"
}

. devstack/settings
case $1 in
    install|test-config) plugin stack "$1" ;;
    configure) plugin stack post-config ;;
    check) plugin none && check_glance_progress ;;
    undo) plugin unstack ;;
    *) usage ;;
esac
