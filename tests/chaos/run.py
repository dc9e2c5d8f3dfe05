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

"""The run: warm-up, chaos, rest, and what is to be said of it."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import itertools
import random
import threading
import time
from typing import Any

from glance_progress.ceph import lookout
import rbd

from tests.chaos import actions
from tests.chaos import agreement
from tests.chaos import calls
from tests.chaos import cloud
from tests.chaos import downloads
from tests.chaos import faultlog
from tests.chaos import faults
from tests.chaos import held
from tests.chaos import plan
from tests.chaos import rest
from tests.chaos import snapshots
from tests.chaos import twins
from tests.chaos import violations
from tests.chaos import watcher
from tests.functional import services

#: Actions at once, each on both sides.
ABREAST = 4

#: Uploads to each host, after all, to see whether they leave anything.
A_FEW = 10

#: How often; the last time counts.
ROUNDS = 3

#: Seconds after which nothing keeps a client of Ceph to look with.
KEPT = lookout._IDLE + 5


class Run:
    """Does everything once.

    :param clouds: runs already
    :param seed: decides what is done and what fails
    :param seconds: for which things fail
    """

    def __init__(self, clouds: cloud.Cloud, seed: int, seconds: float) -> None:
        self.cloud = clouds
        self.seed = seed
        self.seconds = seconds
        self._begin = begin = time.monotonic()
        self.found = violations.Violations(begin)
        self.log = faultlog.FaultLog(begin)
        self.twins = twins.Twins(self.log, self.found)
        self.web = downloads.Downloads(clouds.download_port)
        self.nova = snapshots.Pools(clouds.ceph, services.NOVA)
        self.pairs: list[tuple[twins.Pair, calls.Caller]] = []
        self.kinds: collections.Counter[str] = collections.Counter()
        self.looks = 0
        self.excused = 0
        self.slowest = 0.0
        self.rests: dict[str, Any] = {}

    def go(self) -> None:
        """Do it all; what is wrong is in ``found``."""
        self._warm_up()
        before = self._held()
        self._chaos()
        self.twins.conclude()
        self._rest(before)
        self._leaks()
        self._agree()
        self._no_leftovers()
        self.web.close()
        self.nova.close()

    def _warm_up(self) -> None:
        """Do one action of each kind, at each of the hosts in turn."""
        hosts = itertools.cycle(cloud.HOSTS)
        planned = [
            plan.make(self.seed, number, kind, next(hosts))
            for number, kind in enumerate(plan.KINDS)]
        with concurrent.futures.ThreadPoolExecutor(ABREAST) as pool:
            list(pool.map(self._act, planned))
        self._numbers = itertools.count(len(planned))
        with concurrent.futures.ThreadPoolExecutor(len(cloud.HOSTS)) as pool:
            list(pool.map(self._look_often, cloud.HOSTS))
        time.sleep(5)

    def _look_often(self, host: str) -> None:
        """Have each worker look into memcached, and at Ceph."""
        caller = calls.Caller(self.cloud.ours)
        image = caller.ask('POST', host, '/v2/images', json={
            'disk_format': 'raw', 'container_format': 'bare',
            'image_type': 'snapshot'}).json()
        time.sleep(3)  # a younger one is not looked for
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda _: caller.ask(
                'GET', host, '/v2/images/%s/progress' % image['id']),
                range(48)))

    def _chaos(self) -> None:
        over = threading.Event()
        groups = [
            kind(self.cloud, self.log,
                 random.Random('%d %s' % (self.seed, kind.__name__)))
            for kind in (faults.MemcachedFaults, faults.CephFaults,
                         faults.WorkerFaults)]
        until = time.monotonic() + self.seconds

        def act() -> None:
            while time.monotonic() < until:
                self._act(plan.make(self.seed, next(self._numbers)))

        with concurrent.futures.ThreadPoolExecutor(
                ABREAST + len(groups)) as pool:
            failing = [pool.submit(group.run, over) for group in groups]
            acting = [pool.submit(act) for _ in range(ABREAST)]
            concurrent.futures.wait(
                [*acting, *failing], timeout=self.seconds,
                return_when=concurrent.futures.FIRST_EXCEPTION)
            over.set()
            for each in [*acting, *failing]:
                each.result()

    def _act(self, planned: plan.Plan) -> None:
        """Do an action on both sides at once, with a watcher at ours."""
        both = [actions.Action(planned, calls.Caller(side), self.web,
                               self.nova) for side in self.cloud.sides]
        for each in both:
            each.create()
        ours, _ = both
        watch = watcher.Watcher(
            planned, ours.caller, ours.image_id, self.log, self.found)
        watch.start()
        try:
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                came = list(pool.map(actions.Action.perform, both))
        finally:
            watch.stop()
        for each in both:
            if each.outcome.status == 'active':
                held.check(each.caller.side, each.outcome, self.nova,
                           self.found, str(planned))
        self._own_requests(planned, ours, watch)
        print('%7.1f %s: %s; %d looks' % (
            came[0].end - self._begin, planned, came[0].result, watch.looks),
            flush=True)
        pair = twins.Pair(planned, *came)
        self.twins.compare(pair)
        self.pairs.append((pair, ours.caller))
        self.kinds[planned.kind] += 1
        self.looks += watch.looks
        self.excused += watch.excused
        self.slowest = max(self.slowest, watch.slowest)

    def _own_requests(self, planned: plan.Plan, ours: actions.Action,
                      watch: watcher.Watcher) -> None:
        """See whether a request was shown that was none of these."""
        self.found.checked('progress')
        others = watch.story.request_ids - set(ours.outcome.request_ids)
        if others and ours.outcome.all_answered:
            self.found.add('progress', '%s: requests %s of somebody else' % (
                planned, sorted(others)))

    def _held(self) -> dict[str, dict[str, dict[int, rest.Held]]]:
        return {side.name: {host: rest.held(api)
                            for host, api in side.hosts.items()}
                for side in self.cloud.sides}

    def _rest(self, before: Any) -> None:
        """See what is left when nothing has been to do for a while."""
        time.sleep(KEPT)
        after = self._held()
        for host in cloud.HOSTS:
            ours, stock = cloud.OURS, cloud.STOCK
            rest.compare(
                host, before[ours][host], after[ours][host],
                rest.grown(before[stock][host], after[stock][host]),
                self.found)
        self.rests = {
            side: {host: [[dataclasses.asdict(each) for each in when[side][
                host].values()] for when in (before, after)]
                for host in cloud.HOSTS} for side in before}

    def _leaks(self) -> None:
        """Upload some more to each host, and see whether any of it stays.

        More than once: a worker that has come last has yet to fill its pools.
        """
        held = []
        for _ in range(ROUNDS):
            planned = [dataclasses.replace(
                plan.make(self.seed, number, 'put', host), pause=0)
                for number, host in zip(self._numbers, cloud.HOSTS * A_FEW)]
            with concurrent.futures.ThreadPoolExecutor(ABREAST) as pool:
                list(pool.map(self._act, planned))
            time.sleep(10)
            held.append(self._held()[cloud.OURS])
        before, after = held[-2:]
        for host in cloud.HOSTS:
            rest.compare_sums(host, before[host], after[host], self.found)

    def _agree(self) -> None:
        images = agreement.Database(self.cloud, cloud.OURS).images()
        for pair, caller in self.pairs:
            agreement.check(caller, pair.ours.image_id,
                            images[pair.ours.image_id], self._lucky(pair),
                            self.found)

    def _no_leftovers(self) -> None:
        """See what is in staging areas and pools of which nobody knows.

        A worker that was killed leaves it, also with stock.
        """
        known = {
            side.name: agreement.Database(self.cloud, side.name).images()
            for side in self.cloud.sides}
        for pair, _ in self.pairs:
            self.found.checked('files')
            left = [self._left(side, came.image_id, known[side.name])
                    for side, came in zip(self.cloud.sides,
                                          (pair.ours, pair.stock))]
            if len(left[0]) > len(left[1]) and not self._lucky(pair):
                self.found.add('files', '%s: left by ours %s, stock %s' % (
                    pair.planned, *left))

    def _lucky(self, pair: twins.Pair) -> bool:
        return any(fault.kind in twins.LUCK for fault in self.log.between(
            pair.ours.begin, pair.ours.end))

    def _left(self, side: cloud.Side, image_id: str,
              known: dict[str, agreement.Image]) -> list[str]:
        left = []
        for host, api in side.hosts.items():
            left += ['%s: %s' % (host, path.name) for path in
                     (api.directory / 'staging').glob(image_id + '*')]
        for store, pool in side.pools.items():
            with self.nova.pool(pool) as ioctx:
                if (store not in known[image_id].stores
                        and image_id in self._names(pool, ioctx)):
                    left.append('pool %s' % store)
        return left

    def _names(self, pool: str, ioctx: Any) -> set[str]:
        if not hasattr(self, '_listed'):
            self._listed: dict[str, set[str]] = {}
        if pool not in self._listed:
            self._listed[pool] = set(rbd.RBD().list(ioctx))
        return self._listed[pool]

    def report(self) -> dict[str, Any]:
        """Return what was done, and what was found."""
        return {
            'seed': self.seed,
            'seconds': self.seconds,
            'actions': dict(self.kinds),
            'as_planned': self.twins.as_planned,
            'both_failed': self.twins.both_failed,
            'stock_failed_alone': self.twins.stock_failed,
            'by_luck': {'ours_failed_alone': self.twins.by_luck[0],
                        'stock_failed_alone': self.twins.by_luck[1]},
            'faults': self.log.counts(),
            'looks': self.looks,
            'went_back_excused': self.excused,
            'slowest_answer': round(self.slowest, 2),
            'checks': dict(self.found.checks),
            'violations': dict(self.found.found),
            'rest': self.rests,
        }
