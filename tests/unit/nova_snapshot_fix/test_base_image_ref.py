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


import hypothesis
from hypothesis import strategies
import testtools

from nova_snapshot_fix import base_image_ref as rule
from nova_snapshot_fix.base_image_ref import Reason
from nova_snapshot_fix.base_image_ref import Unknown

A, B, S = 'image-a', 'image-b', 'snapshot'


class TestDecide(testtools.TestCase):

    def check(self, value, reason, *args, **kwargs):
        self.assertEqual(
            rule.Answer(value, reason), rule.decide(*args, **kwargs))

    def test_volume_backed(self):
        for image_ref in ('', None):
            for present in (None, '', A):
                self.check(present, Reason.VOLUME_BACKED, image_ref, present)

    def test_names_the_image(self):
        self.check(A, Reason.NAMES_IMAGE, A, A)
        self.check(S, Reason.NAMES_IMAGE, S, S, A)
        self.check(S, Reason.NAMES_IMAGE, S, S, A, base_of_snapshot='origin')

    def test_names_the_origin(self):
        self.check(A, Reason.NAMES_ORIGIN, S, A, A)
        self.check(A, Reason.NAMES_ORIGIN, S, A, A, requested=S)

    def test_missing(self):
        for present in (None, ''):
            for origin in (None, A, *Unknown):
                self.check(S, Reason.MISSING, S, present, origin)

    def test_missing_and_origin_wanted(self):
        def check(value, reason, origin):
            self.check(value, reason, S, None, origin,
                       base_of_snapshot='origin')

        check(None, Reason.ASK_GLANCE, Unknown.NOT_ASKED)
        check(A, Reason.MISSING, A)
        for origin in (None, '', Unknown.GONE, Unknown.NO_ANSWER):
            check(S, Reason.MISSING, origin)

    def test_other_image(self):
        self.check(B, Reason.ASK_GLANCE, A, B)
        self.check(A, Reason.OTHER_IMAGE, A, B, None)
        self.check(S, Reason.OTHER_IMAGE, S, B, A)
        self.check(A, Reason.OTHER_IMAGE, S, B, A, base_of_snapshot='origin')

    def check_refused(self, value, reason, *args, **kwargs):
        for of_requested in True, None:
            self.assertEqual(
                rule.Answer(value, reason, refused=True), rule.decide(
                    *args, **kwargs, of_requested=of_requested))

    def test_refused(self):
        """Where the RequestSpec says so it takes no look at Glance."""
        for origin in None, Unknown.NOT_ASKED, Unknown.GONE:
            self.check_refused(
                A, Reason.OTHER_IMAGE, A, B, origin, requested=B)
            self.check_refused(A, Reason.MISSING, A, None, origin, requested=B)
        for origin in None, Unknown.NOT_ASKED:
            self.check_refused(
                A, Reason.STALE_REQUEST, A, A, origin, requested=B)
        self.check_refused(
            A, Reason.IMAGE_GONE, A, A, Unknown.GONE, requested=B)

    def test_refused_and_no_answer(self):
        """What there is stays, so that another look can tell."""
        for present in None, A, B, S:
            self.check_refused(present, Reason.NO_ANSWER, A, present,
                               Unknown.NO_ANSWER, requested=B)

    def test_refused_image_is_the_origin(self):
        self.check_refused(S, Reason.OTHER_IMAGE, S, A, A, requested=A)

    def test_request_alone(self):
        """The metadata are not of the image that the RequestSpec names."""
        def check(value, reason, image_ref, present, origin):
            self.check(value, reason, image_ref, present, origin,
                       requested=B, of_requested=False)

        for origin in (None, *Unknown):
            check(A, Reason.STALE_REQUEST, A, A, origin)
            check(A, Reason.MISSING, A, None, origin)
        check(A, Reason.STALE_REQUEST, S, A, A)

    def test_capitals(self):
        for image_ref, one, other in ('a', 'A', 'a'), ('A', 'a', 'A'):
            self.check(one, Reason.NAMES_IMAGE, image_ref, one, None, other)
            self.check(one, Reason.NAMES_ORIGIN, S, one, other, S.upper())
        self.assertFalse(rule.stale_request('a', 'A'))
        for nothing in None, '':
            self.assertFalse(rule.stale_request(nothing, 'a'))
            self.assertFalse(rule.stale_request('a', nothing))
            self.assertFalse(rule.same_image(nothing, nothing))

    def test_image_gone(self):
        self.check(A, Reason.IMAGE_GONE, S, A, Unknown.GONE)
        self.check(A, Reason.IMAGE_GONE, S, A, Unknown.GONE, requested=S)
        self.check(A, Reason.NO_ANSWER, S, A, Unknown.NO_ANSWER)

    ids = strategies.sampled_from([None, '', A, B, S])

    @hypothesis.given(
        ids, ids, strategies.one_of(ids, strategies.sampled_from(Unknown)),
        ids, strategies.sampled_from(['image', 'origin']),
        strategies.sampled_from([None, False, True]))
    def test_what_holds_always(
        self, image_ref, present, origin, requested, base_of_snapshot,
        of_requested
    ):
        answer = rule.decide(
            image_ref, present, origin, requested, base_of_snapshot,
            of_requested)
        self.assertFalse(answer.right and answer.wrong)
        if answer.refused:
            self.assertFalse(answer.right)
            self.assertIsNot(False, of_requested)
        if answer.wrong:
            self.assertIn(answer.value, (image_ref, origin))
        else:
            self.assertEqual(present, answer.value)
        if origin is not Unknown.NOT_ASKED:
            self.assertIsNot(Reason.ASK_GLANCE, answer.reason)
        # Once mended it stays, once the RequestSpec is mended as well.
        if answer.wrong:
            self.assertTrue(rule.decide(
                image_ref, answer.value, origin, image_ref,
                base_of_snapshot).right)
