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
    'horizon.dashboard.image-progress.basePath',
    'horizon.dashboard.image-progress.create.sent',
    'horizon.dashboard.image-progress.store'
  ];

  /**
   * @ngdoc directive
   * @name imageProgressCreate
   * @description
   * Horizon's form, and how far the image is to which the browser sends data,
   * also when it has sent all of them.
   */
  function directive($timeout, imagesPath, basePath, sent, store) {
    return {
      restrict: 'E',
      scope: true,
      templateUrl: basePath + 'create/create.html',
      link: link
    };

    function link(scope) {
      var timer;
      var ended = false;

      sent.forget();
      scope.sent = sent;
      scope.form = imagesPath + 'steps/create-image/create-image.html';
      scope.progress = function() {
        return store.get(sent.imageId);
      };
      scope.$watch('sent.imageId', function(imageId) {
        $timeout.cancel(timer);
        if (imageId) {
          look();
        }
      });
      scope.$on('$destroy', function() {
        ended = true;
        $timeout.cancel(timer);
      });

      function look() {
        store.look([]).then(function() {
          if (!ended && store.isAvailable()) {
            timer = $timeout(look, INTERVAL);
          }
        });
      }
    }
  }

})();
