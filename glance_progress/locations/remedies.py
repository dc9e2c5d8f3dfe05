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

"""Ways out of what the rule on image locations finds, the safe ones first."""

from __future__ import annotations

from collections.abc import Iterable

from glance_progress.locations import facts
from glance_progress.locations.finding import Line
from glance_progress.locations.finding import Remedy

MULTIPLE_LOCATIONS = Line(
    'glance-api.conf', 'DEFAULT', 'show_multiple_locations', 'True')
NEW_API = Line(
    'glance-api.conf', 'glance_progress', 'location_consumers', facts.NEW)
NO_CONSUMERS = Line(
    'glance-api.conf', 'glance_progress', 'location_consumers', facts.NONE)
SEND_TOKEN = Line(
    'nova.conf', 'service_user', 'send_service_user_token', 'true')

LET_START = Line(
    'glance-api.conf', 'glance_progress', 'location_check', 'warn')

OSSN = 'OSSN-0065 and OSSN-0090 (CVE-2022-4134)'


def policies(names: Iterable[str]) -> tuple[Line, ...]:
    """Return the lines that leave *names* to admins and services alone."""
    return tuple(
        Line('policy.yaml', '', name,
             'rule:context_is_admin or service_roles:service')
        for name in names)


SERVICE_TOKEN = Remedy(
    'With every Nova 2025.2 (32) or later, a user in [service_user] that has '
    'the role service, and every Cinder 2025.2 (27) or later.',
    (NEW_API, SEND_TOKEN))

INTERNAL_GLANCE = Remedy(
    'In a second glance-api for Nova and Cinder, which users cannot reach; '
    'switch both show_multiple_locations and show_image_direct_url off in '
    'the one for users.', (MULTIPLE_LOCATIONS,))

FOR_SERVICES_ALONE = Remedy(
    'With one glance-api, when Nova and Cinder send the service token, and '
    'with policies that keep users from changing locations: without them '
    'this is what %s warn of. Glance still shows the locations in the image.'
    % OSSN, (MULTIPLE_LOCATIONS, SEND_TOKEN, *policies(facts.POLICIES)))


def patched_nova(starts: bool) -> Remedy:
    """Return how a refused snapshot is uploaded instead of lost.

    :param starts: whether glance-api starts with what is found
    """
    return Remedy(
        'With the patch refused-location-falls-back of patches/nova in every '
        'nova-compute. A snapshot is not lost then: the disk is read and '
        'uploaded, with the server suspended while it is read.',
        () if starts else (LET_START,))


NOTHING_REGISTERS = Remedy(
    'Where no server has its disk in Ceph.', (NO_CONSUMERS,))

PUBLIC_GLANCE = Remedy(
    'Run a second glance-api for Nova and Cinder, which users cannot reach, '
    'and switch both show_multiple_locations and show_image_direct_url off '
    'in the one for users.')
