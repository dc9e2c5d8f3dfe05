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

import types

from glance_progress.upload import item
from glance_progress.upload import progress
from glance_progress.upload import tasks
from tests.unit import base


class Source:
    label, size = 'a', 1000


def a_task(state=tasks.SENDING, phase=None, percent=None, sent=None):
    task = tasks.Task(item.Item('a', Source()), state=state)
    if phase is not None:
        task.snapshot = {'phase': phase, 'percent': percent}
    if sent is not None:
        body = types.SimpleNamespace(sent=sent)
        task.body = type('Body', (), {
            '__len__': lambda self: 1000, 'sent': body.sent})()
    return task


class TestShare(base.TestCase):

    def test_by_the_word_of_the_cloud(self):
        for phase, percent, share in (
                ('queued', None, 0), ('upload', 25.0, 0.25),
                ('upload', None, 0), ('staging', 50.0, 0.25),
                ('staged', None, 0.5), ('converting', 10.0, 0.5),
                ('import', 50.0, 0.75), ('done', 100.0, 1)):
            # What was sent says nothing.
            self.assertEqual(share, progress.share(
                a_task(phase=phase, percent=percent, sent=999)), phase)

    def test_by_what_was_sent(self):
        self.assertEqual(0.5, progress.share(a_task(sent=500), blind=True))
        self.assertEqual(0, progress.share(a_task(), blind=True))

    def test_ended(self):
        self.assertEqual(1, progress.share(a_task(tasks.SKIPPED)))


class TestWhole(base.TestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(base.Clock(
            'glance_progress.upload.progress'))
        self.whole = progress.Whole()

    def look(self, *looked):
        return self.whole.look(looked, blind=False)

    def test_sum(self):
        first = self.look(a_task(tasks.WAITING), a_task(
            phase='upload', percent=0.0), a_task(tasks.SKIPPED),
            a_task(tasks.FAILED))
        self.assertEqual((2, 4, 0, 2000, None, None, 0.0), (
            first.ended, first.count, first.done, first.total, first.rate,
            first.eta, first.percent))
        self.clock.now += 2
        second = self.look(a_task(tasks.UPLOADED), a_task(
            phase='upload', percent=40.0))
        self.assertEqual((1400, 2000, 700.0, 70.0), (
            second.done, second.total, second.rate, second.percent))
        self.assertAlmostEqual(600 / 700, second.eta)

    def test_never_100_before_the_end(self):
        self.assertEqual(99.9, self.look(
            a_task(phase='done', percent=100.0)).percent)
        self.assertEqual(100, self.look(a_task(tasks.UPLOADED)).percent)

    def test_nothing_is_known(self):
        task = a_task()
        task.item.source = None
        self.assertIsNone(self.look(task).percent)

    def test_rate_of_the_last_seconds(self):
        for second in range(20):
            total = self.look(a_task(
                phase='upload', percent=min(second, 5) * 10.0))
            self.clock.now += 1
        self.assertIsNone(total.rate)
