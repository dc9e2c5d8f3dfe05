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


"""The table that doc/source/admin/base-images.rst shows, row by row."""

import dataclasses

import testtools

from nova_snapshot_fix import judgement
from nova_snapshot_fix import known
from nova_snapshot_fix import remembered

KEY = known.KEY
Row = judgement.Row
Rebuild = known.Rebuild
Unknown = known.Unknown

SAME = object()

OF_A = {'hw_disk_bus': 'virtio'}
OF_C = {'os_type': 'windows'}

FACTS = known.Facts(
    uuid='s', project_id='p', image_ref='A', busy=False,
    metadata={KEY: 'A', 'image_hw_disk_bus': 'virtio'},
    columns={'image_ref': 'A', 'os_type': None}, recorded=OF_A,
    volume_backed=False, volume=None, has_request=True, requested='A',
    requested_properties=OF_A, rebuild=Rebuild.UNKNOWN)


def image(image_id, base=None, properties=OF_A):
    return known.Image(image_id, base, properties, {})


def facts(key='A', **fields):
    metadata = {name: value for name, value in dict(
        FACTS.metadata, **{KEY: key}).items() if value is not None}
    return dataclasses.replace(FACTS, metadata=metadata, **fields)


def refused(key='C', **fields):
    """Return the facts as a refused rebuild with C leaves them."""
    return facts(key, **{
        'requested': 'C', 'requested_properties': OF_C, 'recorded': OF_C,
        'rebuild': Rebuild.REFUSED, **fields})


def of_volume(key='B', **fields):
    return facts(key, **{
        'volume_backed': True, 'volume': 'v', 'image_ref': '',
        'columns': {'image_ref': '', 'os_type': None}, 'requested': 'B',
        'ever_refused': fields.get('rebuild') is Rebuild.REFUSED, **fields})


