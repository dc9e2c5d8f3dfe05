#!/bin/bash
# Runs everything that CI runs. The last line is "N passed, N failed,
# N skipped", added up from the results that the test runners have stored.
#
#   tools/run-tests.sh [LANE...]
#   tools/run-tests.sh quick
#
# The lanes are lint, unit, functional, deploy, cloud, chaos and nova; without
# arguments it runs all of them. "quick" is for whoever changes something: lint,
# the unit tests on the newest Glance, and uploads on a real Ceph.
#
# Run it as root on Debian 12. What is missing gets installed: packages with
# apt, Python packages into environments outside of this tree.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

# In this order. The first goes on beside all but the last: it takes processor
# time and little else, and the others mostly wait for services.
LANES=(nova lint unit functional deploy cloud chaos)
BESIDE=(nova)
declare -A RUNNING=()
# What comes before a test runner: nothing, or aside.
ASIDE=()
# Between the oldest and the newest. Their Glance has a script.
EVENTLET_RELEASES=(2024.1 2025.2)

function usage {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

# check COMMAND...: a check without a test runner counts as one test
function check {
    echo "--- $*"
    if "$@"; then
        echo "$*" >>"$SCRATCH/passed"
    else
        check_failed "$*"
    fi
}

# In a file, since each lane is a process.
function check_failed {
    echo "$1" >>"$SCRATCH/failed"
}

# took NAME START: what began at START of SECONDS has ended
function took {
    local seconds
    seconds=$((SECONDS - $2))
    printf '%3d min %02d s  %s\n' $((seconds / 60)) $((seconds % 60)) "$1" \
        >>"$SCRATCH/took"
}

# run_stestr NAME VENV ARGUMENT...: run tests and keep what came of them. They
# have an hour.
function run_stestr {
    local name=$1 venv=$2
    shift 2
    local repository=$SCRATCH/$name
    expect "$name"
    mkdir "$repository"
    # Not the script: in a copy of an environment it starts the original's
    # interpreter.
    PATH=$venv/bin:$PATH "${ASIDE[@]}" timeout -k 30 3600 \
        "$venv/bin/python3" -m stestr --repo-url "$repository" "$@" || true
    "$venv/bin/python3" -m stestr --repo-url "$repository" last --subunit \
        >"$SCRATCH/$name.subunit" || true
}

# aside COMMAND...: call it so that it lets all others go first. To be nice
# counts within a session alone where the kernel shares the processors out among
# sessions, and services are sessions of their own.
function aside {
    # shellcheck disable=SC2016
    setsid --wait bash -c \
        '{ echo 10 >/proc/$$/autogroup; } 2>/dev/null; exec "$@"' aside "$@"
}

# expect NAME...: the results of these runs belong to the sum
function expect {
    local name
    for name; do
        echo "$SCRATCH/$name.subunit" >>"$SCRATCH/results"
    done
}

function lint_venv {
    local venv
    venv=$(make_venv lint) || return
    install_project "$venv" || return
    echo "$venv"
}

function lane_lint {
    local venv
    venv=$(lint_venv) || { check_failed 'environment of lint'; return 0; }
    check "$venv/bin/flake8"
    PATH=$venv/bin:$PATH check tools/lint-shell.sh
    check "$venv/bin/doc8" -q README.rst CONTRIBUTING.rst HACKING.rst \
        doc/source releasenotes
    check "$venv/bin/mypy" --cache-dir "$SCRATCH/mypy"
    check "$venv/bin/sphinx-build" -q -E -W -b html -d "$SCRATCH/doctrees" \
        doc/source "$SCRATCH/html"
    check "$venv/bin/reno" --quiet lint
}

function lane_quick {
    lane_lint
    unit_of_newest
    GLANCE_PROGRESS_TEST_DIR=$SCRATCH run_stestr functional "$GLANCE_VENV" \
        --test-path ./tests/functional run --serial \
        'test_glance.GlanceTest.test_(known|unknown)_size'
}

function unit_of_newest {
    measured run_stestr unit "$GLANCE_VENV" \
        run --exclude-regex 'tests\.unit\.osc'
}

# With the libraries of old releases, too. What is for OpenStackClient runs
# where users have it: without Glance.
function lane_unit {
    local venv release
    unit_of_newest
    for release in zed "${EVENTLET_RELEASES[@]}"; do
        venv=$(released_glance_venv "$release") \
            || { check_failed "environment of Glance $release"; continue; }
        # Nova has an environment of its own, and folders are uploaded by
        # clients, with newer libraries.
        HYPOTHESIS_PROFILE=few run_stestr "unit-$release" "$venv" \
            run --exclude-regex 'tests\.unit\.(osc|upload|nova_snapshot_fix)'
    done
    venv=$(client_venv) \
        || { check_failed 'environment of the client'; return 0; }
    measured run_stestr unit-osc "$venv" --test-path ./tests/unit/osc run
}

# Each of the four workers has services of its own, which the tests of a class
# share. They wait more than they work, most of all for Ceph to take a client
# that was killed for dead.
function lane_functional {
    local venv release
    # Before the workers, which would write into this tree at the same time.
    for release in "${EVENTLET_RELEASES[@]}"; do
        released_glance_venv "$release" >/dev/null \
            || { check_failed "environment of Glance $release"; return 0; }
    done
    venv=$(client_venv) \
        || { check_failed 'environment of the client'; return 0; }
    GLANCE_PROGRESS_TEST_DIR=$SCRATCH \
        GLANCE_PROGRESS_OPENSTACK=$venv/bin/openstack \
        measured run_stestr functional "$GLANCE_VENV" \
        --test-path ./tests/functional --group_regex '([^.]+\.){4}' \
        run --concurrency 4
}

# Everything fails, beside stock Glance, for 90 s.
function lane_chaos {
    released_glance_venv 2025.2 >/dev/null \
        || { check_failed 'environment of Glance 2025.2'; return 0; }
    GLANCE_PROGRESS_TEST_DIR=$SCRATCH run_stestr chaos "$GLANCE_VENV" \
        --test-path ./tests/chaos run --serial
}

# As clouds install and configure it: what their own tools make of our recipes.
function lane_deploy {
    local venv
    # With the files of a Cinder and a Nova that have been released.
    venv=$(make_venv cinder-nova-2026.2) \
        || { check_failed 'environment of Cinder and Nova'; return 0; }
    GLANCE_PROGRESS_CINDER_NOVA=$venv run_stestr devstack "$GLANCE_VENV" \
        --test-path ./tests/devstack run
    GLANCE_PROGRESS_TEST_DIR=$SCRATCH run_stestr deploy "$GLANCE_VENV" \
        --test-path ./tests/deploy --group_regex '([^.]+\.){3}' \
        run --concurrency 2
}

# Nova as released, and copies of it: with our patches, and with upstream's fix
# of rebuild taken out, so that the extension has to do it alone. What takes
# long comes first.
NOVA_JOBS=(nova-20 nova-34 nova-26 nova-34-mariadb nova-34-threads
    nova-34-patched nova-26-patched nova-20-patched nova-34-unfixed
    nova-34-wheels)

function run_lane {
    local lane=$1
    # What has to be answered in time waits for no other test.
    [[ $lane != chaos ]] || wait_beside
    if [[ " ${BESIDE[*]} " == *" $lane "* ]]; then
        begin "lane_$lane" >"$SCRATCH/$lane.log" 2>&1
        RUNNING[$lane]=$!
    else
        printf '\n=== %s\n' "$lane"
        begin "lane_$lane"
        wait $! || check_failed "$lane"
    fi
}

# wait_beside: what lanes in the background have to say is said when they have
# ended
function wait_beside {
    local lane
    wait "$PREPARING" || true
    for lane in "${!RUNNING[@]}"; do
        wait "${RUNNING[$lane]}" || check_failed "$lane"
        printf '\n=== %s\n%s\n' "$lane" "$(<"$SCRATCH/$lane.log")"
        unset "RUNNING[$lane]"
    done
}

# begin FUNCTION ARGUMENT...: call it in the background, where bash does not
# wait for a command to end before it heeds a signal
function begin {
    {
        set +e
        local start=$SECONDS status
        "$@"
        status=$?
        took "${1#lane_}" "$start"
        exit "$status"
    } &
}

# prepare LANE...: make the environments for these lanes. They hold nothing of
# this tree yet, which tests may be reading. What fails here will fail again
# where it is wanted, and will be told there.
function prepare {
    local lane release
    renice -n 5 "$BASHPID"
    for lane; do
        case $lane in
            unit)
                make_venv openstackclient
                for release in zed "${EVENTLET_RELEASES[@]}"; do
                    bare_glance_venv "$release"
                done
                ;;
            deploy)
                make_venv cinder-nova-2026.2
                make_venv kolla-2026.1
                ;;
            cloud)
                # shellcheck disable=SC2046
                apt_install $(packages cloud) $(packages browser)
                make_venv cloud-2026.2
                make_venv dashboard-2026.2
                ;;
        esac
    done
}

