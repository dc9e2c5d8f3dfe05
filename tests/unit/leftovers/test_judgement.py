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

"""Tests what two looks at an image prove, and what they do not."""

from __future__ import annotations

import dataclasses
from typing import Any

import hypothesis
from hypothesis import strategies
import testtools

from glance_progress.ceph import holdings
from glance_progress.ceph import places
from glance_progress.leftovers import facts
from glance_progress.leftovers import finding
from glance_progress.leftovers import judgement
from tests.unit import base

PLACE = places.Place('ceph', 'images', 'glance', '/etc/ceph/ceph.conf')
IMAGE = '8d4b1d3a-6f5c-4a55-9e0b-0a1f2e3d4c5b'
BEGUN = 1000.0


def a_row(status: str, **fields: Any) -> facts.Row:
    return facts.Row(status, updated_at=BEGUN, **fields)


def some_data(**fields: Any) -> holdings.Data:
    return holdings.Data(PLACE, IMAGE, 'abc', 10, **{
        'created_at': BEGUN + 1, 'modified_at': BEGUN + 1, **fields})


def a_task(status: str = 'processing', **fields: Any) -> facts.Task:
    return facts.Task('task', 'api_image_import', status, **{
        'created_at': BEGUN, 'updated_at': BEGUN, 'image_id': IMAGE,
        **fields})


def a_file(**fields: Any) -> facts.File:
    return facts.File('/staging/' + IMAGE, 10, **{
        'modified_at': BEGUN + 1, 'open': False, **fields})


def heard(ended: bool | None = True, **fields: Any) -> facts.Heard:
    return facts.Heard(**{
        'sequence': 1, 'started_at': BEGUN + 1, 'updated_at': BEGUN + 2,
        'uploading': True, 'ended': ended, **fields})


def an_image(row: facts.Row | None = None, *data: holdings.Data,
             **fields: Any) -> facts.Image:
    return facts.Image(IMAGE, row, data=data, **fields)


def judged(now: facts.Image, before: facts.Image | None = None
           ) -> list[tuple[str, str]]:
    """Return kind and state of what is found."""
    return [(each.kind, each.state)
            for each in judgement.judge(before or now, now)]


class SavingTest(testtools.TestCase):

    def test_dead(self):
        for now in (an_image(a_row('saving'), some_data()),
                    an_image(a_row('saving'), some_data(finished=True)),
                    an_image(a_row('saving'), heard=heard())):
            self.assertEqual([('uploads', 'left behind')], judged(now))

    def test_no_proof(self):
        for now in (
                an_image(a_row('saving')),
                # of an attempt before
                an_image(a_row('saving'), some_data(created_at=BEGUN - 60)),
                an_image(a_row('saving'), heard=heard(
                    started_at=BEGUN - 60)),
                # on another host
                an_image(a_row('saving'), heard=heard(None)),
                # Nova's
                an_image(a_row('saving'), some_data(cloned=True)),
                an_image(a_row('saving'), some_data(held='a lock')),
                an_image(a_row('saving'), some_data(held='a lock'),
                         heard=heard())):
            self.assertEqual([('uploads', 'unknown')], judged(now), now)

    def test_alive(self):
        before = an_image(a_row('saving'), some_data())
        for now in (an_image(a_row('saving'), some_data(watched=True)),
                    an_image(a_row('saving'), some_data(), heard=heard(False))
                    ):
            self.assertEqual([], judged(now))
            self.assertEqual([], judged(now, before))
            self.assertEqual([], judged(before, now))

    def test_whatever_moves_lives(self):
        now = an_image(a_row('saving'), some_data(), heard=heard())
        for before in (
                an_image(a_row('queued'), some_data(), heard=heard()),
                an_image(a_row('saving'), some_data(modified_at=BEGUN),
                         heard=heard()),
                an_image(a_row('saving'), some_data(), heard=heard(
                    updated_at=BEGUN)),
                an_image(a_row('saving'), heard=heard())):
            self.assertEqual([], judged(now, before))


