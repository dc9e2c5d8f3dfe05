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


"""Nova's v2.1 API with a compute API that keeps servers consistent.

In api-paste.ini of nova-api::

    [app:osapi_compute_app_v21]
    paste.app_factory = nova_snapshot_fix.api:APIRouterV21.factory

No fault in here fails a user's action: it is logged, and Nova goes on as
without us.
"""

from __future__ import annotations

from collections.abc import Iterator
import copy
from typing import Any
from typing import Union

from nova.api.openstack import compute as openstack_compute
from nova.compute import api as compute
from nova.compute import utils as compute_utils
from nova import conf as nova_conf
from nova import exception
from oslo_log import log as logging

from nova_snapshot_fix import facts
from nova_snapshot_fix import heal
from nova_snapshot_fix import judgement
from nova_snapshot_fix import known
from nova_snapshot_fix import opts
from nova_snapshot_fix import remembered
from nova_snapshot_fix import request_spec
from nova_snapshot_fix import within

CONF = nova_conf.CONF
LOG = logging.getLogger(__name__)

# Faults whose traceback the log has already.
_known_faults: set[str] = set()


def _say_fault(action: str, instance: Any, exc: Exception) -> None:
    """Log a fault of ours; its kind's first one with a traceback."""
    frame = exc.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    kind = '%s %s' % (type(exc).__name__, frame and (
        frame.tb_frame.f_code.co_filename, frame.tb_lineno))
    first = kind not in _known_faults
    _known_faults.add(kind)
    LOG.error('%s goes on without a look at the metadata of its image: %s: %s',
              action, type(exc).__name__, exc, instance=instance,
              exc_info=exc if first else None)


class _Ask:
    """Asks Glance and Cinder with the token of the user's request."""

    def __init__(self, context: Any, api: compute.API) -> None:
        self._context = context
        self._api = api

    def image(self, image_id: str) -> Union[
            known.Image, known.Unknown]:
        try:
            return facts.image(self._api.image_api.get(
                self._context, image_id))
        except exception.ImageNotFound:
            # Glance says the same of what this user may not see.
            return known.Unknown.NOT_SEEN
        except Exception as exc:
            LOG.warning('Glance did not show image %s: %s', image_id, exc)
            return known.Unknown.NO_ANSWER

    def volume(self, volume_id: str) -> Union[
            known.Image, known.Unknown]:
        try:
            return facts.image_of_volume(self._api.volume_api.get(
                self._context, volume_id))
        except exception.VolumeNotFound:
            return known.Unknown.NOT_SEEN
        except Exception as exc:
            LOG.warning('Cinder did not show volume %s: %s', volume_id, exc)
            return known.Unknown.NO_ANSWER


#: Actions that take a server's image metadata somewhere: into images, to the
#: scheduler, or to the driver, which makes the guest or its devices by them.
HEALED_BEFORE = (
    'snapshot', 'snapshot_volume_backed', 'backup', 'shelve', 'unshelve',
    'resize', 'revert_resize', 'live_migrate', 'evacuate', '_soft_reboot',
    '_hard_reboot', 'start', 'stop', 'resume', 'restore', 'rescue',
    'set_admin_password', 'attach_volume', 'swap_volume', 'attach_interface',
    'detach_interface')


class API(compute.API):
    """Nova's compute API; results and exceptions are the stock's."""

    _rebuilding = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        opts.register(CONF)
        # Here, so that with a wrong value nova-api does not start.
        self._base_of_snapshot = CONF[opts.GROUP].base_of_snapshot

    def _get_image(self, context: Any, image_href: Any) -> tuple[Any, Any]:
        image_id, image = super()._get_image(context, image_href)
        if self._rebuilding:
            try:
                image = self._with_base(image_id, image)
            except Exception as exc:
                _say_fault('rebuild', None, exc)
        return image_id, image

    def _with_base(
        self, image_id: str, image: dict[str, Any]
    ) -> dict[str, Any]:
        # Nova writes the properties of the image to system_metadata, and on
        # releases with the fix image_base_image_ref over it.
        properties = image.get('properties', {})
        base = properties.get('base_image_ref')
        if self._base_of_snapshot != judgement.ORIGIN or not base:
            base = image_id
        return {**image, 'properties': {**properties, 'base_image_ref': base}}

    def _heal(self, context: Any, instance: Any, action: str) -> bool:
        """Heal a server, and return whether its metadata are its own then.

        Afterwards the server is as it is now: Glance may have taken a while.
        """
        try:
            cell_context = instance._context or context
            metadata = instance.system_metadata
            requests = request_spec.images(cell_context, [instance.uuid])
            if not remembered.keys(metadata) and judgement.agree(
                    instance.image_ref, metadata.get(known.KEY),
                    request_spec.image_id(requests.get(instance.uuid))):
                return True
            healed = heal.heal(
                cell_context, instance.uuid, _Ask(context, self),
                self._base_of_snapshot)
            # What is written, or what another one has written meanwhile.
            instance.refresh()
            _say(instance, action, healed)
            return healed.written and healed.verdict.of_server
        except exception.InstanceNotFound:
            pass  # deleted meanwhile, as Nova will say
        except Exception as exc:
            _say_fault(action, instance, exc)
        return False

    def _remember(self, context: Any, instance: Any, image_href: Any) -> None:
        """Keep in memory what a rebuild is about to drop.

        Nova saves it when it sets the task_state, just before it resets the
        image metadata.
        """
        # To the letter, as Nova compares them.
        if (image_href == instance.image_ref
                and not compute_utils.is_volume_backed_instance(
                    context, instance)):
            return  # nobody asks a scheduler, who could refuse
        requests = request_spec.images(
            instance._context or context, [instance.uuid])
        metadata = instance.system_metadata
        for key in remembered.keys(metadata):
            del metadata[key]
        metadata.update(remembered.pack(remembered.Remembered(
            instance.image_ref,
            request_spec.image_id(requests.get(instance.uuid)),
            context.request_id, remembered.image_metadata(metadata),
            {name: getattr(instance, name)
             for name in remembered.COLUMNS})))


