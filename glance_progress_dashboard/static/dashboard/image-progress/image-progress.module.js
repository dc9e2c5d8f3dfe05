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
   * @name horizon.dashboard.image-progress
   * @description
   * Shows how far the data of images really are. It extends what Horizon's
   * registry has on images, and changes nothing where the Image API cannot
   * tell.
   */
  angular
    .module('horizon.dashboard.image-progress', [
      'ngRoute',
      'horizon.app.core',
      'horizon.app.core.images',
      'horizon.dashboard.image-progress.create',
      'horizon.dashboard.image-progress.failures'
    ])
    .config(config)
    .run(run);

  config.$inject = ['$provide', '$windowProvider'];

  function config($provide, $windowProvider) {
    $provide.constant(
      'horizon.dashboard.image-progress.basePath',
      $windowProvider.$get().STATIC_URL + 'dashboard/image-progress/');
    $provide.decorator(
      'horizon.app.core.openstack-service-api.glance', askVersionOnce);
  }

  askVersionOnce.$inject = ['$delegate'];

  /**
   * Horizon asks for the version of the Image API with each list. It is the
   * same each time, and would be half of a table's requests.
   */
  function askVersionOnce(glance) {
    var ask = glance.getVersion;
    var asked;
    glance.getVersion = function() {
      asked = asked || ask();
      return asked;
    };
    return glance;
  }

  run.$inject = [
    'horizon.app.core.images.resourceType',
    'horizon.app.core.images.statuses',
    'horizon.dashboard.image-progress.basePath',
    'horizon.dashboard.image-progress.table',
    'horizon.framework.conf.resource-type-registry.service'
  ];

  function run(imageType, statuses, basePath, table, registry) {
    var type = registry.getResourceType(imageType);
    type
      .setProperty('status', {
        label: gettext('Status'),
        values: angular.extend({
          uploading: gettext('Uploading'),
          importing: gettext('Importing')
        }, statuses)
      })
      .setListFunction(table.list)
      .setItemInTransitionFunction(table.isInTransition);

    type.tableColumns.replace('status', {
      id: 'status',
      priority: 1,
      template: '<image-progress-status item="item" column="column">' +
        '</image-progress-status>'
    });

    // Above what Horizon says of an image, without another tab.
    angular.forEach(type.detailsViews, function(view) {
      if (view.id === 'imageDetailsOverview') {
        view.template = basePath + 'details/overview.html';
      }
    });
  }

})();
