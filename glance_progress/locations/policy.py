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

"""Glance's policies on image locations, as they are in force here."""

from __future__ import annotations

import dataclasses
import re

from glance.api import policy
from oslo_config import cfg

from glance_progress.locations import facts

_OWNER = 'b4f0a3d0f2b84e0f9d6f0c1f3a7d5e61'

#: What a request of an ordinary user tells the policies. A RequestContext
#: would become the one that everything logged hereafter is put down to.
_USER = {'user_id': '9f1c0e7d5b3a4c6e8f20a1b2c3d4e5f6', 'project_id': _OWNER,
         'tenant': _OWNER, 'roles': ['member', 'reader'], 'is_admin': False,
         'service_roles': [], 'system_scope': None, 'domain_id': None}

#: An image of the user's own project, as Glance shows it to its policies.
_IMAGE = {'project_id': _OWNER, 'owner': _OWNER, 'tenant': _OWNER,
          'member': None, 'member_id': None, 'visibility': 'private',
          'status': 'active'}


def added(glance: facts.Glance, conf: cfg.ConfigOpts) -> facts.Glance:
    """Return *glance* with what its policies on locations let pass.

    Open is what an image's owner may do with the roles member and reader. What
    another server decides is remote, and that server is not asked.

    :param conf: the options of glance-api, loaded; Glance's own object, since
        its policies know no other
    :raises Exception: whatever oslo.policy says of files that cannot be used
    """
    enforcer = policy.Enforcer(suppress_deprecation_warnings=True)
    _find_policy_file(conf)
    enforcer.load_rules()
    remote = tuple(name for name in facts.POLICIES
                   if _asks_a_server(enforcer.rules, name, set()))
    opened = tuple(
        name for name in facts.POLICIES if name not in remote
        and enforcer.check(dict(_USER), name, dict(_IMAGE)))
    return dataclasses.replace(
        glance, open_policies=opened, remote_policies=remote)


def _find_policy_file(conf: cfg.ConfigOpts) -> None:
    # A file that is named and not there, or in a directory that may not be
    # read, is the same as none to oslo.policy.
    where = conf.get_location('policy_file', 'oslo_policy')
    name = conf.oslo_policy.policy_file
    given = where is not None and where.location is cfg.Locations.user
    if given and not conf.find_file(name):
        raise cfg.ConfigFilesNotFoundError([name])


def _asks_a_server(
    rules: dict[str, object], name: str, seen: set[str]
) -> bool:
    if name in seen or name not in rules:
        return False
    seen.add(name)
    text = str(rules[name])
    return bool(re.search(r'\bhttps?:', text)) or any(
        _asks_a_server(rules, other, seen)
        for other in re.findall(r'\brule:([^\s()]+)', text))
