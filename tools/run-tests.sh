#!/bin/bash
# Runs everything that CI runs. The last line is "N passed, N failed,
# N skipped", added up from the results that the test runners have stored.
#
#   tools/run-tests.sh [lint] [unit] [functional] [nova]   default: all of them
#
# Run it as root on Debian 12. What is missing gets installed: packages with
# apt, Python packages into environments outside of this tree.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

LANES=(lint unit functional nova)

# Each of these is one failed or passed check, see check().
CHECKS_PASSED=0
CHECKS_FAILED=0
RESULTS=()

function usage {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

# check COMMAND...: a check without a test runner counts as one test
function check {
    echo "--- $*"
    if "$@"; then
        CHECKS_PASSED=$((CHECKS_PASSED + 1))
    else
        CHECKS_FAILED=$((CHECKS_FAILED + 1))
    fi
}

# run_stestr NAME VENV ARGUMENT...: run tests and keep what came of them
function run_stestr {
    local name=$1 venv=$2
    shift 2
    local repository=$SCRATCH/$name
    mkdir "$repository"
    RESULTS+=("$SCRATCH/$name.subunit")
    PATH=$venv/bin:$PATH stestr --repo-url "$repository" "$@" || true
    PATH=$venv/bin:$PATH stestr --repo-url "$repository" last --subunit \
        >"$SCRATCH/$name.subunit" || true
}

function lane_lint {
    local venv
    venv=$(make_venv lint tools/requirements/lint.txt)
    install_project "$venv"
    check "$venv/bin/flake8"
    check "$venv/bin/doc8" -q README.rst CONTRIBUTING.rst doc/source \
        releasenotes
    check "$venv/bin/mypy" --cache-dir "$SCRATCH/mypy"
    check "$venv/bin/sphinx-build" -q -E -W -b html -d "$SCRATCH/doctrees" \
        doc/source "$SCRATCH/html"
    check "$venv/bin/reno" --quiet lint
}

# What is for OpenStackClient runs where users have it: without Glance.
function lane_unit {
    local venv
    run_stestr unit "$GLANCE_VENV" run --exclude-regex 'tests\.unit\.osc'
    venv=$(client_venv)
    run_stestr unit-osc "$venv" --test-path ./tests/unit/osc run
}

# Each of the two workers has services of its own, which the tests of a class
# share.
function lane_functional {
    local venv
    venv=$(client_venv)
    GLANCE_PROGRESS_TEST_DIR=$SCRATCH \
        GLANCE_PROGRESS_OPENSTACK=$venv/bin/openstack \
        run_stestr functional "$GLANCE_VENV" \
        --test-path ./tests/functional --group_regex '([^.]+\.){4}' \
        run --concurrency 2
}

# Nova as released, and copies of it: with our patches, and with upstream's fix
# of rebuild taken out, so that the extension has to do it alone.
function lane_nova {
    local release venv copy
    local -A venvs
    for release in 34 26 20; do
        venvs[$release]=$(nova_venv "$release")
    done
    run_nova nova-34 "${venvs[34]}"
    OS_NOVA_DISABLE_EVENTLET_PATCHING=1 run_nova nova-34-threads \
        "${venvs[34]}" 'ExtensionTest.test_re|FaultTest.test_a'
    for release in 26 20; do
        run_nova "nova-$release" "${venvs[$release]}"
    done
    for release in 34 26 20; do
        copy=$(copy_venv "${venvs[$release]}" "nova-$release-patched")
        check tools/apply_patches.py apply "$copy"
        run_nova "nova-$release-patched" "$copy" \
            'test_patched|test_upstream.Patched'
    done
    copy=$(copy_venv "${venvs[34]}" nova-34-unfixed)
    sed -i "/update({'image_base_image_ref': image_id})/d" \
        "$copy"/lib/python3*/site-packages/nova/compute/api.py
    run_nova nova-34-unfixed "$copy" '(Stock|Extension)Test.test_rebuild'
    GLANCE_PROGRESS_WHEELS=$(fetch_wheels "${venvs[34]}") \
        run_stestr patches "${venvs[34]}" --test-path ./tests/patches run
}

# run_nova NAME VENV [REGEX]: run the tests on Nova's harness. The coming and
# going of services and warnings of old libraries would be all that one sees.
function run_nova {
    PYTHONWARNINGS=ignore run_stestr "$1" "$2" \
        --test-path ./tests/nova run "${@:3}"
}

# The tests end their own services, unless they are killed.
function clean_up {
    local file pid started
    while read -r file; do
        read -r pid started <"$file"
        [[ $(cut -d' ' -f22 "/proc/$pid/stat" 2>/dev/null) != "$started" ]] \
            || kill "$pid"
    done < <(find "$SCRATCH" -path '*/run/*.pid')
    rm -rf "$SCRATCH"
}

for lane; do
    [[ " ${LANES[*]} " == *" $lane "* ]] || usage
done
[[ $# -gt 0 ]] || set -- "${LANES[@]}"

GLANCE_VENV=$(services_venv test)
SCRATCH=$(mktemp -d /tmp/gp.XXXXXX)
trap clean_up EXIT
trap 'exit 130' INT TERM

for lane; do
    printf '\n=== %s\n' "$lane"
    "lane_$lane"
done
echo
PYTHONPATH=. "$GLANCE_VENV/bin/python3" -m tools.sum_results \
    --passed "$CHECKS_PASSED" --failed "$CHECKS_FAILED" "${RESULTS[@]}"
