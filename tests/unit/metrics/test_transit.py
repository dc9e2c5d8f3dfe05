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

"""Tests for what is told of images in transit."""

from prometheus_client import core

from glance_progress.answer import phases
from glance_progress.metrics import transit
from glance_progress.records import wire
from tests.unit import base
from tests.unit import image_api

NOW = 1010.0


def samples(families):
    """Return values by name and labels of a sample."""
    return {(sample.name, *sample.labels.values()): sample.value
            for family in families for sample in family.samples}


class TestFamilies(base.TestCase):

    def of(self, *images, **kwargs):
        made = transit.Families(**kwargs)
        return samples(made.of(images, NOW))

    def test_nothing(self):
        told = self.of()
        self.assertEqual({'glance_progress_images'},
                         {name for name, *_ in told})
        self.assertEqual({0}, set(told.values()))

    def test_an_upload(self):
        told = self.of(image_api.uploading())
        for value, *labels in (
            (1, 'glance_progress_images', 'upload'),
            (0, 'glance_progress_images', 'import'),
            (1, 'glance_progress_uploads', 'ceph', 'upload'),
            (25, 'glance_progress_upload_bytes_per_second', 'ceph'),
            (0, 'glance_progress_stalled_uploads', 'ceph'),
            (10, 'glance_progress_oldest_upload_age_seconds', 'ceph'),
        ):
            self.assertEqual(value, told[tuple(labels)], labels)

    def test_stores_are_added_up(self):
        told = self.of(*(
            image_api.uploading(started_at=started_at, store=store)
            for started_at, store in (
                (1000, 'ceph'), (900, 'ceph'), (1005, 'second'))))
        self.assertEqual(
            [2, 1, 110, 5], [told[name] for name in (
                ('glance_progress_uploads', 'ceph', 'upload'),
                ('glance_progress_uploads', 'second', 'upload'),
                ('glance_progress_oldest_upload_age_seconds', 'ceph'),
                ('glance_progress_oldest_upload_age_seconds', 'second'))])

    def test_a_stalled_upload(self):
        told = self.of(image_api.a_snapshot(
            records=[base.a_record()], now=1110))
        self.assertEqual(1, told['glance_progress_stalled_uploads', 'ceph'])
        self.assertEqual(
            0, told['glance_progress_upload_bytes_per_second', 'ceph'])

    def test_clock_of_a_writer_that_is_fast(self):
        told = self.of(image_api.uploading(started_at=1020.0))
        self.assertEqual(
            0, told['glance_progress_oldest_upload_age_seconds', 'ceph'])

    def test_stores_that_wait(self):
        told = self.of(image_api.a_snapshot(
            'importing', importing=True, size=1000,
            targets=frozenset(['ceph', 'second']), records=[
                base.a_record(store=wire.STAGING_STORE, sequence=1,
                              state=wire.FINISHED, bytes_written=1000),
                base.a_record(sequence=2)]))
        self.assertEqual(1, told['glance_progress_images', phases.IMPORT])
        self.assertEqual({'ceph', 'second'}, {
            labels[0] for name, *labels in told
            if name == 'glance_progress_uploads'})
        self.assertEqual(
            {'ceph'}, {labels[0] for name, *labels in told
                       if name == 'glance_progress_oldest_upload_age_seconds'})

    def test_memcached_knows_nothing(self):
        told = self.of(image_api.a_snapshot())
        self.assertEqual(1, told['glance_progress_images', 'upload'])
        self.assertEqual({'glance_progress_images'},
                         {name for name, *_ in told})

    def test_a_phase_of_the_future(self):
        told = self.of({**image_api.uploading(), 'phase': 'polishing'})
        self.assertEqual(1, told['glance_progress_images', 'polishing'])

    def test_a_store_that_has_nothing_any_more(self):
        made = transit.Families()
        list(made.of([image_api.uploading()], NOW))
        told = samples(made.of([], NOW))
        self.assertEqual(
            0, told['glance_progress_upload_bytes_per_second', 'ceph'])
        self.assertNotIn(
            ('glance_progress_oldest_upload_age_seconds', 'ceph'), told)

    def test_no_image_is_named_unless_it_is_wanted(self):
        for family in transit.Families().of([image_api.uploading()], NOW):
            for sample in family.samples:
                self.assertNotIn(base.IMAGE, str(sample))

    def test_per_image(self):
        images = [image_api.uploading(started_at=1000.0 + n, total_bytes=None)
                  for n in range(3)]
        for n, image in enumerate(images):
            image['image_id'] = 'image-%d' % n
        images[0]['stores'][0]['total_bytes'] = 1000
        told = self.of(*reversed(images), per_image=2)
        name = 'glance_progress_image_%s_bytes'
        self.assertEqual(
            {(name % 'written', 'image-0', 'ceph'): 250,
             (name % 'written', 'image-1', 'ceph'): 250,
             (name % 'size', 'image-0', 'ceph'): 1000},
            {labels: value for labels, value in told.items()
             if labels[0].startswith('glance_progress_image_')})

    def test_they_are_metrics(self):
        for family in transit.Families(1).of([image_api.uploading()], NOW):
            self.assertIsInstance(family, core.Metric)
            self.assertTrue(family.documentation.endswith('.'))
