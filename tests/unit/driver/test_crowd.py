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

"""How many uploads that hash are a crowd."""

import contextlib
import os
import time
from unittest import mock

from glance_progress.driver import crowd
from glance_progress import process
from tests.unit import base


class TestCrowd(base.TestCase):

    def setUp(self):
        super().setUp()
        for owner, name, value in ((os, 'sched_getaffinity', {1, 5}),
                                   (process, 'is_green', False),
                                   (time, 'monotonic', 1000.0)):
            patched = mock.patch.object(
                owner, name, autospec=True, return_value=value)
            setattr(self, name, patched.start())
            self.addCleanup(patched.stop)
        self.addCleanup(setattr, crowd, '_until', 0.0)

    def assert_none_hashes(self):
        self.assertEqual(0, crowd._hashing)

    def test_more_than_two_for_each_processor(self):
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(crowd.Member().hashing())
                self.assertFalse(crowd.is_there())
            with crowd.Member().hashing():
                self.assertTrue(crowd.is_there())
        self.assert_none_hashes()

    def test_stays_for_a_second(self):
        self.sched_getaffinity.return_value = set()
        with crowd.Member().hashing():
            pass
        for after, there in (0.9, True), (1.1, False):
            self.monotonic.return_value = 1000.0 + after
            self.assertEqual(there, crowd.is_there())
        with crowd.Member().hashing():
            self.assertTrue(crowd.is_there())

    def test_threads_of_one_upload(self):
        self.sched_getaffinity.return_value = {1}
        one, other = crowd.Member(), crowd.Member()
        with one.hashing(), one.hashing(), other.hashing(), other.hashing():
            self.assertFalse(crowd.is_there())
            with crowd.Member().hashing():
                self.assertTrue(crowd.is_there())
        self.assert_none_hashes()

    def test_one_of_two_threads_that_ends(self):
        self.sched_getaffinity.return_value = {1}
        one = crowd.Member()
        with one.hashing():
            with one.hashing():
                pass
            with crowd.Member().hashing(), crowd.Member().hashing():
                self.assertTrue(crowd.is_there())

    def test_one_that_fails_is_over(self):
        with contextlib.suppress(ValueError), crowd.Member().hashing():
            raise ValueError()
        self.assert_none_hashes()

    def test_green(self):
        """There all uploads wait when one does."""
        self.sched_getaffinity.return_value = set()
        self.is_green.return_value = True
        with crowd.Member().hashing():
            self.assertFalse(crowd.is_there())
