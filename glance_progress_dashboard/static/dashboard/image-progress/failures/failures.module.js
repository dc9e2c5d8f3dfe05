/**
 * Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License. You may obtain
 * a copy of the License at
 *
 *    http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
 * WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
 * License for the specific language governing permissions and limitations
 * under the License.
 */

(function() {
  'use strict';

  /**
   * @ngdoc overview
   * @name horizon.dashboard.image-progress.failures
   * @description
   * The panel with the images of a project whose data have not arrived of
   * late, those among them that have been deleted since.
   */
  angular
    .module('horizon.dashboard.image-progress.failures', [
      'ngRoute',
      'horizon.framework.conf'
    ])
    .constant(
      'horizon.dashboard.image-progress.failures.resourceType',
      'GlanceProgress::Failure')
    .config(config)
    .run(run);

  config.$inject = ['$routeProvider', '$windowProvider'];

  function config($routeProvider, $windowProvider) {
    $routeProvider.when('/project/image_failures', {
      templateUrl: $windowProvider.$get().STATIC_URL +
        'dashboard/image-progress/failures/panel.html'
    });
  }

  run.$inject = [
    'horizon.dashboard.image-progress.api',
    'horizon.dashboard.image-progress.failures.resourceType',
    'horizon.dashboard.image-progress.words',
    'horizon.framework.conf.resource-type-registry.service'
  ];

  function run(api, failureType, words, registry) {
    registry.getResourceType(failureType)
      .setNames('Image Failure', 'Image Failures',
        ngettext('Image Failure', 'Image Failures', 1))
      .setProperties({
        name: gettext('Image Name'),
        time: gettext('Failed at'),
        store: gettext('Store'),
        reason: gettext('Reason'),
        status: gettext('Status of the Image'),
        id: gettext('Image ID'),
        request: gettext('Request ID')
      })
      .setListFunction(list)
      .tableColumns
      .append({id: 'name', priority: 1, classes: 'word-wrap'})
      .append({id: 'time', priority: 1})
      .append({id: 'reason', priority: 1, classes: 'word-wrap'})
      .append({id: 'store', priority: 2})
      .append({id: 'status', priority: 2})
      .append({id: 'id', priority: 2})
      .append({id: 'request', priority: 2});

    function list() {
      return api.getFailures().then(function(answer) {
        return {data: {items: (answer.items || []).map(row)}};
      });
    }

    function row(progress) {
      var failed = progress.last_failure || failedStore(progress) || {};
      return {
        id: progress.image_id,
        name: progress.name || progress.image_id,
        time: words.time(failed.updated_at),
        store: failed.store ? words.store(failed.store) : '-',
        reason: words.reason(failed),
        status: progress.status,
        request: failed.request_id || '-'
      };
    }

    function failedStore(progress) {
      return progress.stores.filter(function(store) {
        return store.state === 'failed';
      })[0];
    }
  }

})();
