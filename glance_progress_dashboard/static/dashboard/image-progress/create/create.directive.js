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

  // Milliseconds between two looks.
  var INTERVAL = 2500;

  angular
    .module('horizon.dashboard.image-progress.create')
    .directive('imageProgressCreate', directive);

  directive.$inject = [
    '$timeout',
    'horizon.app.core.images.basePath',
    'horizon.app.core.images.events',
    'horizon.dashboard.image-progress.basePath',
    'horizon.dashboard.image-progress.create.sent',
    'horizon.dashboard.image-progress.store'
  ];

  /**
   * @ngdoc directive
   * @name imageProgressCreate
   * @description
   * Horizon's form, and, when the browser has sent all of an image, how far the
   * rest is.
   */
  function directive($timeout, imagesPath, events, basePath, sent, store) {
    return {
      restrict: 'E',
      scope: true,
      templateUrl: basePath + 'create/create.html',
      link: link
    };

    function link(scope) {
      var timer;

      scope.allSent = false;
      scope.form = imagesPath + 'steps/create-image/create-image.html';
      scope.progress = function() {
        return store.get(sent.imageId);
      };
      scope.$on(events.IMAGE_UPLOAD_PROGRESS, function(event, percent) {
        if (percent >= 100 && !scope.allSent) {
          scope.allSent = true;
          look();
        }
      });
      scope.$on('$destroy', function() {
        $timeout.cancel(timer);
      });

      function look() {
        store.look(sent.imageId ? [sent.imageId] : []).then(function() {
          timer = $timeout(look, INTERVAL);
        });
      }
    }
  }

})();
