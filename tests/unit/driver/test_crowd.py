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

"""How many threads that hash are a crowd."""

import contextlib
import os
from unittest import mock

from glance_progress.driver import crowd
from glance_progress import process
from tests.unit import base


class TestCrowd(base.TestCase):

    def setUp(self):
        super().setUp()
        for owner, name, value in ((os, 'sched_getaffinity', {1, 5}),
                                   (process, 'is_green', False)):
            patched = mock.patch.object(
                owner, name, autospec=True, return_value=value)
            setattr(self, name, patched.start())
            self.addCleanup(patched.stop)

    def test_two_for_each_processor_are_none(self):
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(crowd.hashing())
                self.assertFalse(crowd.is_there())
            with crowd.hashing():
                self.assertTrue(crowd.is_there())
            self.assertFalse(crowd.is_there())
            self.sched_getaffinity.return_value = {1}
            self.assertTrue(crowd.is_there())
        self.assertFalse(crowd.is_there())

    def test_one_that_fails_is_over(self):
        self.sched_getaffinity.return_value = set()
        with contextlib.suppress(ValueError), crowd.hashing():
            self.assertTrue(crowd.is_there())
            raise ValueError()
        self.assertFalse(crowd.is_there())

    def test_green(self):
        """There all uploads wait when one does."""
        self.sched_getaffinity.return_value = set()
        self.is_green.return_value = True
        with crowd.hashing():
            self.assertFalse(crowd.is_there())
