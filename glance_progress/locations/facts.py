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

"""What the services are told about image locations.

Nova (a snapshot in Ceph) and Cinder (an image that is a volume) tell Glance
where an image's data are with one of two calls:

* the old one, PATCH of ``/locations/-``, which Glance refuses unless
  ``show_multiple_locations`` is on;
* the new one, POST to ``/v2/images/{image_id}/locations`` of API 2.17, which
  Glance refuses for ``rbd://`` and ``cinder://`` unless the caller has the
  role `service`. A caller that knows it falls back to the old one only where
  Glance lacks API 2.17.
"""

from __future__ import annotations

import dataclasses

#: What ``location_consumers`` can say; the first two are also the calls.
OLD, NEW, MIXED, NONE = 'old-api', 'new-api', 'mixed', 'none'

#: The first Glance with API 2.17: 2024.2.
GLANCE_WITH_NEW_CALL = 29

#: The last release that only knows the old call, and the first one that only
#: uses the new one where Glance has it. In Cinder 2025.1, 26.3.0 got the new
#: call and 26.0 to 26.2 lack it.
_LAST_OLD = {'nova': 31, 'cinder': 26}
_FIRST_NEW = {'nova': 32, 'cinder': 26}

#: The first Cinder that uses the credentials of its section [glance].
_CINDER_OWN_CREDENTIALS = 27

POLICIES = ('get_image_location', 'set_image_location',
            'delete_image_location')


@dataclasses.dataclass(frozen=True)
class Glance:
    """What glance-api is told.

    :param consumers: what ``location_consumers`` says, None if not set
    :param release: the major version, None if not known
    :param rbd: whether one of the stores is in Ceph
    :param open_policies: those of POLICIES that let an image's owner in
        without a further role
    :param remote_policies: those that another server decides
    """

    direct_url: bool
    multiple_locations: bool
    consumers: str | None = None
    release: int | None = None
    rbd: bool = True
    open_policies: tuple[str, ...] = ()
    remote_policies: tuple[str, ...] = ()
    service_token_roles: tuple[str, ...] = ('service',)
    service_token_roles_required: bool = True

    @property
    def has_new_call(self) -> bool:
        """Whether Glance has API 2.17, as far as is known."""
        return self.release is None or self.release >= GLANCE_WITH_NEW_CALL

    @property
    def shows_locations(self) -> bool:
        """Whether Nova and Cinder see where an image is, and clone it."""
        return self.direct_url or self.multiple_locations


@dataclasses.dataclass(frozen=True)
class Caller:
    """What Nova or Cinder is told.

    :param project: 'nova' or 'cinder'
    :param release: the major version, None if not known
    :param sends_token: ``[service_user] send_service_user_token``
    :param credentials: whether ``[service_user]`` can get a token
    :param own_credentials: Cinder: whether ``[glance]`` can
    :param registers: whether it registers locations at all, None if not known
    """

    project: str
    release: int | None = None
    sends_token: bool = False
    credentials: bool = False
    own_credentials: bool = False
    registers: bool | None = True

    @property
    def proves_service(self) -> bool:
        """Whether requests to Glance can carry the role `service`."""
        own = (self.own_credentials and self.project == 'cinder'
               and (self.release or 0) >= _CINDER_OWN_CREDENTIALS)
        return own or (self.sends_token and self.credentials)

    def __str__(self) -> str:
        name = self.project.capitalize()
        return name if self.release is None else '%s %d' % (name, self.release)


def possible_calls(glance: Glance, caller: Caller | None = None) -> set[str]:
    """Return the calls that *caller* may use.

    :param caller: None for all Nova and Cinder of this cloud, of which only
        ``location_consumers`` is known
    """
    word = glance.consumers
    if caller is not None and caller.release is not None:
        made = set()
        if caller.release <= _LAST_OLD[caller.project]:
            made.add(OLD)
        if caller.release >= _FIRST_NEW[caller.project]:
            made.add(NEW)
    elif word == NEW:
        made = {NEW}
    elif caller is None and word == OLD:
        made = {OLD}
    elif caller is None and word == NONE:
        made = set()
    else:
        # Whoever said old-api may not have thought of this caller.
        made = {OLD, NEW}
    return made if glance.has_new_call or not made else {OLD}


def certain_calls(glance: Glance, caller: Caller | None = None) -> set[str]:
    """Return those of possible_calls() that are used without a doubt."""
    possible = possible_calls(glance, caller)
    if caller is not None and caller.registers is None:
        return set()
    if len(possible) == 1:
        return possible
    if caller is not None and caller.release is not None:
        return set()
    named = {OLD: {OLD}, MIXED: {OLD, NEW}}
    return named.get(glance.consumers or '', set())
