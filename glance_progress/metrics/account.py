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

"""The account by which the Image API is asked, as OpenStackClient has it.

That is a cloud of ``clouds.yaml``, or what the variables ``OS_*`` say.
"""

from __future__ import annotations

from keystoneauth1 import adapter
from keystoneauth1 import exceptions
from openstack import config
from openstack import exceptions as sdk_exceptions
from oslo_log import log as logging

from glance_progress import warning

LOG = logging.getLogger(__name__)

#: Seconds that Keystone and the Image API have for an answer.
TIMEOUT = 10.0

_ADVICE = ('name a cloud of clouds.yaml with --os-cloud, or set OS_AUTH_URL, '
           'OS_USERNAME and so on')


class Unusable(ValueError):
    """There is no such account; the text says what to do."""


def image_api(cloud: str | None, region: str | None) -> adapter.Adapter:
    """Return what asks the Image API, which has not been asked yet.

    :param cloud: name in ``clouds.yaml``; None for what OS_CLOUD names, or
        what the variables say
    :param region: name of the region; None for that of the cloud
    :raises Unusable: when it is not said who asks, or where
    """
    named = {} if region is None else {'region_name': region}
    try:
        found = config.OpenStackConfig().get_one(cloud, **named)
        session = found.get_session()
    except (sdk_exceptions.SDKException, exceptions.ClientException,
            OSError, ValueError) as exc:
        raise Unusable('there is no account to ask with (%s): %s' % (
            warning.reason(exc), _ADVICE)) from exc
    # Keystone is asked by it, too, and has no limit otherwise.
    session.timeout = session.timeout or TIMEOUT
    return adapter.Adapter(
        session, service_type='image', region_name=found.get_region_name(),
        interface=found.get_interface('image'),
        endpoint_override=found.get_endpoint('image'))


def check(api: adapter.Adapter) -> None:
    """Ask Keystone for a token, if it is there.

    :raises Unusable: when it refuses the account
    """
    try:
        api.get_token()
    except exceptions.Unauthorized as exc:
        raise Unusable('Keystone refuses the account (%s): correct user, '
                       'password and project' % warning.reason(exc)) from exc
    except exceptions.ClientException as exc:
        LOG.warning('There is no token yet: %s', warning.reason(exc))
