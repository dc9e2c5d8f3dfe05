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

import dataclasses

import hypothesis
from hypothesis import strategies

from glance_progress.locations import facts
from glance_progress.locations import finding
from glance_progress.locations import rule
from tests.unit import base

WARNING = finding.Severity.WARNING
FAILURE = finding.Severity.FAILURE

REFUSED = ('old-location-call-refused', FAILURE)
MAYBE_REFUSED = ('old-location-call-refused', WARNING)
NO_API = ('location-api-missing', FAILURE)
NO_TOKEN = ('service-token-missing', FAILURE)
MAYBE_NO_TOKEN = ('service-token-missing', WARNING)
ROLE = ('service-role-not-accepted', WARNING)
NEEDLESS = ('multiple-locations-needless', WARNING)
OPEN = ('location-policies-open', WARNING)
REMOTE = ('location-policies-unverified', WARNING)

ON_TIME = {'sends_token': True, 'credentials': True}


def nova(release=None, **fields):
    return facts.Caller('nova', release, **fields)


def cinder(release=None, **fields):
    return facts.Caller('cinder', release, **fields)


def found(glance, *callers):
    by_name = {caller.project: caller for caller in callers if caller}
    return [(finding.code, finding.severity)
            for finding in rule.findings(glance, **by_name)]


# What upstream does, as its code goes: nova/image/glance.py _add_location,
# glanceclient/v2/images.py add_image_location, glance/api/v2/images.py
# add_location and _do_add_locations.

def post(glance_release, has_service_role):
    if glance_release < 29:
        return 501
    return 202 if has_service_role else 403


def patch(show_multiple_locations):
    return 200 if show_multiple_locations else 403


def answers(glance, nova_release, token):
    """Return the method and the status that settle a snapshot."""
    if nova_release >= 32:
        status = post(glance.release, token)
        if status != 501:
            return 'POST', status
    return 'PATCH', patch(glance.multiple_locations)


#: All of these there are; and of those, nobody knows which.
PROMISED = {'old-api': [31], 'new-api': [32], 'mixed': [31, 32], 'none': []}
CANDIDATES = [31, 32]

GLANCES = strategies.builds(
    facts.Glance,
    direct_url=strategies.booleans(),
    multiple_locations=strategies.booleans(),
    consumers=strategies.sampled_from([None, *sorted(PROMISED)]),
    rbd=strategies.booleans(),
    release=strategies.integers(25, 33),
    open_policies=strategies.lists(
        strategies.sampled_from(facts.POLICIES), unique=True).map(tuple),
    service_token_roles=strategies.sampled_from(
        [('service',), ('admin', 'service'), ('glance',), ()]),
    service_token_roles_required=strategies.booleans())

NOVAS = strategies.none() | strategies.builds(
    nova,
    release=strategies.none() | strategies.integers(26, 34),
    registers=strategies.sampled_from([True, False, None]),
    sends_token=strategies.booleans(),
    credentials=strategies.booleans())


