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

  angular
    .module('horizon.dashboard.image-progress')
    .directive('imageProgressDetails', directive);

  directive.$inject = [
    '$route',
    '$timeout',
    'horizon.app.core.images.basePath',
    'horizon.app.core.openstack-service-api.settings',
    'horizon.dashboard.image-progress.basePath',
    'horizon.dashboard.image-progress.store'
  ];

  /**
   * @ngdoc directive
   * @name imageProgressDetails
   * @description
   * The progress of one image, above what Horizon says of it. When its data
   * have come, or not, the page gets what else has changed.
   */
  function directive($route, $timeout, imagesPath, settings, basePath, store) {
    return {
      restrict: 'E',
      scope: true,
      templateUrl: basePath + 'details/details.html',
      link: link
    };

    function link(scope) {
      var imageId = scope.context.identifier;
      var interval = 2500;
      var timer;
      var moved = false;
      var ended = false;

      scope.overview = imagesPath + 'details/overview.html';
      scope.progress = function() {
        return store.get(imageId);
      };
      scope.$on('$destroy', function() {
        ended = true;
        $timeout.cancel(timer);
      });
      settings.getSetting('AJAX_POLL_INTERVAL').then(function(setting) {
        interval = setting;
        look();
      });

      function look() {
        store.look([imageId]).then(function() {
          if (ended) {
            return;
          }
          if (store.isMoving(imageId)) {
            moved = true;
          } else if (moved) {
            $route.reload();
            return;
          }
          if (interval && (moved || isQueued())) {
            timer = $timeout(look, interval);
          }
        });
      }

      function isQueued() {
        var progress = scope.progress();
        return progress && progress.phase === 'queued';
      }
    }
  }

})();
