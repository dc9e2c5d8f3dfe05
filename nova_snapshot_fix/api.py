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


"""Nova's v2.1 API with a compute API that keeps servers on the rule.

In api-paste.ini of nova-api::

    [app:osapi_compute_app_v21]
    paste.app_factory = nova_snapshot_fix.api:APIRouterV21.factory

No fault in here fails a user's action: it is logged once, and Nova goes on as
without us.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import copy
import functools
from typing import Any

from nova.api.openstack import compute as openstack_compute
from nova.compute import api as compute
from nova import conf as nova_conf
from nova import exception
from oslo_log import log as logging

from nova_snapshot_fix import base_image_ref as rule
from nova_snapshot_fix import opts
from nova_snapshot_fix import plan
from nova_snapshot_fix import remembered
from nova_snapshot_fix import repair

CONF = nova_conf.CONF
LOG = logging.getLogger(__name__)

_logged_failure = False


def _log_once(action: str) -> None:
    global _logged_failure
    if not _logged_failure:
        _logged_failure = True
        LOG.exception('%s goes on without a look at base_image_ref '
                      '(said once).', action)


def _mending(name: str) -> Callable[..., Any]:
    """Return the method *name* of Nova, with a look at the rule before it."""
    stock = getattr(compute.API, name)

    @functools.wraps(stock)
    def action(
        self: API, context: Any, instance: Any, *args: Any, **kwargs: Any
    ) -> Any:
        self._mend(context, instance, name)
        return getattr(super(API, self), name)(
            context, instance, *args, **kwargs)

    return action


class API(compute.API):
    """Nova's compute API; results and exceptions are the stock's."""

    _rebuilding = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        opts.register(CONF)
        # Here, so that with a wrong value nova-api does not start.
        self._base_of_snapshot = CONF[opts.GROUP].base_of_snapshot

    snapshot = _mending('snapshot')
    snapshot_volume_backed = _mending('snapshot_volume_backed')
    backup = _mending('backup')
    shelve = _mending('shelve')
    unshelve = _mending('unshelve')
    resize = _mending('resize')  # and cold migrate
    live_migrate = _mending('live_migrate')
    evacuate = _mending('evacuate')

    @functools.wraps(compute.API.rebuild)
    def rebuild(
        self, context: Any, instance: Any, image_href: Any,
        *args: Any, **kwargs: Any,
    ) -> Any:
        mended = self._mend(context, instance, 'rebuild')
        try:
            # What is of a refused image is not worth it.
            if mended is not None and mended.of_server:
                # In memory only. Nova saves it when it sets the task_state,
                # just before it resets the image metadata.
                self._remember(instance, image_href)
        except Exception:
            _log_once('rebuild')
        # Nova's own method reads the image through _get_image() of a copy,
        # so that other requests do not see the flag.
        ours = copy.copy(self)
        ours._rebuilding = True
        return super(API, ours).rebuild(
            context, instance, image_href, *args, **kwargs)

    def _get_image(self, context: Any, image_href: Any) -> tuple[Any, Any]:
        image_id, image = super()._get_image(context, image_href)
        if self._rebuilding:
            try:
                image = self._with_base(image_id, image)
            except Exception:
                _log_once('rebuild')
        return image_id, image

    def _with_base(
        self, image_id: str, image: dict[str, Any]
    ) -> dict[str, Any]:
        # Nova writes the properties of the image to system_metadata, and on
        # releases with the fix image_base_image_ref over it.
        base = rule.written_anew(
            image_id, plan.origin(image), self._base_of_snapshot)
        properties = {**image.get('properties', {}), rule.PROPERTY: base}
        return {**image, 'properties': properties}

    @staticmethod
    def _remember(instance: Any, image_href: Any) -> None:
        metadata = instance.system_metadata
        if (rule.same_image(image_href, instance.image_ref)
                or remembered.keys(metadata)):
            return
        metadata.update(remembered.pack(remembered.Remembered(
            instance.image_ref or '', plan.launched_at(instance),
            remembered.image_metadata(metadata),
            {name: getattr(instance, name)
             for name in remembered.COLUMNS})))

    def _mend(
        self, context: Any, instance: Any, action: str
    ) -> plan.Plan | None:
        try:
            outcome = repair.repair(
                instance._context or context, instance,
                functools.partial(repair.look_up, context, self.image_api),
                self._base_of_snapshot)
            _say(instance, action, outcome)
            return outcome.plan
        except exception.InstanceNotFound:
            pass  # deleted meanwhile, as Nova will say
        except Exception:
            _log_once(action)
        return None


def _say(instance: Any, action: str, outcome: repair.Outcome) -> None:
    plan = outcome.plan
    if plan is None:
        return
    if outcome.status is repair.Status.UNJUDGED:
        # Nothing to worry about as a rule: the server comes from a snapshot
        # that has been deleted since.
        log = LOG.warning if plan.answer.refused else LOG.info
        log('Before %s: image_base_image_ref %s was left as it is: %s',
            action, outcome.before, plan.answer.reason.value,
            instance=instance)
    elif plan.source is not None:
        LOG.warning('Before %s: the metadata were those of an image whose '
                    'rebuild has been refused. They were restored from: %s. '
                    'image_base_image_ref was %s, is %s.',
                    action, plan.source.value, outcome.before,
                    plan.metadata.get(rule.KEY), instance=instance)
    elif outcome.before != plan.metadata.get(rule.KEY):
        LOG.info('Before %s: image_base_image_ref was %s, is %s, since %s',
                 action, outcome.before, plan.metadata.get(rule.KEY),
                 plan.answer.reason.value, instance=instance)


class APIRouterV21(openstack_compute.APIRouterV21):
    """Nova's router, whose controllers use our compute API.

    Nova calls the factory twice in a process, for /v2.1 and /v2. Each router
    has controllers of its own, and nothing else is touched.
    """

    def __init__(self, custom_routes: Any = None) -> None:
        super().__init__(custom_routes)
        ours = API()
        replaced = 0
        for controller in self._controllers():
            stock = getattr(controller, 'compute_api', None)
            if type(stock) is compute.API:
                controller.compute_api = ours
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