class ImportTest(testtools.TestCase):

    ROW = a_row('importing', import_task='task', importing_to=('ceph',))

    def test_dead(self):
        for now in (
                an_image(self.ROW, some_data(), tasks=(a_task(),)),
                an_image(self.ROW, tasks=(a_task(),), heard=heard()),
                an_image(self.ROW),  # its task is gone
                an_image(self.ROW, tasks=(a_task('failure'),))):
            self.assertEqual([('uploads', 'left behind')], judged(now))

    def test_no_proof(self):
        elsewhere = frozenset(['file'])
        both = dataclasses.replace(self.ROW, importing_to=('ceph', 'file'))
        for now in (
                an_image(self.ROW, tasks=(a_task(),)),
                an_image(self.ROW, some_data(created_at=BEGUN - 60),
                         tasks=(a_task(),)),
                an_image(both, some_data(), tasks=(a_task(),),
                         elsewhere=elsewhere),
                # What is in another store would be lost.
                an_image(dataclasses.replace(self.ROW, stores=('second',)),
                         some_data(), tasks=(a_task(),))):
            self.assertEqual([('uploads', 'unknown')], judged(now))

    def test_nobody_holds_the_lock(self):
        row = dataclasses.replace(self.ROW, import_task=None)
        self.assertEqual([('uploads', 'left behind')], judged(an_image(row)))

    def test_some_stores_have_it(self):
        """Glance takes back what one store has when another fails."""
        row = dataclasses.replace(
            self.ROW, stores=('ceph',), placeholders=(1,))
        for data, state in ((some_data(finished=True), 'left behind'),
                            (some_data(held='it has clones'), 'unknown')):
            found, = judgement.judge(*[an_image(
                row, registered=(data,), tasks=(a_task('failure'),))] * 2)
            self.assertEqual((state, (data,)), (found.state, found.data))
        # What it is about to write to another proves nothing of the import.
        self.assertEqual([('uploads', 'unknown')], judged(an_image(
            row, registered=(some_data(finished=True),), tasks=(a_task(),))))
        self.assertEqual([], judged(an_image(
            row, registered=(some_data(watched=True),),
            tasks=(a_task('failure'),))))

    def test_staged_and_begun(self):
        row = a_row('uploading', stage_host='http://here', import_task='task')
        self.assertEqual([('tasks', 'left behind')], judged(an_image(
            row, tasks=(a_task('pending'),), heard=heard())))
        self.assertEqual([('tasks', 'unknown')], judged(an_image(
            row, tasks=(a_task('pending'),), heard=heard(
                started_at=BEGUN - 60))))

    def test_locations_without_data(self):
        for status in ('queued', 'active'):
            row = a_row(status, placeholders=(1, 2))
            self.assertEqual([('tasks', 'left behind')],
                             judged(an_image(row)))
            self.assertEqual([('tasks', 'unknown')], judged(an_image(
                dataclasses.replace(row, import_task='task'),
                tasks=(a_task(),))))

    def test_staged_by_another(self):
        """Who has staged it may have ended since."""
        for started_at in (BEGUN - 3, BEGUN - 0.5, BEGUN + 0.5):
            for method in ('glance-direct', None):
                self.assertEqual([('uploads', 'unknown')], judged(an_image(
                    self.ROW, tasks=(a_task(method=method),),
                    heard=heard(started_at=started_at, staging=True))))
        self.assertEqual([('uploads', 'left behind')], judged(an_image(
            self.ROW, tasks=(a_task(),),
            heard=heard(started_at=BEGUN + 5, staging=True))))

    def test_open_file(self):
        self.assertEqual([], judged(an_image(
            self.ROW, some_data(), tasks=(a_task(),),
            files=(a_file(open=True),))))

    def test_staged(self):
        self.assertEqual([], judged(an_image(
            a_row('uploading', stage_host='http://here'),
            files=(a_file(),), heard=heard())))
        self.assertEqual([('uploads', 'left behind')], judged(an_image(
            a_row('uploading'), files=(a_file(),), heard=heard())))
        self.assertEqual([('uploads', 'unknown')], judged(an_image(
            a_row('uploading'), files=(a_file(),))))


class CopyTest(testtools.TestCase):

    ROW = a_row('active', import_task='task', importing_to=('ceph',),
                stores=('second',))

    def test_dead(self):
        self.assertEqual(
            [('tasks', 'left behind'), ('copies', 'left behind'),
             ('staging', 'left behind')],
            judged(an_image(self.ROW, some_data(), tasks=(a_task(),),
                            files=(a_file(),))))

    def test_dead_before_it_was_staged(self):
        for started_at, state in ((BEGUN - 60, 'unknown'),
                                  (BEGUN - 0.5, 'left behind'),
                                  (BEGUN + 0.5, 'left behind')):
            self.assertEqual([('tasks', state), ('staging', state)], judged(
                an_image(self.ROW, tasks=(a_task(method='copy-image'),),
                         files=(a_file(),), heard=heard(
                             started_at=started_at, staging=True))))

    def test_no_proof(self):
        self.assertEqual(
            [('tasks', 'unknown'), ('staging', 'unknown')],
            judged(an_image(self.ROW, tasks=(a_task(),),
                            files=(a_file(),))))

    def test_without_a_lock(self):
        row = dataclasses.replace(self.ROW, import_task=None)
        self.assertEqual([('copies', 'left behind')],
                         judged(an_image(row, some_data())))