class TestJudge(testtools.TestCase):

    def judge(self, facts, answer=None, base=judgement.IMAGE):
        """Judge with what Glance or Cinder answers; None: not asked."""
        self.asked = []

        def ask(which):
            self.asked.append(which)
            self.assertIsNotNone(answer)
            return answer

        verdict = judgement.judge(facts, ask, ask, base)
        which = facts.volume if facts.volume_backed else facts.image_ref
        self.assertEqual([which] if answer is not None and which else [],
                         self.asked)
        return verdict

    def assert_row(self, row, facts, answer=None, key=SAME, request=False,
                   **more):
        verdict = self.judge(facts, answer, **more)
        self.assertIs(row, verdict.row)
        self.assertEqual(facts.key if key is SAME else key, verdict.key)
        self.assertEqual(request, verdict.request)
        if request and not facts.volume_backed and not facts.remembers:
            self.assertEqual(facts.image_ref, verdict.request_id)
        return verdict

    # Consistent.

    def test_agree(self):
        """What is enough to call a server consistent."""
        for enough in (('A', 'A', None), ('A', 'a', 'A'), ('A', 'A', 'a'),
                       (None, 'X', None), ('', None, '')):
            self.assertTrue(judgement.agree(*enough), enough)
        for wrong in (('A', 'A', 'C'), ('A', 'X', None), ('A', 'X', 'A'),
                      ('A', None, 'A'), (None, 'C', 'C'), ('', '', 'C')):
            self.assertFalse(judgement.agree(*wrong), wrong)

    def test_names_image(self):
        for each in (facts(), facts(requested=None),
                     facts('a'), facts(requested='a'),
                     facts(rebuild=Rebuild.REFUSED)):
            self.assert_row(Row.NAMES_IMAGE, each)
            self.assertTrue(judgement.agree(
                each.image_ref, each.key, each.requested))

    def test_names_origin(self):
        self.assert_row(Row.NAMES_ORIGIN, facts('O'), image('A', 'o'))

    def test_volume(self):
        for each in (of_volume(), of_volume(image_ref='A'),
                     of_volume('A', image_ref='B', rebuild=Rebuild.REFUSED),
                     of_volume('', requested=None),
                     of_volume(None, rebuild=Rebuild.ACCEPTED),
                     of_volume(requested=None, rebuild=Rebuild.REFUSED)):
            self.assert_row(Row.VOLUME, each)

    def test_no_image_and_no_volume(self):
        self.assert_row(Row.VOLUME, facts('', image_ref=None))

    def test_volume_as_requested(self):
        """A refusal that has been undone looks like one, but for Cinder."""
        self.assert_row(
            Row.VOLUME_AS_REQUESTED, of_volume(rebuild=Rebuild.REFUSED),
            image('B'))

    # Refused, and remembered.

    def memory(self, **fields):
        return dataclasses.replace(remembered.Remembered(
            'A', 'A', 'req', dict(FACTS.metadata), {'os_type': None}),
            **fields)

    def remembering(self, facts, **fields):
        return dataclasses.replace(
            facts, remembers=True, remembered=self.memory(**fields),
            remembered_rebuild=Rebuild.REFUSED)

    def test_refused_remembered(self):
        for key in 'C', 'A', None:
            verdict = self.assert_row(
                Row.REFUSED_REMEMBERED, self.remembering(refused(key)),
                key='A', request=True)
            self.assertEqual(
                ('A', judgement.Source.REMEMBERED, True, self.memory(
                    columns={'os_type': None, 'image_ref': 'A'})),
                (verdict.request_id, verdict.source, verdict.clear,
                 verdict.restore))

    def test_refused_remembered_of_volume(self):
        """The image_ref that Nova has put there goes, and no id comes."""
        before = dict(FACTS.metadata, **{KEY: ''})
        verdict = self.assert_row(
            Row.REFUSED_REMEMBERED, self.remembering(
                of_volume('C', image_ref='V', requested='C',
                          requested_properties=OF_C, recorded=OF_C,
                          rebuild=Rebuild.REFUSED),
                image_ref='', requested=None, image_metadata=before),
            key='', request=True)
        self.assertIsNone(verdict.request_id)
        self.assertEqual('', verdict.restore.columns['image_ref'])

    def test_refused_and_undone_by_a_conductor(self):
        """The columns are what it cannot put back."""
        undone = facts(rebuild=Rebuild.REFUSED, columns={
            'image_ref': 'A', 'os_type': 'windows'})
        self.assert_row(
            Row.REFUSED_REMEMBERED, self.remembering(undone), key='A')
        self.assert_row(Row.NAMES_IMAGE, self.remembering(
            dataclasses.replace(undone, columns=FACTS.columns)))

    def test_refused_and_undone_but_for_the_request(self):
        """The metadata are what they were, and not what was requested."""
        verdict = self.assert_row(
            Row.REFUSED_REMEMBERED, self.remembering(facts(
                requested='C', requested_properties=OF_C,
                rebuild=Rebuild.REFUSED)), key='A', request=True)
        self.assertEqual('A', verdict.request_id)

    def test_memory_of_no_refusal(self):
        """Else these would be written as they were before a rebuild."""
        for each in (
            self.remembering(refused(rebuild=Rebuild.ACCEPTED)),
            self.remembering(refused(rebuild=Rebuild.UNKNOWN)),
            dataclasses.replace(self.remembering(refused()),
                                remembered_rebuild=Rebuild.ACCEPTED),
            dataclasses.replace(self.remembering(refused()),
                                remembered=None),
        ):
            self.assertIsNone(judgement._by_memory(each))

    def test_refused_otherwise_than_by_the_scheduler(self):
        """The conductor has not put image_ref back, and nobody has rebuilt."""
        verdict = self.assert_row(
            Row.REFUSED_REMEMBERED,
            self.remembering(refused(image_ref='C')), key='A', request=True)
        self.assertEqual('A', verdict.restore.columns['image_ref'])

    def test_memory_that_does_not_count(self):
        """It goes, and the server is judged as if it had never been."""
        for each in (
            self.remembering(facts(rebuild=Rebuild.ACCEPTED)),
            # Of the rebuild before: that one succeeded.
            dataclasses.replace(self.remembering(facts(
                rebuild=Rebuild.REFUSED)),
                remembered_rebuild=Rebuild.ACCEPTED),
            self.remembering(facts(rebuild=Rebuild.UNKNOWN)),
            # Somebody has changed the metadata since.
            self.remembering(facts(rebuild=Rebuild.REFUSED, recorded=OF_C),
                             image_metadata={}, requested='O'),
            self.remembering(facts(rebuild=Rebuild.REFUSED, recorded=OF_C),
                             image_metadata={}),
            dataclasses.replace(facts(), remembers=True),
        ):
            verdict = self.assert_row(Row.NAMES_IMAGE, each)
            self.assertTrue(verdict.clear)
            self.assertIs(judgement.State.REMEMBERED, verdict.state)

    def test_undone_by_a_conductor_and_key_written_since(self):
        """As resize and shelving do; it is right, too."""
        for each in (facts('A', rebuild=Rebuild.REFUSED),
                     of_volume('', requested='A', rebuild=Rebuild.REFUSED)):
            self.assertIsNone(judgement._by_memory(self.remembering(
                each, image_ref=each.image_ref,
                image_metadata=dict(FACTS.metadata, **{KEY: 'O'}))))

    def half(self, facts, **fields):
        """A repair has not come to the RequestSpec, or not to its end."""
        return dataclasses.replace(
            self.remembering(facts, written=True, **fields),
            rebuild_request='req')

    def test_refused_and_half_written(self):
        """The RequestSpec is what is left; Nova may write the key before."""
        for key in 'A', 'O', 'X':
            verdict = self.assert_row(
                Row.REFUSED_REQUEST, self.half(refused(key, recorded=OF_A)),
                request=True)
            self.assertEqual(('A', None, True), (
                verdict.request_id, verdict.restore, verdict.clear))
        for key in 'V', '':
            left = self.half(
                of_volume(key, requested='C', requested_properties=OF_C,
                          rebuild=Rebuild.REFUSED),
                image_ref='', requested='V')
            verdict = self.assert_row(Row.REFUSED_REQUEST, left, request=True)
            self.assertEqual('V', verdict.request_id)
            verdict = self.assert_row(
                Row.VOLUME_AS_REQUESTED, dataclasses.replace(
                    left, requested='V', requested_properties=OF_A),
                image('V'))
            self.assertTrue(verdict.clear)

    def test_half_written_and_refused_again(self):
        """By a nova-api without the extension: all of it comes back."""
        again = dataclasses.replace(
            self.half(refused()), rebuild_request='later')
        self.assert_row(Row.REFUSED_REMEMBERED, again, key='A', request=True)

    # Refused, and nothing remembered.

    def test_refused_image(self):
        for key in 'C', 'c', 'A', None, 'X':
            verdict = self.assert_row(
                Row.REFUSED_IMAGE, refused(key), image('A'), key='A',
                request=True)
            self.assertEqual(
                ('A', judgement.Source.GLANCE, image('A')),
                (verdict.request_id, verdict.source, verdict.restore))
        self.assert_row(Row.REFUSED_IMAGE, refused(), image('A', 'O'),
                        key='O', request=True, base=judgement.ORIGIN)

    def test_refused_image_with_the_same_properties(self):
        """Then the key alone tells whose the metadata are."""
        same = image('A', 'O', OF_C)
        self.assert_row(Row.REFUSED_IMAGE, refused(), same, key='A',
                        request=True)
        for key in 'A', 'O':
            self.assert_row(Row.REFUSED_REQUEST, refused(key), same,
                            request=True)
        self.assert_row(Row.UNEXPLAINED, refused('X'), same)

    def test_refused_origin(self):
        """The refused image is the one that the server's stems from."""
        self.assert_row(Row.REFUSED_IMAGE, refused(), image('A', 'C'),
                        key='A', request=True)
        # With the same properties, and with the key that was there before.
        self.assert_row(Row.REFUSED_IMAGE, refused(), image('A', 'C', OF_C),
                        key='A', request=True)
        for outcome in Rebuild.ACCEPTED, Rebuild.UNKNOWN:
            self.assert_row(
                Row.NAMES_ORIGIN, facts('O', requested='O', rebuild=outcome),
                image('A', 'O'))

    def test_refused_image_gone(self):
        verdict = self.assert_row(
            Row.REFUSED_IMAGE_GONE, refused(), Unknown.GONE, key='A')
        self.assertIs(judgement.State.PARTIAL, verdict.state)
        self.assertFalse(verdict.of_server)

    def test_refused_request(self):
        """The rest has been put back, or was never of the refused image."""
        for key in 'A', 'O':
            self.assert_row(
                Row.REFUSED_REQUEST, refused(key, recorded=OF_A),
                image('A', 'O') if key == 'O' else None, request=True)
        for outcome in Rebuild.REFUSED, Rebuild.ACCEPTED:
            self.assert_row(Row.REFUSED_REQUEST, of_volume(
                'A', requested='C', requested_properties=OF_C,
                rebuild=outcome, ever_refused=True), image('A'), request=True)
        # As shelve has written the key, and an owner has edited the image.
        self.assert_row(Row.VOLUME_AS_REQUESTED, of_volume(
            '', requested='B', requested_properties=OF_C,
            rebuild=Rebuild.ACCEPTED, ever_refused=True), image('B'))
        self.assert_row(Row.VOLUME, of_volume(
            'C', requested='C', requested_properties=OF_C,
            rebuild=Rebuild.REFUSED))

    def test_refused_volume(self):
        broken = of_volume(
            'C', requested='C', requested_properties=OF_C, recorded=OF_C,
            rebuild=Rebuild.REFUSED)
        for found in 'V', None:
            verdict = self.assert_row(
                Row.REFUSED_VOLUME, broken, image(found), key=found or '',
                request=True)
            self.assertEqual(
                (None, judgement.Source.CINDER, image(found)),
                (verdict.request_id, verdict.source, verdict.restore))
        self.assert_row(Row.NO_ANSWER, broken, Unknown.NO_ANSWER)
        for unknown in Unknown.NOT_SEEN, Unknown.GONE:
            self.assert_row(Row.NOT_SEEN, broken, unknown)
        self.assert_row(Row.NO_ANSWER, dataclasses.replace(
            broken, volume=None))

    # Of no rebuild.

    def test_stale_request(self):
        """What a driver has registered does not make them C's."""
        for each in (
            facts(requested='C'), facts(requested='C', recorded=OF_C),
            facts(requested='C', requested_properties=OF_C),
            facts(requested='C', requested_properties=OF_C, recorded=OF_C,
                  rebuild=Rebuild.ACCEPTED),
        ):
            self.assert_row(Row.STALE_REQUEST, each, request=True)
        self.assert_row(Row.STALE_REQUEST, facts('O', requested='C',
                                                 recorded=OF_C),
                        image('A', 'O'), request=True)

    def test_missing(self):
        for key in None, '':
            self.assert_row(Row.MISSING, facts(key), key='A')
        self.assert_row(Row.MISSING, facts(None, requested='C',
                                           requested_properties=OF_C),
                        key='A', request=True)
        for answer, key in ((image('A', 'O'), 'O'), (image('A'), 'A'),
                            (Unknown.GONE, 'A')):
            self.assert_row(Row.MISSING, facts(None), answer, key=key,
                            base=judgement.ORIGIN)
            self.assert_row(
                Row.MISSING, facts(None, requested='C',
                                   requested_properties=OF_C),
                answer, key=key, request=True, base=judgement.ORIGIN)
        for answer, row in ((Unknown.NO_ANSWER, Row.NO_ANSWER),
                            (Unknown.NOT_SEEN, Row.NOT_SEEN)):
            self.assert_row(row, facts(None), answer, key=None,
                            base=judgement.ORIGIN)

    # Unjudged.

    def test_unexplained(self):
        for each in (facts('X'), facts('X', requested=None),
                     facts('X', rebuild=Rebuild.REFUSED),
                     facts('X', rebuild=Rebuild.ACCEPTED),
                     facts('C', requested='C', rebuild=Rebuild.ACCEPTED)):
            self.assert_row(Row.UNEXPLAINED, each, image('A', 'O'))

    def test_origin_gone(self):
        self.assert_row(Row.ORIGIN_GONE, facts('X'), Unknown.GONE)

    def test_shelved_image(self):
        for each in facts(None), facts('X'), refused():
            self.assert_row(Row.SHELVED_IMAGE, dataclasses.replace(
                each, shelved_image='a'))
        self.assert_row(Row.MISSING, facts(None, shelved_image='S'), key='A')

    def test_unshelving_failed(self):
        """And the next one has taken what it left, and deleted the image."""
        for each in refused(), refused('O'), facts(
                None, requested='O', rebuild=Rebuild.ACCEPTED):
            each = dataclasses.replace(each, unshelve_failed=True)
            self.assert_row(Row.SHELVED_IMAGE, each, Unknown.GONE)
            self.assert_row(
                Row.SHELVED_IMAGE, each, image('A', each.requested))
            self.assert_row(Row.NO_ANSWER, each, Unknown.NO_ANSWER)
            self.assertEqual(1, len(self.asked))
        self.assert_row(
            Row.REFUSED_IMAGE, refused(unshelve_failed=True), image('A', 'O'),
            key='A', request=True)
        self.assert_row(
            Row.MISSING, facts(None, unshelve_failed=True), key='A')

    def test_no_record(self):
        for key in None, '':
            self.assert_row(
                Row.NO_RECORD, refused(key, rebuild=Rebuild.UNKNOWN))
        for key in 'C', 'X', 'O':
            self.assert_row(
                Row.NO_RECORD, refused(key, rebuild=Rebuild.UNKNOWN),
                image('A', 'O'))

    def test_no_answer(self):
        for each in facts('X'), refused(), refused('A'):
            self.assert_row(Row.NO_ANSWER, each, Unknown.NO_ANSWER)
            self.assert_row(Row.NOT_SEEN, each, Unknown.NOT_SEEN)

    def test_documented(self):
        """The documentation has each row, in the order of the code."""
        with open('doc/source/admin/base-images.rst') as file:
            text = ' '.join(file.read().split())
        places = [text.find('* - ' + row.reason) for row in Row]
        self.assertNotIn(-1, places)
        self.assertEqual(sorted(places), places)


class TestHealed(testtools.TestCase):

    def test_registered_stays(self):
        """What is of the guest and neither of A nor of C."""
        before = refused()
        before = dataclasses.replace(before, metadata={
            **before.metadata, 'image_os_type': 'windows',
            'image_licence': 'c', 'image_hw_machine_type': 'q35',
            'image_hw_vif_model': 'e1000'},
            requested_properties={**OF_C, 'hw_vif_model': 'e1000'})
        restored = {KEY: 'A', 'image_hw_machine_type': 'pc'}
        verdict = judgement.Verdict(
            Row.REFUSED_IMAGE, 'A', judgement.Source.GLANCE)
        self.assertEqual(
            {KEY: 'A', 'image_hw_machine_type': 'q35',
             'image_hw_disk_bus': 'virtio'},
            judgement.healed(before, verdict, restored))

    def test_key_alone(self):
        verdict = judgement.Verdict(Row.MISSING, 'A')
        self.assertEqual(
            dict(FACTS.metadata),
            judgement.healed(facts(None), verdict, None))
        self.assertNotIn(KEY, judgement.healed(
            facts(), judgement.Verdict(Row.MISSING, None), None))