class TestTruth(base.TestCase):
    """Against a model of what upstream's code does."""

    def worlds(self, glance, given):
        """Return for each kind of Nova here all that it may be.

        Each of these is a release and whether it sends the token. The
        operator's word is that those which were not looked at do when they
        have to.
        """
        told = glance.consumers
        if told is not None:
            kinds = [[(release, True)] for release in PROMISED[told]]
        elif given is None or glance.release < 29:
            kinds = [[(release, True) for release in CANDIDATES]]
        else:
            kinds = []
        if given is not None and given.registers is not False:
            token = given.sends_token and given.credentials
            if given.release is not None:
                kinds.append([(given.release, token)])
            elif told in (None, 'none', 'old-api'):
                # Whoever said old-api may know of older ones alone.
                kinds.append([(release, token) for release in CANDIDATES])
                if told == 'old-api':
                    kinds.append([(31, token)])
            else:
                kinds += [[(release, token)] for release in PROMISED[told]]
        return kinds

    def lost(self, glance, world):
        # Without a location to see, Nova uploads.
        return (glance.direct_url or glance.multiple_locations) and (
            ('POST', 403) == answers(glance, *world)
            or (glance.direct_url
                and ('PATCH', 403) == answers(glance, *world)))

    @hypothesis.settings(max_examples=10 * base.EXAMPLES)
    @hypothesis.given(GLANCES, NOVAS)
    def test_failure_means_lost_snapshots(self, glance, given):
        severities = [severity for _, severity in found(glance, given)]
        self.assertEqual(sorted(severities, reverse=True), severities)
        if not glance.rbd:
            self.assertEqual([], severities)
            return
        if given is not None and given.registers is None:
            # Its word counts for a warning at most.
            sure = self.worlds(glance, dataclasses.replace(
                given, registers=False))
        else:
            sure = self.worlds(glance, given)
        self.assertEqual(
            any(all(self.lost(glance, world) for world in kind)
                for kind in sure),
            FAILURE in severities)
        # Nothing that may be lost goes without a word.
        if any(self.lost(glance, world)
               for kind in self.worlds(glance, given) for world in kind):
            self.assertNotEqual([], severities)

    @hypothesis.settings(max_examples=10 * base.EXAMPLES)
    @hypothesis.given(GLANCES, NOVAS)
    def test_exposure(self, glance, given):
        exposed = glance.multiple_locations and glance.rbd
        old = glance.consumers in ('old-api', 'mixed') or (
            glance.release < 29 and glance.consumers != 'none')
        if given is None or given.registers is False:
            old = old or (glance.consumers is None and given is None)
        elif given.release is None:
            old = old or glance.consumers != 'new-api'
        else:
            old = old or given.release <= 31
        if glance.release < 29 and given and given.registers is not False:
            old = True
        expected = {
            NEEDLESS: exposed and not old,
            OPEN: exposed and bool(glance.open_policies),
        }
        self.assertEqual(
            {each for each, there in expected.items() if there},
            set(found(glance, given)) & {NEEDLESS, OPEN})