function lane_nova {
    renice -n 19 "$BASHPID"
    ASIDE=(aside)
    expect "${NOVA_JOBS[@]}"
    side_by_side 2 nova_job "${NOVA_JOBS[@]}"
}

# Those tests that have most to do with the databases.
MARIADB_AGAIN='ActionsTest.test_(refused_rebuild_then_migrate|request)'
MARIADB_AGAIN+='|\.CommandTest.test_(everything|refused_(then_mig|and_image))'
MARIADB_AGAIN+='|HarmlessTest.test_(stale|hidden|rebuild)'
MARIADB_AGAIN+='|FaultTest.test_(two|another_w)|Volume\w*Test.test_volume'

# nova_job nova-RELEASE[-KIND]
function nova_job {
    local name=$1 release kind venv wheels
    IFS=- read -r _ release kind <<<"$name"
    venv=$(nova_venv "$release")
    case $kind in
        patched | unfixed)
            venv=$(copy_venv "$venv")
            # shellcheck disable=SC2064
            trap "rm -rf '$venv'" EXIT
            ;;
    esac
    case $kind in
        '')
            measured run_nova "$name" "$venv" --exclude-regex test_patched
            ;;
        threads)
            OS_NOVA_DISABLE_EVENTLET_PATCHING=1 run_nova "$name" "$venv" \
                'test_actions.ExtensionTest.test_re|FaultTest.test_a'
            ;;
        mariadb)
            # clean_up() ends the server of a job that was killed.
            GLANCE_PROGRESS_TEST_DIR=$SCRATCH PYTHONWARNINGS=ignore \
                run_stestr "$name" "$venv" --test-path ./tests/nova_mariadb \
                run --serial "test_writers|$MARIADB_AGAIN"
            ;;
        patched)
            patches/apply.py apply "$venv"
            run_nova "$name" "$venv" test_patched
            ;;
        unfixed)
            sed -i "/update({'image_base_image_ref': image_id})/d" \
                "$venv"/lib/python3*/site-packages/nova/compute/api.py
            GLANCE_PROGRESS_UNFIXED_NOVA=1 run_nova "$name" "$venv" \
                'test_actions.(Stock|Extension)Test.test_rebuild'
            ;;
        wheels)
            wheels=$(fetch_wheels "$venv")
            GLANCE_PROGRESS_WHEELS=$wheels run_stestr "$name" "$venv" \
                --test-path ./tests/patches run --serial
            ;;
    esac
}

