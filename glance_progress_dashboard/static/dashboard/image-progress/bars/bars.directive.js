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
    .directive('imageProgressBars', directive);

  directive.$inject = [
    'horizon.dashboard.image-progress.bars',
    'horizon.dashboard.image-progress.basePath',
    'horizon.dashboard.image-progress.words'
  ];

  /**
   * @ngdoc directive
   * @name imageProgressBars
   * @param {Object} progress - what the Image API says of an image; or nothing
   * @description
   * What goes on with an image's data, and a bar for each store.
   */
  function directive(bars, basePath, words) {
    return {
      restrict: 'E',
      scope: {progress: '='},
      templateUrl: basePath + 'bars/bars.html',
      link: link
    };

    function link(scope) {
      scope.bars = [];
      scope.$watch('progress', function(progress) {
        scope.bars = bars(progress);
        scope.phase = progress ? words.phase(progress) : '';
        scope.note = progress ? words.note(progress) : '';
        scope.quiet = !progress ||
          progress.phase === 'queued' || progress.phase === 'done';
      });
    }
  }

})();
