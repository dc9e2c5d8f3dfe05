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
from typing import Union

from glance_progress.locations import facts
from glance_progress.locations.finding import Finding
from glance_progress.locations.finding import Line
from glance_progress.locations.finding import Remedy
from glance_progress.locations.finding import Severity
from glance_progress.locations import remedies


def findings(
    glance: facts.Glance,
    nova: facts.Caller | None = None,
    cinder: facts.Caller | None = None,
) -> list[Finding]:
    """Return what is wrong, the worst first.

    A failure is what loses snapshots for sure, and a warning what may, for
    all that is known. Without a store in Ceph, Nova registers no location,
    and there is nothing to say of it.

    :param nova: None if nova.conf is not known
    :param cinder: None if cinder.conf is not known
    """
    callers = _callers(glance, nova, cinder)
    if not glance.rbd and not callers:
        return []
    found = [
        *_refused_old_call(glance, callers, nova),
        *_missing_token(glance, callers),
        *_role_not_accepted(glance, callers),
        *_needless_exposure(glance, callers),
        *_open_policies(glance),
    ]
    return sorted(found, key=lambda finding: -finding.severity)


# Nova, Cinder, or, as None, those that location_consumers speaks of.
_Callers = list[Union[facts.Caller, None]]


def _callers(
    glance: facts.Glance, nova: facts.Caller | None,
    cinder: facts.Caller | None,
) -> _Callers:
    callers: _Callers = []
    if glance.rbd:
        # glance-api never sees nova.conf: what it is told counts as well, and
        # before API 2.17 there is one call only.
        if glance.consumers or not glance.has_new_call or nova is None:
            callers.append(None)
        if nova is not None and nova.registers is not False:
            callers.append(nova)
    if cinder is not None and cinder.registers:
        callers.append(cinder)
    return callers


def _may_use(call: str, glance: facts.Glance, callers: _Callers) -> _Callers:
    return [caller for caller in callers
            if call in facts.possible_calls(glance, caller)]


def _is_refused(
    call: str, glance: facts.Glance, caller: facts.Caller | None
) -> bool:
    if call == facts.OLD:
        return glance.direct_url and not glance.multiple_locations
    # Of those that were not looked at, the operator's word is taken.
    return caller is not None and not caller.proves_service


def _severity(
    call: str, glance: facts.Glance, callers: _Callers
) -> Severity:
    """Return how bad it is that *call* is refused to *callers*."""
    for caller in callers:
        certain = facts.certain_calls(glance, caller)
        possible = facts.possible_calls(glance, caller)
        if caller is not None and caller.registers is None:
            continue
        if not glance.shows_locations and (
                caller is None or caller.project == 'nova'):
            # It clones no more disks: of those it has, snapshots are lost.
            continue
        if call in certain or all(
                _is_refused(each, glance, caller) for each in possible):
            return Severity.FAILURE
    return Severity.WARNING


_LOST = {
    'nova': 'Every snapshot of a server with its disk in Ceph fails with '
            'ImageNotAuthorized, and the snapshot is lost.',
    'cinder': 'Making an image of a volume fails where '
              'image_upload_use_cinder_backend is on.',
}


def _refused_old_call(
    glance: facts.Glance, callers: _Callers, nova: facts.Caller | None
) -> Iterator[Finding]:
    refused = [caller for caller in _may_use(facts.OLD, glance, callers)
               if _is_refused(facts.OLD, glance, caller)]
    if not refused:
        return
    severity = _severity(facts.OLD, glance, refused)
    code = 'old-location-call-refused'
    by = ' and '.join(str(each) for each in refused if each is not None)
    lost = {'nova' if each is None else each.project for each in refused}
    what = 'show_image_direct_url = True and show_multiple_locations = False'
    if not glance.has_new_call:
        if glance.consumers == facts.NEW:
            code = 'location-api-missing'
        what += (', with %s registering locations by the old call, the only '
                 'one that Glance %s has'
                 % (by or 'every Nova and Cinder', glance.release))
    elif severity is Severity.FAILURE:
        what += ', with %s registering locations by the old call' % (
            by or 'Nova before 2025.2 (32)')
    else:
        what += (', and it is not known whether %s is registering locations '
                 'by the old call, as Nova before 2025.2 (32) does'
                 % (by or 'Nova'))
    ways = [remedies.INTERNAL_GLANCE, remedies.FOR_SERVICES_ALONE]
    if glance.has_new_call:
        ways.insert(0, remedies.SERVICE_TOKEN)
    if 'nova' in lost:
        ways.append(remedies.patched_nova(severity is Severity.WARNING))
    if None in refused:
        sees_none = nova is not None and nova.registers is False
        ways.insert(0 if sees_none else len(ways), remedies.NOTHING_REGISTERS)
    yield Finding(
        code, severity, what,
        'Glance answers 403 "It\'s not allowed to add locations if locations '
        'are invisible." %s%s' % (
            '' if severity is Severity.FAILURE else 'If so: ',
            ' '.join(text for project, text in _LOST.items()
                     if project in lost)),
        tuple(ways))


def _missing_token(
    glance: facts.Glance, callers: _Callers
) -> Iterator[Finding]:
    for caller in _may_use(facts.NEW, glance, callers):
        if caller is None or caller.proves_service:
            continue
        severity = _severity(facts.NEW, glance, [caller])
        first = ('2025.2 (32)' if caller.project == 'nova'
                 else '2025.2 (27), or 26.3.0,')
        conf = caller.project + '.conf'
        what = ('%s %s' % (conf, 'has no usable credentials in [service_user]'
                           if caller.sends_token else
                           'does not send the service token'))
        if severity is Severity.WARNING and caller.release is None:
            what += ', and the release is not known'
        yield Finding(
            'service-token-missing', severity, what,
            'From %s on, whatever show_multiple_locations says, Glance '
            'answers 403 "http store must be enabled to use location API by '
            'normal user." %s' % (first, _LOST[caller.project]),
            (Remedy(
                'The user must have the role service, and [service_user] the '
                'auth_type, auth_url, username, password and so on of that '
                'user.',
                (dataclasses.replace(remedies.SEND_TOKEN, file=conf),)),
             # glance-api does not look at what others are told.
             *([remedies.patched_nova(starts=True)]
               if caller.project == 'nova' else [])))


def _role_not_accepted(
    glance: facts.Glance, callers: _Callers
) -> Iterator[Finding]:
    if (_may_use(facts.NEW, glance, callers)
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
    glance: facts.Glance, callers: _Callers
) -> Iterator[Finding]:
    if glance.multiple_locations and not _may_use(
            facts.OLD, glance, callers):
        yield Finding(
            'multiple-locations-needless', Severity.WARNING,
            'show_multiple_locations = True, and nothing uses the old call',
            'Users can see, and as far as the policies go change, the '
            'locations of their images: %s.' % remedies.OSSN,
            (Remedy('When Nova and Cinder send the service token.', (
                dataclasses.replace(
                    remedies.MULTIPLE_LOCATIONS, value='False'),)),))


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
                '%s: whoever may change the locations of an image can put '
                'other data behind it while it is active, and its checksum '
                'stays.' % remedies.OSSN,
                (remedies.PUBLIC_GLANCE,
                 Remedy(
                     'With one glance-api, when Nova and Cinder send the '
                     'service token. This keeps users from changing '
                     'locations; Glance still shows them in the image.',
                     remedies.policies(policies))))