# run_nova NAME VENV ARGUMENT...: run tests on Nova's harness. Warnings of old
# libraries would be all that one sees.
function run_nova {
    PYTHONWARNINGS=ignore run_stestr "$1" "$2" \
        --test-path ./tests/nova run --serial "${@:3}"
}

# side_by_side WIDTH FUNCTION NAME...: call FUNCTION with each NAME, WIDTH at a
# time. It calls run_stestr with the same NAME, in a shell of its own; where it
# fails before that, results are missing, which counts. What it says is shown
# when it has ended.
function side_by_side {
    local width=$1 function=$2 name
    shift 2
    for name; do
        while [[ $(jobs -rp | wc -l) -ge $width ]]; do
            wait -n || true
        done
        {
            set +e
            (set -e; "$function" "$name") >"$SCRATCH/$name.log" 2>&1
            printf -- '--- %s\n%s\n' "$name" "$(<"$SCRATCH/$name.log")"
        } &
    done
    wait
}

# A cloud with this package: Tempest, and then settings of Glance and Nova of
# which only a whole cloud shows what comes.
function lane_cloud {
    local venv dashboard
    venv=$(cloud_venv) \
        || { check_failed 'environment of the cloud'; return 0; }
    # shellcheck disable=SC2046
    apt_install $(packages browser) \
        || { check_failed 'browser'; return 0; }
    dashboard=$(dashboard_venv) \
        || { check_failed 'environment of the dashboard'; return 0; }
    patched_cinder "$venv" || check_failed 'patched Cinder'
    run_cloud up 900 --dashboard "$dashboard" \
        || { check_failed 'start of the cloud'; return 0; }
    run_tempest "$venv"
    GLANCE_PROGRESS_CLOUD=$CLOUD run_stestr locations "$venv" \
        --test-path ./tests/cloud run --serial
    GLANCE_PROGRESS_CLOUD=$CLOUD run_stestr dashboard "$venv" \
        --test-path ./tests/dashboard run --serial
    check run_cloud down 120
}

# patched_cinder VENV: Cinder's own tests of what our patches change, and ours,
# on a copy of an environment that has Cinder
function patched_cinder {
    local venv
    venv=$(copy_venv "$1") || return
    patches/apply.py apply --project cinder "$venv" \
        && PYTHONWARNINGS=ignore run_stestr cinder-patched "$venv" \
            --test-path ./tests/cinder run --serial
    local status=$?
    rm -rf "$venv"
    return "$status"
}

