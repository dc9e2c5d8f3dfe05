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

"""What the Tempest plugin expects is what the Image API answers."""

import dataclasses

import hypothesis
from hypothesis import strategies as st
import jsonschema

from glance_progress.answer import shown
from glance_progress_tempest_plugin import schemas
from tests.unit import answer_base
from tests.unit import base
from tests.unit.records import test_wire


# As Tempest does
SHOW, LIST, HEADERS = map(jsonschema.Draft4Validator, (
    schemas.SHOW['response_body'], schemas.LIST['response_body'],
    schemas.SHOW['response_header']))


class TestSchemas(base.TestCase):

    def validate(self, image):
        SHOW.validate(image)
        for memcached in (None, {'servers': 2, 'answering': 0}):
            LIST.validate({'version': '1.4', 'images': [image],
                           'memcached': memcached,
                           'first': '/v2/info/progress'})

    def test_no_caches(self):
        HEADERS.validate({'cache-control': 'no-store', 'status': '200'})
        for headers in ({'cache-control': 'public'}, {}):
            self.assertRaises(
                jsonschema.ValidationError, HEADERS.validate, headers)

    @hypothesis.given(
        answer_base.images(), st.lists(test_wire.records(), max_size=4),
        test_wire.TIMES, st.booleans())
    def test_any_answer(self, image, records, now, admin):
        # The schema ends in the year 2255, records in 2262.
        records = {
            store: dataclasses.replace(
                record, store=store,
                sequence=min(record.sequence, 2 ** 53 * 1000))
            for store, record in zip(answer_base.STORES, records)}
        self.validate(shown.describe(
            image, records, now, answer_base.STALLED_AFTER, admin))

    def test_every_field_is_required(self):
        image = answer_base.describe(
            answer_base.an_image('saving'), answer_base.a_record())
        self.validate(image)
        store, = image['stores']
        for fields in (image, store):
            for name in list(fields):
                value = fields.pop(name)
                self.assertRaises(
                    jsonschema.ValidationError, SHOW.validate, image)
                fields[name] = value

    def test_no_other_field(self):
        image = answer_base.describe(
            answer_base.an_image('saving'), answer_base.a_record())
        for fields in (image, image['stores'][0]):
            fields['pool'] = 'images'
            self.assertRaises(
                jsonschema.ValidationError, SHOW.validate, image)
            del fields['pool']
        self.validate(image)