def _healing(name: str, stock: Any) -> Any:
    """Return Nova's method *name*, with the healing of the server before it.

    Nova's decorators, which answer 409, come first: of a server that they
    refuse nothing is written.
    """
    def action(
        self: API, context: Any, instance: Any, *args: Any, **kwargs: Any
    ) -> Any:
        self._heal(context, instance, name.strip('_'))
        # Nova's checks once more, of the server as it is now.
        return stock(self, context, instance, *args, **kwargs)

    return within.put(stock, action)


def _rebuild(stock: Any) -> Any:
    def rebuild(
        self: API, context: Any, instance: Any, image_href: Any,
        *args: Any, **kwargs: Any,
    ) -> Any:
        own = self._heal(context, instance, 'rebuild')
        # What is of a refused image is not worth it.
        if own:
            try:
                self._remember(context, instance, image_href)
            except Exception as exc:
                _say_fault('rebuild', instance, exc)
        # Nova's own method reads the image through _get_image() of a copy,
        # so that other requests do not see the flag.
        rebuilding = copy.copy(self)
        rebuilding._rebuilding = True
        return stock(
            rebuilding, context, instance, image_href, *args, **kwargs)

    return within.put(stock, rebuild)


for _name in HEALED_BEFORE:
    setattr(API, _name, _healing(_name, getattr(compute.API, _name)))
setattr(API, 'rebuild', _rebuild(compute.API.rebuild))


def _say(instance: Any, action: str, healed: heal.Healed) -> None:
    before, verdict = healed.facts.key, healed.verdict
    row = verdict.row
    if not healed.written:
        return
    if row.state in (judgement.State.UNJUDGED, judgement.State.PARTIAL):
        # Nothing to worry about as a rule: the server comes from a snapshot
        # whose property has been edited since.
        log = LOG.info if verdict.of_server else LOG.warning
        log('Before %s: image_base_image_ref %s was left as it is: %s',
            action, before, row.reason, instance=instance)
    elif verdict.source is not None:
        LOG.warning('Before %s: %s. The metadata were restored from: %s. '
                    'image_base_image_ref was %s, is %s.', action, row.reason,
                    verdict.source.value, before, verdict.key,
                    instance=instance)
    elif row.state is judgement.State.INCONSISTENT:
        LOG.info('Before %s: image_base_image_ref was %s, is %s, since %s',
                 action, before, verdict.key, row.reason, instance=instance)


class APIRouterV21(openstack_compute.APIRouterV21):
    """Nova's router, whose controllers use our compute API.

    Nova calls the factory twice in a process, for /v2.1 and /v2. Each router
    has controllers of its own, and nothing else is touched.
    """

    def __init__(self, custom_routes: Any = None) -> None:
        super().__init__(custom_routes)
        healing = API()
        replaced = 0
        for controller in self._controllers():
            stock = getattr(controller, 'compute_api', None)
            if type(stock) is compute.API:
                controller.compute_api = healing
                replaced += 1
        if not replaced:
            LOG.error('No controller uses the compute API of Nova: '
                      'nova_snapshot_fix is without effect.')

    def _controllers(self) -> Iterator[Any]:
        for route in self.map.matchlist:
            resource = route.defaults.get('controller')
            yield getattr(resource, 'controller', None)
            for action in getattr(resource, 'wsgi_actions', {}).values():
                yield getattr(action, '__self__', None)