class DataTest(testtools.TestCase):

    def of(self, row: facts.Row | None, **fields: Any) -> str:
        (kind, state), = judged(an_image(row, some_data(**fields)))
        self.assertEqual('data', kind)
        return state

    def test_deleted(self):
        row = a_row('deleted', deleted=True)
        self.assertEqual('left behind', self.of(row))
        self.assertEqual('left behind', self.of(row, cloned=True))
        self.assertEqual('unknown', self.of(row, held='it has clones'))

    def test_of_others(self):
        self.assertEqual('unknown', self.of(None))

    def test_of_the_scrubber(self):
        self.assertEqual([], judged(an_image(
            a_row('pending_delete', deleted=False), some_data())))

    def test_snapshot_to_be_registered(self):
        for fields in ({'cloned': True}, {'finished': True}, {}):
            self.assertEqual('unknown', self.of(a_row('queued'), **fields))

    def test_begun(self):
        self.assertEqual([('data', 'left behind')], judged(an_image(
            a_row('queued'), some_data(), begun=frozenset(['abc']))))


class OthersTest(testtools.TestCase):

    def test_files(self):
        for row in (None, a_row('deleted', deleted=True), a_row('queued'),
                    a_row('active', stores=('ceph',))):
            self.assertEqual([('staging', 'left behind')], judged(
                an_image(row, files=(a_file(),))))
            self.assertEqual([('staging', 'unknown')], judged(
                an_image(row, files=(a_file(open=None),))))
            self.assertEqual([], judged(
                an_image(row, files=(a_file(open=True),))))

    def test_tasks_without_their_lock(self):
        for row in (None, a_row('active'), a_row('deleted', deleted=True)):
            self.assertEqual([('tasks', 'left behind')], judged(
                an_image(row, tasks=(a_task(),))))
        # It holds none, and may calculate the hash of an active image.
        registering = dataclasses.replace(a_task(), kind='location_import')
        for status in ('queued', 'active'):
            self.assertEqual([], judged(an_image(
                a_row(status), tasks=(registering,))))
        for row in (None, a_row('deleted', deleted=True)):
            self.assertEqual([('tasks', 'left behind')], judged(
                an_image(row, tasks=(registering,))))


def any_image() -> Any:
    flags = strategies.booleans()
    maybe = strategies.one_of(strategies.none(), flags)
    times = strategies.sampled_from([BEGUN - 60, BEGUN, BEGUN + 1])
    row = strategies.builds(
        facts.Row,
        strategies.sampled_from([
            'queued', 'saving', 'uploading', 'importing', 'active',
            'deactivated', 'killed', 'pending_delete', 'deleted']),
        deleted=flags, updated_at=times,
        import_task=strategies.sampled_from([None, 'task']),
        importing_to=strategies.sampled_from([(), ('ceph',), ('file',)]),
        stage_host=strategies.sampled_from([None, 'http://here']),
        snapshot=flags, stores=strategies.sampled_from([(), ('ceph',)]),
        placeholders=strategies.sampled_from([(), (1, 2)]))
    data = strategies.builds(
        some_data, created_at=times, watched=flags, finished=flags,
        cloned=flags, held=strategies.sampled_from([None, 'a lock']))
    task = strategies.builds(
        a_task, strategies.sampled_from(
            ['pending', 'processing', 'success', 'failure']),
        method=strategies.sampled_from(['glance-direct', 'copy-image']),
        created_at=times)
    return strategies.builds(
        facts.Image, strategies.just(IMAGE),
        strategies.one_of(strategies.none(), row),
        tasks=strategies.lists(task, max_size=1).map(tuple),
        data=strategies.lists(data, max_size=2).map(tuple),
        registered=strategies.lists(data, max_size=1).map(tuple),
        files=strategies.lists(strategies.builds(
            a_file, open=maybe), max_size=1).map(tuple),
        heard=strategies.one_of(strategies.none(), strategies.builds(
            heard, maybe, started_at=times, uploading=flags,
            staging=flags)),
        elsewhere=strategies.sampled_from(
            [frozenset(), frozenset(['file'])]))


class PropertiesTest(testtools.TestCase):
    """What holds whatever there is."""

    @hypothesis.given(any_image())
    @hypothesis.settings(max_examples=10 * base.EXAMPLES)
    def test_the_living_are_spared(self, image):
        removable = [each for each in judgement.judge(image, image)
                     if each.removable]
        if any(each.watched for each in (
                *image.data, *image.registered)) or any(
                each.open for each in image.files):
            self.assertEqual([], removable)
        for each in removable:
            self.assertFalse(any(data.held for data in each.data))
            self.assertFalse(any(file.open is not False
                                 for file in each.files
                                 if each.kind == finding.STAGING))
            if each.data:
                # This Glance knows of them.
                self.assertIsNotNone(image.row)
            if each.kind == finding.UPLOADS and (
                    each.task is None
                    or each.task.status in judgement.UNDER_WAY):
                self.assertTrue(
                    image.data or image.heard
                    or (image.row.import_task and not image.lock)
                    or (image.row.status == 'importing'
                        and not image.row.import_task))

    @hypothesis.given(any_image(), any_image())
    @hypothesis.settings(max_examples=5 * base.EXAMPLES)
    def test_what_changes_lives(self, before, now):
        hypothesis.assume(before != now)
        self.assertEqual([], judged(now, before))
