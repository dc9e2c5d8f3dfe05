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

# Shell functions for tools/run-demo.sh and tools/run-tests.sh, which source
# this file. Messages go to stderr, results to stdout; what cannot be done is
# said and returned, never an exit. They do not rely on "set -e".
#
# Between runs everything is kept under $GLANCE_PROGRESS_HOME.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${GLANCE_PROGRESS_HOME:=${XDG_CACHE_HOME:-$HOME/.cache}/glance-progress}"
export GLANCE_PROGRESS_HOME

# Images of containers have it set. Then each service and each command compiles
# all that it imports, every time: half of what they take to start.
unset PYTHONDONTWRITEBYTECODE

# Debian's own interpreter: Ceph's bindings are built for this one only.
PYTHON=/usr/bin/python3

# failed MESSAGE...: say it, and fail
function failed {
    echo "ERROR: $*" >&2
    return 1
}

# quietly LOG COMMAND...: show the output only if the command fails
function quietly {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        failed "$* (all of its output is in $log)"
    fi
}

function need_root {
    [[ $EUID -eq 0 ]] || failed "run this as root: it installs packages"
}

# The interpreter for which Debian packages the bindings of Ceph.
function need_python {
    [[ -x $PYTHON ]] || failed "there is no $PYTHON: install python3" \
        || return
    local module
    for module in rados rbd; do
        "$PYTHON" -c "import $module" 2>/dev/null \
            || failed "$PYTHON cannot import $module:" \
                    "install python3-$module" || return
    done
    "$PYTHON" -c 'import ensurepip' 2>/dev/null \
        || failed "$PYTHON cannot make virtual environments:" \
                "install python3-venv"
}

# packages PROFILE: print the packages of bindep.txt for it
function packages {
    sed -n "s/ \\[.*\\b$1\\b.*\\]\$//p" "$TOP/bindep.txt"
}

