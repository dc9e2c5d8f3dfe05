# shellcheck shell=bash
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

# DevStack plugin of glance-progress: dispatches, and no more. The functions
# are in lib/.

for _glance_progress_lib in edits services locations patches tempest \
        glance-progress; do
    # shellcheck source=/dev/null
    source "$GLANCE_PROGRESS_DIR/devstack/lib/$_glance_progress_lib"
done
unset _glance_progress_lib

if [[ "$1" == "stack" ]] && ! is_service_enabled glance nova; then
    # Neither is on this machine, so nothing here is to be installed or edited.
    :
elif [[ "$1" == "stack" && "$2" == "install" ]]; then
    echo_summary "Installing glance-progress"
    install_glance_progress
elif [[ "$1" == "stack" && "$2" == "post-config" ]]; then
    echo_summary "Configuring glance-progress"
    settle_config_files
    configure_glance_progress
    check_glance_progress
elif [[ "$1" == "stack" && "$2" == "test-config" ]]; then
    if is_service_enabled tempest; then
        configure_tempest_glance_progress
    fi
elif [[ "$1" == "unstack" || "$1" == "clean" ]]; then
    cleanup_glance_progress
fi
