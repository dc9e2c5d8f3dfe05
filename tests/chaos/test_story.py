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

"""That what is wrong with progress is seen, and nothing else."""

from __future__ import annotations

from typing import Any

import testtools

from tests.chaos import plan
from tests.chaos import story

IMAGE = 'b5b57dab-8015-4b66-824d-ecc9ca0c37d4'


def answer(written: int, percent: float, total: int | None = 2000,
           sequence: int = 7, **more: Any) -> dict[str, Any]:
    """Return an answer about an upload to one store."""
    state = more.pop('state', 'uploading')
    return {
        'image_id': IMAGE, 'percent': min(percent, 99.9), 'phase': 'upload',
        'source': 'memcached', 'last_failure': None, 'stores': [{
            'store': 'ceph', 'state': state, 'bytes_written': written,
            'total_bytes': total, 'percent': percent, 'sequence': sequence,
            'request_id': 'req-1', 'measured_by': None}], **more}


class StoryTest(testtools.TestCase):

    def setUp(self) -> None:
        super().setUp()
        # The first attempt is of 1000 bytes, the second of 2000.
        self.story = story.Story(plan.Plan(
            1, 'cut', 'one', 'two', 2000, 1000, 0, ('ceph',), '1 1'))

    def assert_wrong(self, what: str, *answers: dict[str, Any]) -> None:
        *before, last = answers
        for each in before:
            self.assertEqual([], self.story.wrong(IMAGE, each))
        self.assertIn(what, ' '.join(self.story.wrong(IMAGE, last)))

    def test_right(self) -> None:
        for each in (
                answer(500, 50.0, 1000), answer(500, 50.0, 1000),
                answer(600, 60.0, 1000, state='failed', phase='failed'),
                answer(0, 0.0, sequence=8), answer(2000, 99.9, sequence=8),
                answer(2000, 100.0, sequence=8, state='finished')):
            self.assertEqual([], self.story.wrong(IMAGE, each))

    def test_falls(self) -> None:
        self.assert_wrong('bytes fall', answer(1000, 50.0), answer(999, 50.0))

    def test_percent_falls(self) -> None:
        self.assert_wrong(
            'percent falls', answer(1000, 50.0), answer(1000, 49.9))

    def test_percent_of_the_phase_falls(self) -> None:
        self.assert_wrong(
            'percent of phase upload falls', answer(1000, 50.0),
            {**answer(1000, 50.0), 'percent': 40.0})

    def test_beyond(self) -> None:
        self.assert_wrong('100.1 percent', answer(2000, 100.1))

    def test_more_bytes_than_announced(self) -> None:
        self.assert_wrong('2001 of 2000 bytes', answer(2001, 99.9))

    def test_done_before_the_end(self) -> None:
        self.assert_wrong('100 percent, uploading', answer(2000, 100.0))

    def test_older_attempt(self) -> None:
        self.assert_wrong('back to attempt 7', answer(0, 0.0, sequence=8),
                          answer(0, 0.0, sequence=7))

    def test_total_of_an_earlier_attempt(self) -> None:
        self.assert_wrong('attempts with totals', answer(0, 0.0),
                          answer(0, 0.0, 1000, sequence=8))

    def test_total_of_another_image(self) -> None:
        self.assert_wrong('a total of 3000', answer(0, 0.0, 3000))

    def test_total_of_an_attempt_changes(self) -> None:
        self.assert_wrong('changes from 2000 to 1000', answer(0, 0.0),
                          answer(0, 0.0, 1000))

    def test_another_image(self) -> None:
        self.assert_wrong('it is of image', answer(0, 0.0, image_id='other'))