# apt_install PACKAGE...: install those that are missing, start no service
function apt_install {
    local log=$GLANCE_PROGRESS_HOME/log/apt.log missing=() package installed
    mkdir -p "$GLANCE_PROGRESS_HOME" || return
    # In a subshell for the sake of its trap and of the lock: whoever comes
    # meanwhile finds what is missing then. A fresh machine has no package
    # lists and old lists name files that are gone: both need the second try.
    (
        flock 9
        # It fails when it does not know one of them.
        installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" \
            2>/dev/null) || true
        for package in "$@"; do
            grep -qxF "$package installed" <<<"$installed" \
                || missing+=("$package")
        done
        [[ ${#missing[@]} -gt 0 ]] || exit 0
        need_root || exit
        echo "installing ${missing[*]}" >&2
        trap allow_services EXIT
        forbid_services
        apt_get install "${missing[@]}" >/dev/null 2>&1 \
            || { quietly "$log" apt_get update \
                && quietly "$log" apt_get install "${missing[@]}"; }
    ) 9>"$GLANCE_PROGRESS_HOME/apt.lock" || failed "could not install $*"
}

function apt_get {
    DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Maintainer scripts ask this program before they start a service, with
# systemd and without. Where there is one already, as in container images,
# it stays.
SERVICE_POLICY=/usr/sbin/policy-rc.d

function forbid_services {
    [[ ! -e $SERVICE_POLICY ]] || return 0
    printf '#!/bin/sh\n# glance-progress\nexit 101\n' >"$SERVICE_POLICY"
    chmod +x "$SERVICE_POLICY"
}

function allow_services {
    ! grep -qs '^# glance-progress$' "$SERVICE_POLICY" \
        || rm -f "$SERVICE_POLICY"
}

# make_venv NAME [OPTION OF venv...]: print the path of a virtual environment
# with what tools/requirements/NAME.txt lists, built anew when that changes. The
# lists are complete: to resolve them takes a minute each.
function make_venv {
    local name=$1
    shift
    local requirements=$TOP/tools/requirements/$name.txt
    local venv=$GLANCE_PROGRESS_HOME/venv/$name key
    local log=$GLANCE_PROGRESS_HOME/log/venv-$name.log
    key=$(sha256sum <"$requirements") || return
    key="$key $("$PYTHON" --version) $*"
    mkdir -p "$(dirname "$venv")" || return
    (
        flock 9
        if [[ $(cat "$venv/.made-from" 2>/dev/null) != "$key" ]]; then
            echo "building the virtual environment $name" >&2
            # .made-from comes last: an interrupted build has none.
            rm -rf "$venv" \
                && quietly "$log" "$PYTHON" -m venv "$@" "$venv" \
                && pip_install "$log" "$venv" --no-deps -r "$requirements" \
                && echo "$key" >"$venv/.made-from"
        fi
    ) 9>"$venv.lock" \
        || failed "could not build the virtual environment $name" || return
    echo "$venv"
}

# pip_install LOG VENV ARGUMENT...
# Without --no-compile it takes half as long again, for modules that nobody
# imports.
function pip_install {
    quietly "$1" "$2/bin/python3" -m pip install --no-input --no-compile \
        --disable-pip-version-check "${@:3}"
}

# link_ceph_bindings VENV: rados and rbd are on no package index. Only these
# two modules: with --system-site-packages, Debian's old pyOpenSSL breaks
# current releases of OpenStack.
function link_ceph_bindings {
    local venv=$1 suffix packages module binding
    suffix=$("$venv/bin/python3" -c 'import sysconfig
print(sysconfig.get_config_var("EXT_SUFFIX"))') || return
    packages=$("$venv/bin/python3" -c \
        'import sysconfig; print(sysconfig.get_path("platlib"))') || return
    for module in rados rbd; do
        binding=/usr/lib/python3/dist-packages/$module$suffix
        [[ -e $binding ]] \
            || failed "$("$venv/bin/python3" --version) of $venv cannot use" \
                    "Debian's python3-$module: there is no $binding" \
            || return
        ln -sf "$binding" "$packages/" || return
    done
    "$venv/bin/python3" -c 'import rados, rbd' \
        || failed "$venv cannot import rados and rbd"
}

# link_libvirt_binding VENV: on the package index there is only its source
function link_libvirt_binding {
    local venv=$1 packages binding
    packages=$("$venv/bin/python3" -c \
        'import sysconfig; print(sysconfig.get_path("platlib"))') || return
    for binding in /usr/lib/python3/dist-packages/libvirt{.py,mod.*.so} \
            /usr/lib/python3/dist-packages/libvirt{_qemu.py,mod_qemu.*.so}; do
        ln -sf "$binding" "$packages/" || return
    done
    "$venv/bin/python3" -c 'import libvirt, libvirt_qemu' \
        || failed "$venv cannot import libvirt"
}

# install_project VENV: install this tree so that changes of its code count
# at once, and again when its metadata have changed
function install_project {
    local venv=$1 key log=$GLANCE_PROGRESS_HOME/log/install-project.log
    key=$(cd "$TOP" && pwd && cat setup.cfg setup.py pyproject.toml \
        requirements.txt) || return
    key=$(sha256sum <<<"$key")
    [[ $(cat "$venv/.project" 2>/dev/null) != "$key" ]] || return 0
    install_tree "$log" "$venv" -e || return
    echo "$key" >"$venv/.project"
}

# install_tree LOG VENV [OPTION OF pip install]: install this tree. It is built
# within itself, so one at a time; the functional tests take the same lock.
function install_tree {
    (
        flock 9
        # What a build of an earlier tree has left here would be believed
        # before what is installed. As root in another user's clone git would
        # refuse to tell pbr anything.
        rm -rf "$TOP"/*.egg-info \
            && GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory \
                GIT_CONFIG_VALUE_0=$TOP pip_install "$1" "$2" "${@:3}" "$TOP"
    ) 9<"$TOP/setup.cfg" || failed "could not install this project into $2"
}

# services_venv PROFILE: print the path of an environment with this project
# and Glance, on a machine with the packages of bindep.txt for PROFILE
function services_venv {
    local venv
    need_root || return
    # shellcheck disable=SC2046
    apt_install $(packages "$1") || return
    need_python || return
    venv=$(make_venv glance-2026.2) || return
    link_ceph_bindings "$venv" || return
    install_project "$venv" || return
    echo "$venv"
}

# released_glance_venv RELEASE: print the path of an environment with this
# project and the Glance of RELEASE, which for zed is Debian's
function released_glance_venv {
    local release=$1 venv
    venv=$(bare_glance_venv "$release") || return
    [[ $release == zed ]] || link_ceph_bindings "$venv" || return
    install_project "$venv" || return
    echo "$venv"
}

# bare_glance_venv RELEASE: the same without this project and Ceph
function bare_glance_venv {
    local options=()
    [[ $1 != zed ]] || options=(--system-site-packages)
    make_venv "glance-$1" "${options[@]}"
}

# cloud_venv: print the path of an environment with the services of the
# one-machine cloud, on a machine with the packages of bindep.txt for it. This
# project is in it as operators install it: as it is now.
function cloud_venv {
    local venv log=$GLANCE_PROGRESS_HOME/log/install-cloud.log
    need_root || return
    # shellcheck disable=SC2046
    apt_install $(packages cloud) || return
    need_python || return
    venv=$(make_venv cloud-2026.2) || return
    link_ceph_bindings "$venv" || return
    link_libvirt_binding "$venv" || return
    install_tree "$log" "$venv" || return
    echo "$venv"
}

# dashboard_venv: print the path of an environment with Horizon, in which this
# project is installed and switched on as operators do it
function dashboard_venv {
    local venv log=$GLANCE_PROGRESS_HOME/log/install-dashboard.log enabled
    venv=$(make_venv dashboard-2026.2) || return
    install_tree "$log" "$venv" || return
    enabled=$("$venv/bin/python3" -c 'import openstack_dashboard
print(openstack_dashboard.__path__[0] + "/local/enabled")') || return
    cp glance_progress_dashboard/enabled/_1092_*.py "$enabled/" || return
    echo "$venv"
}

# client_venv: print the path of an environment with this project and
# OpenStackClient
function client_venv {
    local venv
    venv=$(make_venv openstackclient) || return
    install_project "$venv" || return
    echo "$venv"
}

# debian_root NAME SUITE PACKAGE...: print the path of a root with the Debian of
# SUITE and these packages, made anew when they change. Whoever changes
# something lays another directory over it.
function debian_root {
    local name=$1 suite=$2
    local root=$GLANCE_PROGRESS_HOME/root/$name key=${*:2}
    local log=$GLANCE_PROGRESS_HOME/log/root-$name.log packages
    packages=$(IFS=,; echo "${*:3}")
    mkdir -p "$(dirname "$root")" || return
    (
        flock 9
        if [[ $(cat "$root.made-from" 2>/dev/null) != "$key" ]]; then
            echo "making the root $name of Debian $suite" >&2
            rm -rf --one-file-system "$root" "$root.made-from" \
                && quietly "$log" mmdebstrap --variant=apt \
                    --include="$packages" "$suite" "$root" \
                && echo "$key" >"$root.made-from"
        fi
    ) 9>"$root.lock" || failed "could not make the root $name" || return
    echo "$root"
}

# nova_venv RELEASE: print the path of an environment with Nova and what its
# functional tests need. The project is not installed: Train's libraries are
# too old for it, and the tests import it from this tree.
function nova_venv {
    local release=$1 venv
    venv=$(make_venv "nova-$release") || return
    if [[ $release == 20 ]]; then
        local packages=("$venv"/lib/python3*/site-packages)
        # Moved into place: other tests may be starting with it.
        local shim=${packages[0]}/train_on_py311
        cp "$TOP/tests/nova/train_on_py311.py" "$shim.new" \
            && mv "$shim.new" "$shim.py" \
            && { [[ -e $shim.pth ]] \
                || echo "import train_on_py311" >"$shim.pth"; } || return
    fi
    echo "$venv"
}

# copy_venv VENV: print the path of a copy that shares its files with the
# original. Replace files in it, do not write to them; remove it after use.
function copy_venv {
    local copy
    copy=$(mktemp -d "$1.XXXXXX") || return
    # Without what an interpreter that starts in the original is just writing
    # and will rename, which "cp -al" would stumble over.
    "$PYTHON" - "$1" "$copy" <<'END' || return
import os, shutil, sys
shutil.copytree(*sys.argv[1:], symlinks=True, copy_function=os.link,
                ignore=shutil.ignore_patterns('*.pyc.*'), dirs_exist_ok=True)
END
    echo "$copy"
}

# fetch_wheels VENV: print the path of a directory with the released wheels
# that the tests of the patches want
function fetch_wheels {
    local venv=$1 wheels=$GLANCE_PROGRESS_HOME/wheels requirement
    mkdir -p "$wheels" || return
    "$venv/bin/python3" -m tests.patches.test_released \
        | while read -r requirement; do
            compgen -G "$wheels/${requirement/==/-}-*.whl" >/dev/null \
                || echo "$requirement"
        done \
        | quietly "$GLANCE_PROGRESS_HOME/log/wheels.log" xargs -r -P 4 -n 1 \
            "$venv/bin/python3" -m pip download --no-input --no-deps \
            --disable-pip-version-check --ignore-requires-python -q \
            -d "$wheels" \
        || failed "could not fetch releases of Nova, Glance and Cinder" \
        || return
    echo "$wheels"
}
