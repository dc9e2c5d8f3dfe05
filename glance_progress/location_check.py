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

"""The rule on image locations, as a pure function.

From what the services are told to what comes of it. What Glance answers was
read in Glance 25 to 33 and seen on real services, see
doc/source/admin/locations.rst.
"""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses

from glance_progress import location_facts as facts
from glance_progress.location_finding import Finding
from glance_progress.location_finding import Line
from glance_progress.location_finding import Remedy
from glance_progress.location_finding import Severity


def findings(
    glance: facts.Glance,
    nova: facts.Caller | None = None,
    cinder: facts.Caller | None = None,
) -> list[Finding]:
    """Return what is wrong, the worst first.

    :param nova: None if nova.conf is not known
    :param cinder: None if cinder.conf is not known
    """
    callers = [caller for caller in (nova, cinder)
               if caller is not None and caller.registers]
    found = [
        *_refused_old_call(glance, callers),
        *_missing_token(glance, callers),
        *_role_not_accepted(glance, callers),
        *_needless_exposure(glance, callers),
        *_open_policies(glance),
    ]
    return sorted(found, key=lambda finding: -finding.severity)


def _used(
    call: str, glance: facts.Glance, callers: list[facts.Caller]
) -> bool:
    return any(call in facts.calls(glance, caller)
               for caller in [None, *callers])


MULTIPLE_LOCATIONS = Line(
    'glance-api.conf', 'DEFAULT', 'show_multiple_locations', 'True')
NEW_API = Line(
    'glance-api.conf', 'glance_progress', 'location_consumers', facts.NEW)
SEND_TOKEN = Line(
    'nova.conf', 'service_user', 'send_service_user_token', 'true')


_LOST = {
    'nova': 'Every snapshot of a server with its disk in Ceph fails with '
            'ImageNotAuthorized, and the snapshot is lost.',
    'cinder': 'Making an image of a volume fails where '
              'image_upload_use_cinder_backend is on.',
}


def _refused_old_call(
    glance: facts.Glance, callers: list[facts.Caller]
) -> Iterator[Finding]:
    if not glance.direct_url or glance.multiple_locations:
        return
    if not _used(facts.OLD, glance, callers):
        return
    old = [caller for caller in callers
           if facts.OLD in facts.calls(glance, caller)]
    lost = {caller.project for caller in old}
    if facts.OLD in facts.calls(glance):
        lost.add('nova')
    exposure = ('This lets users see the locations of their images: read '
                'OSSN-0065 and OSSN-0090 first.')
    code = 'old-location-call-refused'
    by = ' and '.join(map(str, old)) or 'Nova before 2025.2 (32)'
    when = 'With a Nova before 2025.2 (32). '
    if not glance.has_new_call:
        if glance.consumers == facts.NEW:
            code = 'location-api-missing'
        by = 'every Nova and Cinder'
        when = 'Until Glance is 2024.2 (29) or later. '
    what = ('show_image_direct_url = True and show_multiple_locations = '
            'False, with %s registering locations by the old call' % by)
    if not glance.has_new_call:
        what += ', the only one that Glance %s has' % glance.release
    remedies = [Remedy(when + exposure, (MULTIPLE_LOCATIONS,))]
    if glance.has_new_call:
        remedies.append(Remedy(
            'With every Nova 2025.2 (32) or later, a user in [service_user] '
            'that has the role service, and every Cinder 2025.2 (27) or '
            'later.', (NEW_API, SEND_TOKEN)))
    yield Finding(
        code, Severity.FAILURE, what,
        'Glance answers 403 "It\'s not allowed to add locations if locations '
        'are invisible." ' + ' '.join(
            text for project, text in _LOST.items() if project in lost),
        tuple(remedies))


def _missing_token(
    glance: facts.Glance, callers: list[facts.Caller]
) -> Iterator[Finding]:
    for caller in callers:
        if caller.proves_service or not glance.has_new_call:
            continue
        if facts.NEW in facts.calls(glance, caller):
            severity = Severity.FAILURE
        elif caller.release is None:
            severity = Severity.WARNING
        else:
            continue
        first = ('2025.2 (32)' if caller.project == 'nova'
                 else '2025.2 (27), or 26.3.0,')
        conf = caller.project + '.conf'
        what = ('%s %s' % (conf, 'has no usable credentials in [service_user]'
                           if caller.sends_token else
                           'does not send the service token'))
        if severity is Severity.WARNING:
            what += ', and the release is not known'
        yield Finding(
            'service-token-missing', severity, what,
            'From %s on, whatever show_multiple_locations says, Glance '
            'answers 403 "http store must be enabled to use location API by '
            'normal user." %s' % (first, _LOST[caller.project]),
            (Remedy(
                'The user must have the role service, and [service_user] the '
                'auth_type, auth_url, username, password and so on of that '
                'user.', (dataclasses.replace(SEND_TOKEN, file=conf),)),))


def _role_not_accepted(
    glance: facts.Glance, callers: list[facts.Caller]
) -> Iterator[Finding]:
    if (_used(facts.NEW, glance, callers)
            and glance.service_token_roles_required
            and 'service' not in glance.service_token_roles):
        yield Finding(
            'service-role-not-accepted', Severity.WARNING,
            '[keystone_authtoken] service_token_roles of Glance does not name '
            'the role service',
            'Glance answers 401 to Nova and Cinder when their users have no '
            'other role than service.',
            (Remedy('Add it to the others.', (Line(
                'glance-api.conf', 'keystone_authtoken', 'service_token_roles',
                ','.join((*glance.service_token_roles, 'service'))),)),))


def _needless_exposure(
    glance: facts.Glance, callers: list[facts.Caller]
) -> Iterator[Finding]:
    if glance.multiple_locations and not _used(facts.OLD, glance, callers):
        yield Finding(
            'multiple-locations-needless', Severity.WARNING,
            'show_multiple_locations = True with location_consumers = new-api',
            'Users can see, and as far as the policies go change, the '
            'locations of their images (OSSN-0065, OSSN-0090), and nothing '
            'needs it: the new call works without.',
            (Remedy('When Nova and Cinder send the service token.', (
                dataclasses.replace(MULTIPLE_LOCATIONS, value='False'),)),))


def _open_policies(glance: facts.Glance) -> Iterator[Finding]:
    # Without show_multiple_locations, no policy lets anybody change one.
    if not glance.multiple_locations:
        return
    for code, policies, what in (
        ('location-policies-open', glance.open_policies,
         'show_multiple_locations = True, and ordinary users pass %s'),
        ('location-policies-unverified', glance.remote_policies,
         'show_multiple_locations = True, and another server decides on %s'),
    ):
        if policies:
            yield Finding(
                code, Severity.WARNING, what % ', '.join(policies),
                'OSSN-0065, OSSN-0090 (CVE-2022-4134): whoever may change the '
                'locations of an image can put other data behind it while it '
                'is active, and its checksum stays.',
                (Remedy(
                    'Run a second glance-api for Nova and Cinder, which '
                    'users cannot reach, and switch both '
                    'show_multiple_locations and show_image_direct_url off '
                    'in the one for users.'),
                 Remedy(
                     'With one glance-api, when Nova and Cinder send the '
                     'service token. This keeps users from changing '
                     'locations; Glance still shows them in the image.',
                     tuple(Line('policy.yaml', '', name,
                                'rule:context_is_admin or '
                                'service_roles:service')
                           for name in policies))))
