// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace hotpatch {

void parallel_for(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& job) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t workers = std::min<std::size_t>(threads, count);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) job(i);
  };
  std::vector<std::jthread> pool;
  for (std::size_t i = 1; i < workers; ++i) pool.emplace_back(work);
  work();
}

}  // namespace hotpatch
