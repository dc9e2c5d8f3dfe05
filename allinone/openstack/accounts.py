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

"""Users, projects and the catalog in Keystone, and clients for them."""

from __future__ import annotations

from typing import Any

from allinone.openstack import layout

#: Users other than those of services, each with a project of its name.
PEOPLE = ('demo', 'alt_demo')

#: Seconds that an answer may take.
TIMEOUT = 120

_SERVICES = (('glance', 'image', ''), ('placement', 'placement', ''),
             ('neutron', 'network', ''), ('nova', 'compute', '/v2.1'),
             ('cinder', 'block-storage', '/v3'))


def connect(site: layout.Site, user: str) -> Any:
    """Return an openstacksdk connection for admin or one of PEOPLE."""
    import openstack
    return openstack.connection.Connection(
        auth=site.credentials(user, user), region_name=layout.REGION,
        identity_api_version='3', api_timeout=TIMEOUT)


def get_works(site: layout.Site, service_type: str, path: str) -> bool:
    """Tell whether the administrator can GET a path of a service."""
    from keystoneauth1 import exceptions
    try:
        with connect(site, 'admin') as admin:
            return bool(admin.session.get(
                path, endpoint_filter={'service_type': service_type},
                timeout=30, raise_exc=False).ok)
    except exceptions.ClientException:
        return False


def create(site: layout.Site) -> None:
    """Make users, projects, services and endpoints that are not there."""
    with connect(site, 'admin') as admin:
        identity = admin.identity
        roles = {role.name: role for role in identity.roles()}
        services = _project(identity, layout.SERVICE_PROJECT)
        for name, kind, path in _SERVICES:
            user = _user(identity, name, site.passwords[name], services)
            for role in ('service', 'admin'):
                identity.assign_project_role_to_user(
                    services, user, roles[role])
            _endpoints(identity, name, kind, site.url(name) + path)
        for name in PEOPLE:
            project = _project(identity, name)
            user = _user(identity, name, site.passwords[name], project)
            identity.assign_project_role_to_user(
                project, user, roles['member'])


def _project(identity: Any, name: str) -> Any:
    return identity.find_project(name) or identity.create_project(
        name=name, domain_id='default')


def _user(identity: Any, name: str, password: str,
          project: Any) -> Any:
    return identity.find_user(name) or identity.create_user(
        name=name, password=password, domain_id='default',
        default_project_id=project.id)


def _endpoints(identity: Any, name: str, kind: str, url: str) -> None:
    known = identity.find_service(name) or identity.create_service(
        name=name, type=kind)
    there = {each.interface
             for each in identity.endpoints(service_id=known.id)}
    for interface in {'public', 'internal', 'admin'} - there:
        identity.create_endpoint(
            service_id=known.id, interface=interface, url=url,
            region_id=layout.REGION)