class TestRows(base.TestCase):
    """Row by row, with direct URLs on."""

    def check(self, expected, multiple, consumers, release, *callers,
              **fields):
        glance = facts.Glance(True, multiple, consumers, release, **fields)
        self.assertEqual(expected, found(glance, *callers))

    def test_what_was_asked_for(self):
        for release in (None, 25, 28, 29, 33):
            self.check([REFUSED], False, 'old-api', release)
            self.check([], True, 'old-api', release)
        for release in (25, 28):
            self.check([REFUSED], False, None, release)
            self.check([], True, None, release)

    def test_what_is_recommended(self):
        self.check([], False, 'new-api', 33, nova(34, **ON_TIME))
        self.check([], False, None, 33, nova(34, **ON_TIME))

    def test_nobody_said(self):
        """It may work, so it is not refused."""
        for release in (29, 30, 31, 33, 35):
            self.check([MAYBE_REFUSED], False, None, release)
            self.check([], True, None, release)
            self.check([REFUSED], False, None, release, nova(31, **ON_TIME))
            self.check([NO_TOKEN], False, None, release, nova(32))
            self.check([], False, None, release, nova(32, **ON_TIME))
            self.check([MAYBE_REFUSED], False, None, release,
                       nova(**ON_TIME))
            # Whatever its release is
            self.check([REFUSED, NO_TOKEN], False, None, release, nova())
            self.check([MAYBE_NO_TOKEN], True, None, release, nova())
        self.check([], False, None, 33, nova(40, **ON_TIME))

    def test_hidden(self):
        for multiple in (False, True):
            self.assertEqual([], found(facts.Glance(False, multiple)))
        self.assertEqual([MAYBE_NO_TOKEN], found(
            facts.Glance(False, False, 'new-api', 33), nova(34)))
        self.assertEqual([NO_TOKEN, NEEDLESS], found(
            facts.Glance(False, True, 'new-api', 33), nova(34)))

    def test_no_store_in_ceph(self):
        for release in (25, 33):
            for consumers in (None, 'old-api', 'new-api', 'mixed'):
                self.check([], False, consumers, release, rbd=False)
                self.check([], False, consumers, release, nova(31), rbd=False)
        self.check([], True, 'old-api', 33, rbd=False,
                   open_policies=facts.POLICIES)

    def test_no_disk_in_ceph(self):
        local = nova(31, registers=False)
        self.check([], False, None, 33, local)
        self.check([], False, 'none', 25, local)
        self.check([], False, 'none', 25)
        # glance-api does not see nova.conf and would not start.
        self.check([REFUSED], False, None, 25, local)
        self.check([REFUSED], False, 'old-api', 33, local)
        # Here it is the other way round.
        self.check([REFUSED], False, 'none', 25, nova(31))

    def test_disk_not_known(self):
        """The file may be that of nova-api."""
        self.check([MAYBE_REFUSED], False, 'new-api', 33,
                   nova(31, registers=None, **ON_TIME))
        self.check([MAYBE_NO_TOKEN], False, 'new-api', 33,
                   nova(34, registers=None))

    def test_measured_on_2026_2(self):
        for multiple in (False, True):
            needless = [NEEDLESS] if multiple else []
            self.check([NO_TOKEN, *needless], multiple, 'new-api', 33,
                       nova(34))
            self.check(needless, multiple, 'new-api', 33,
                       nova(34, **ON_TIME))

    def test_the_old_advice_does_not_help_a_new_nova(self):
        for consumers in ('old-api', None):
            self.check([NO_TOKEN, NEEDLESS][:2 - bool(consumers)], True,
                       consumers, 33, nova(34))

    def test_token_without_credentials(self):
        self.check([NO_TOKEN], False, 'new-api', 33,
                   nova(34, sends_token=True))

    def test_word_against_nova(self):
        self.check([REFUSED], False, 'new-api', 33, nova(31, **ON_TIME))
        self.check([], True, 'new-api', 33, nova(31, **ON_TIME))

    def test_glance_without_the_new_call(self):
        self.check([NO_API], False, 'new-api', 28, nova(34, **ON_TIME))
        self.check([], False, 'new-api', 29, nova(34, **ON_TIME))
        self.check([], True, 'new-api', 28, nova(34))

    def test_mixed(self):
        self.check([REFUSED], False, 'mixed', 33)
        self.check([], True, 'mixed', 33, nova(31))
        self.check([NO_TOKEN], True, 'mixed', 33, nova())
        self.check([], True, 'mixed', 33, nova(**ON_TIME))

    def test_release_not_known(self):
        self.check([MAYBE_NO_TOKEN], True, 'old-api', 33, nova())
        self.check([], True, 'old-api', 28, nova())
        self.check([NO_TOKEN], False, 'new-api', None, nova())

    def test_cinder(self):
        self.check([], False, 'new-api', 33, cinder(21, registers=False))
        self.check([REFUSED], False, 'new-api', 33, cinder(21))
        # 26.0 to 26.2 have the old call alone, 26.3 has the new one.
        self.check([REFUSED, NO_TOKEN], False, 'new-api', 33, cinder(26))
        self.check([NO_TOKEN], False, 'new-api', 33, cinder(27))
        self.check([], False, 'new-api', 33, cinder(27, **ON_TIME))
        self.check([], False, 'new-api', 33,
                   cinder(27, own_credentials=True))
        # Which of them it is cannot be known.
        self.check([MAYBE_NO_TOKEN], True, 'mixed', 33,
                   cinder(26, own_credentials=True))

    def test_policies(self):
        self.check([OPEN, REMOTE], True, 'old-api', 33,
                   open_policies=facts.POLICIES[:2],
                   remote_policies=facts.POLICIES[2:])
        self.check([], False, 'new-api', 33,
                   open_policies=facts.POLICIES)