# run_cloud ACTION SECONDS [ARGUMENT...]
function run_cloud {
    PYTHONPATH=. timeout --foreground -k 30 "$2" \
        "$GLANCE_PROGRESS_HOME/venv/cloud-2026.2/bin/python3" \
        -m allinone "$1" --directory "$CLOUD" "${@:3}"
}

# run_tempest VENV: our plugin's tests, and those of Tempest itself on images
# and on what makes them of servers and volumes
function run_tempest {
    local venv=$1
    local regex='glance_progress_tempest_plugin'
    regex+='|\.api\.(image\.v2|compute\.(images|servers\.test_server_actions))'
    regex+='|\.api\.volume\..*(image|upload|bootable)'
    expect tempest
    (
        cd "$CLOUD/tempest"
        PATH=$venv/bin:$PATH
        # There is nothing here to download an image from.
        OS_TEST_TIMEOUT=300 timeout -k 30 1200 tempest run --concurrency 2 \
            --regex "$regex" \
            --exclude-regex 'test_image_web_download_import\['
        stestr last --subunit >"$SCRATCH/tempest.subunit"
    ) || true
}

# descendants PID: as they are at this moment, parents before their children
function descendants {
    ps -eo pid=,ppid= | awk -v of="$1" '
        { children[$2] = children[$2] " " $1 }
        function list(pid,    each, i, n) {
            n = split(children[pid], each)
            for (i = 1; i <= n; i++) { print each[i]; list(each[i]) }
        }
        END { list(of) }'
}

# The tests end their own services, unless they are killed.
function clean_up {
    set +e  # what is to be ended may end by itself meanwhile
    local file pid started lane
    # Twice: something may have been begun meanwhile.
    for _ in 1 2; do
        # shellcheck disable=SC2046
        kill $(descendants $$) 2>/dev/null
    done
    for lane in "${!RUNNING[@]}"; do
        printf '\n=== %s, which was not waited for\n' "$lane"
        tail -n 50 "$SCRATCH/$lane.log"
    done
    if [[ -d $CLOUD ]]; then
        run_cloud down 120 >/dev/null || true
        mkdir -p "$GLANCE_PROGRESS_HOME/log/cloud"
        cp "$CLOUD"/log/* "$GLANCE_PROGRESS_HOME/log/cloud" || true
    fi
    while read -r file; do
        read -r pid started <"$file" || continue
        if [[ $(cut -d' ' -f22 "/proc/$pid/stat") == "$started" ]]; then
            kill "$pid"
            kill -CONT "$pid"  # a test may have stopped it
        fi
    done < <(find "$SCRATCH" -path '*/run/*.pid')
    rm -rf "$SCRATCH"
}

# measured COMMAND...: call it, and have all Python that it starts keep what it
# runs of this project, where the environment has coverage. What is killed tells
# nothing, and so do servers under eventlet, which end by SIGTERM itself.
function measured {
    COVERAGE_PROCESS_START=$PWD/tools/coverage.ini \
        COVERAGE_FILE=$SCRATCH/coverage/data "$@"
}

# What the lanes that were measured have not run is named.
function report_coverage {
    local coverage=("$GLANCE_VENV/bin/python3" -m coverage)
    local rc=--rcfile=$PWD/tools/coverage.ini
    (
        cd "$SCRATCH/coverage"
        "${coverage[@]}" combine "$rc" --quiet --data-file=data \
            && "${coverage[@]}" report "$rc" --data-file=data
    )
}

PROFILE='test'
if [[ $* == quick ]]; then
    LANES=(quick)
    PROFILE=demo
fi
for lane; do
    [[ " ${LANES[*]} " == *" $lane "* ]] || usage
done
[[ $# -gt 0 ]] || set -- "${LANES[@]}"

if ! GLANCE_VENV=$(services_venv "$PROFILE"); then
    echo 'failed: environment of Glance'
    echo '0 passed, 1 failed, 0 skipped'
    exit 1
fi
SCRATCH=$(mktemp -d /tmp/gp.XXXXXX)
CLOUD=$SCRATCH/cloud
trap clean_up EXIT
trap 'exit 130' INT TERM
mkdir "$SCRATCH/coverage"
touch "$SCRATCH"/{passed,failed,results,took}
took 'packages and the environment of Glance' 0

begin prepare "$@" >"$SCRATCH/prepare.log" 2>&1
PREPARING=$!
for lane; do
    run_lane "$lane"
done
wait_beside
echo
[[ " $* " != *' functional '* ]] || check report_coverage
cat "$SCRATCH/took"
mapfile -t failed <"$SCRATCH/failed"
mapfile -t results < <(sort -u "$SCRATCH/results")
PYTHONPATH=. "$GLANCE_VENV/bin/python3" -m tools.sum_results \
    --passed "$(wc -l <"$SCRATCH/passed")" "${failed[@]/#/--failed=}" \
    "${results[@]}"
