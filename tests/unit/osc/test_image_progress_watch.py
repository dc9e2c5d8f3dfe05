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

import re

from glance_progress.records import wire
from tests.unit import base
from tests.unit import image_api
from tests.unit.osc import progress_base


class TestWatch(progress_base.TestCase):

    def watch(self, *answers, image='cirros', argv=()):
        self.api.answers = list(answers)
        return self.openstack('watch', image, *argv)

    def test_to_the_end(self):
        self.assertEqual(0, self.watch(
            image_api.a_snapshot('queued'), image_api.uploading(),
            image_api.uploading(500), image_api.finished()))
        text = [re.sub(r' (at least )?\d\d:\d\d ->', ' TIME ->', line)
                for line in self.lines()]
        self.assertEqual([
            'queued, waiting for data', 'queued TIME -> saving',
            'ceph  25.0%  250B/0.98KiB, 25B/s, ETA 00:30  uploading',
            'ceph  50.0%  500B/0.98KiB, 50B/s, ETA 00:10  uploading',
            'queued TIME -> saving TIME -> active',
            'ceph  100.0%  0.98KiB/0.98KiB, 100B/s  finished'], text)

    def test_already_active(self):
        self.assertEqual(0, self.watch(image_api.a_snapshot('active')))
        self.assertEqual(['active'], self.lines())

    def test_failure(self):
        self.assertEqual(1, self.watch(
            image_api.uploading(), image_api.failed()))
        self.assertIn('saving', self.lines()[-2])
        self.assertIn('-> queued', self.lines()[-2])
        self.assertIn('failed: No room.', self.lines()[-1])

    def test_failure_that_memcached_knows_nothing_of(self):
        self.assertEqual(1, self.watch(
            image_api.a_snapshot(), image_api.a_snapshot('queued')))

    def copied(self, **fields):
        return image_api.a_snapshot(
            'active', size=1000, stores=frozenset(['a', 'ceph']), records=[
                base.a_record(state=wire.FINISHED, request_id='req-1'),
                base.a_record(store='b', state=wire.FAILED, **fields)])

    def test_one_of_several_stores_failed(self):
        self.assertEqual(1, self.watch(self.copied(request_id='req-1')))
        self.assertEqual(1, self.watch(self.copied(
            request_id='req-2', sequence=2)))
        # memcached knows nothing of b
        self.assertEqual(1, self.watch(image_api.a_snapshot(
            'active', size=1000, stores=frozenset(['ceph']),
            failed=frozenset('b'), records=[base.a_record(
                state=wire.FINISHED, request_id='req-1')])))

    def test_earlier_attempt_failed(self):
        self.assertEqual(0, self.watch(self.copied(
            request_id='req-2', sequence=0)))

    def test_several_stores(self):
        self.assertEqual(0, self.watch(
            image_api.a_snapshot(
                'active', importing=True, size=1000,
                stores=frozenset(['a']), targets=frozenset(['b', 'ceph']),
                records=[base.a_record()]),
            image_api.finished()))
        self.assertEqual(
            ['active (copying)', 'a  100.0%  0.98KiB/0.98KiB  finished',
             'b  0.0%  0B/0.98KiB  waiting'], self.lines()[:3])
        self.assertEqual('ceph', self.lines()[3].split()[0])

    def test_stall(self):
        stalled = base.a_record()
        life = [image_api.uploading()] + 99 * [
            image_api.a_snapshot(records=[stalled], now=1100)]
        self.assertEqual(0, self.watch(*life, image_api.finished()))
        self.assertIn('stalled for 01:30', self.lines()[2])
        self.assertEqual(2, self.watch(*life, argv=['--timeout', '30']))
        self.assertEqual(1000131, self.clock.now)

    def test_nothing_happens(self):
        queued = image_api.a_snapshot('queued')
        self.assertEqual(0, self.watch(*999 * [queued], image_api.finished()))
        self.assertEqual(1000999, self.clock.now)
        self.assertEqual(2, self.watch(
            queued, argv=['--timeout', '3', '--interval', '.5']))
        self.assertEqual(1001002.5, self.clock.now)
        self.assert_says('Nothing has happened to image ' + base.IMAGE)

    def test_image_deleted(self):
        def delete():
            del self.api.images[base.IMAGE]
            return 404
        self.assertEqual(1, self.watch(image_api.uploading(), delete))
        self.assert_says('has been deleted')

    def test_image_deleted_because_it_failed(self):
        self.assertEqual(1, self.watch(
            image_api.uploading(),
            image_api.failed('deleted', failure='No\x1b[2Jroom.')))
        self.assert_says(
            'has been deleted. Before, it had failed: No?[2Jroom.')

    def test_errors_that_pass(self):
        self.assertEqual(0, self.watch(
            image_api.uploading(), 503, image_api.HANG_UP,
            image_api.finished()))
        self.assertEqual('', self.stderr.getvalue())

    def test_could_not_look(self):
        for answers, image, text in (
            ([image_api.uploading()], 'debian', 'debian'),
            ([403], 'cirros', '403'),
            ([image_api.uploading(), 503], 'cirros', '503'),
        ):
            self.assertEqual(255, self.watch(*answers, image=image))
            self.assert_says(text)
        self.api.extended = False
        self.assertEqual(255, self.watch())
        self.assert_says('no progress extension')

    def test_usage(self):
        for argv in (['--interval', '0'], ['--timeout', 'inf'],
                     ['--timeout', 'soon']):
            self.assertEqual(2, self.watch(argv=argv))
            self.assert_says(argv[0])