class TestText(base.TestCase):

    def text(self, glance, *callers):
        finding, = rule.findings(
            glance, **{caller.project: caller for caller in callers})
        return str(finding)

    def test_the_lines_to_change(self):
        text = self.text(facts.Glance(True, False, 'old-api', release=33))
        self.assertIn(
            '  in glance-api.conf:\n    [DEFAULT]\n'
            '    show_multiple_locations = True\n', text)
        self.assertIn('ImageNotAuthorized', text)
        self.assertIn('    location_consumers = new-api\n', text)
        self.assertIn('    send_service_user_token = true', text)

    def test_the_safe_way_first(self):
        for release, first in ((33, 'location_consumers = new-api'),
                               (25, 'a second glance-api')):
            for consumers in ('old-api', None):
                text = self.text(
                    facts.Glance(True, False, consumers, release=release))
                ways = [text.index(each) for each in (
                    'Remedy: ', first, 'With one glance-api',
                    'OSSN-0065 and OSSN-0090', '"set_image_location": ')]
                self.assertEqual(sorted(ways), ways)
                # Nowhere alone on a service that users reach.
                self.assertEqual(
                    2, text.count('show_multiple_locations = True\n'))

    def test_patched_nova(self):
        patch = 'refused-location-falls-back of patches/nova'
        start = 'location_check = warn'
        for glance, callers, named, stops in (
            (facts.Glance(True, False, 'old-api', release=33), (), 1, True),
            (facts.Glance(True, False, release=25), (), 1, True),
            # glance-api starts with a warning, and sees no nova.conf.
            (facts.Glance(True, False, release=33), (), 1, False),
            (facts.Glance(True, False, 'new-api', release=33), (nova(34),), 1,
             False),
            # It is a patch of Nova.
            (facts.Glance(True, False, 'new-api', release=33), (cinder(27),),
             0, False),
        ):
            text = self.text(glance, *callers)
            self.assertEqual((named, stops),
                             (text.count(patch), start in text), text)

    def test_nothing_in_ceph(self):
        glance = facts.Glance(True, False, release=25)
        ours = '    location_consumers = none'
        self.assertTrue(self.text(glance).endswith(ours))
        remedies = self.text(glance, nova(26, registers=False)).partition(
            'Remedy: ')[2]
        self.assertEqual(ours, remedies.splitlines()[3])

    def test_not_known(self):
        text = self.text(facts.Glance(True, False, release=33))
        self.assertIn('it is not known whether Nova is registering', text)
        self.assertIn('If so: Every snapshot', text)

    def test_no_new_call_where_glance_lacks_it(self):
        text = self.text(facts.Glance(True, False, release=25))
        self.assertNotIn('new-api', text)

    def test_the_403_that_operators_have_seen(self):
        text = self.text(facts.Glance(True, True, 'old-api'), nova(34))
        self.assertIn('"http store must be enabled to use location API by '
                      'normal user."', text)

    def test_who_uses_the_old_call(self):
        glance = facts.Glance(True, False, 'new-api', 33)
        text = self.text(glance, nova(31))
        self.assertIn('with Nova 31 registering', text)
        self.assertNotIn('image_upload_use_cinder_backend', text)
        text = self.text(glance, cinder(25))
        self.assertIn('with Cinder 25 registering', text)
        self.assertNotIn('snapshot', text)

    def test_policies_in_their_own_format(self):
        text = self.text(facts.Glance(
            True, True, open_policies=('set_image_location',)))
        self.assertIn('    "set_image_location": "rule:context_is_admin or '
                      'service_roles:service"', text)
        self.assertIn('CVE-2022-4134', text)

    def test_other_roles_stay(self):
        text = self.text(facts.Glance(
            True, False, 'new-api', service_token_roles=('glance',)))
        self.assertIn('service_token_roles = glance,service', text)

    def test_hashable(self):
        for each in rule.findings(facts.Glance(True, False)):
            self.assertEqual(each, dataclasses.replace(each))
            hash(each)
