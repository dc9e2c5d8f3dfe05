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

"""Of which images nothing was heard for long."""

import dataclasses

from glance_progress.records import wire
from tests.unit import answer_base
from tests.unit import base

LATER = answer_base.LATER
a_record = answer_base.a_record
an_image = answer_base.an_image
describe = answer_base.describe


class TestSilence(base.TestCase):

    def silent(self, image, *records, changed_at=1000.25, now=LATER,
               after=10):
        answered = describe(
            dataclasses.replace(image, changed_at=changed_at), *records,
            now=now, silent_after=after)
        if answered['silent_since'] is None:
            self.assertIsNone(answered['silent_since_iso'])
            self.assertNotEqual('unknown', answered['phase'])
            return False
        self.assertEqual(
            ('unknown', None, 1000.25, '1970-01-01T00:16:40Z'), tuple(
                answered[name] for name in (
                    'phase', 'percent', 'silent_since', 'silent_since_iso')))
        return True

    def test_nothing_was_heard_for_long(self):
        for status in ('saving', 'uploading'):
            self.assertTrue(self.silent(an_image(status)))

    def test_of_an_earlier_attempt(self):
        self.assertTrue(self.silent(
            an_image('saving'), a_record(state=wire.FAILED)))

    def test_something_was_heard(self):
        self.assertFalse(self.silent(an_image('saving'), a_record()))

    def test_it_may_have_been(self):
        saving = an_image('saving')
        self.assertFalse(self.silent(saving, now=1010.0))
        self.assertFalse(self.silent(saving, now=1010.25))
        self.assertFalse(self.silent(saving, after=None))
        self.assertFalse(self.silent(saving, changed_at=None))

    def test_no_data_are_expected(self):
        for image in (an_image('queued'), an_image('active', stores='a'),
                      an_image('uploading', size=5)):
            self.assertFalse(self.silent(image))
