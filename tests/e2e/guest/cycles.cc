// SPDX-License-Identifier: GPL-2.0-or-later
//
// Takes a payload that is applied out and in again, and anew from its file, many times, as xen-hotpatch does it: a session for each, with
// its lock and its lines in the journal. In one process, since an emulated machine takes a tenth of a second to start a program.
//
// usage: cycles PAYLOAD NAME COUNT (out and in) COUNT (with unload and upload)
#include <cstdlib>
#include <iostream>
#include <memory>
#include <set>
#include <stdexcept>

#include "common/host/boot.h"
#include "hypercall/open_xen.h"
#include "xen/host/operations.h"

namespace hotpatch::e2e {
namespace {

using xen::host::Outcome;
using xen::host::Session;

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return *std::move(result);
}

int run(const std::string& file, const std::string& name, int cycles, int reloads) {
  SystemClock clock;
  xen::host::HostConfig config;
  config.boot = must(this_boot());
  config.command = "cycles";
  const auto channel = must(hypercall::open_xen());
  const auto payload = must(xen::host::read_checked_payload(file));
  const auto session = [&] { return must(Session::open(*channel, clock, config, name)); };
  std::chrono::microseconds longest{0};
  unsigned tries = 0;
  const auto note = [&](const Outcome& outcome) {
    if (outcome.already) throw std::runtime_error("there was nothing to do");
    longest = std::max(longest, outcome.barrier);
    tries += outcome.attempts;
  };
  for (int i = 0; i < cycles; ++i) {
    note(must(xen::host::revert(*session(), name)));
    note(must(xen::host::apply(*session(), name)));
  }
  std::set<std::uint64_t> places;
  for (int i = 0; i < reloads; ++i) {
    note(must(xen::host::revert(*session(), name)));
    (void)must(xen::host::unload(*session(), name));
    const Outcome loaded = must(xen::host::load(*session(), name, payload));
    note(loaded);
    places.insert(loaded.load_address.value_or(0));
  }
  std::cout << tries << " tries, longest barrier " << longest.count() << " us, places " << places.size() << std::endl;
  return 0;
}

}  // namespace
}  // namespace hotpatch::e2e

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  try {
    return hotpatch::e2e::run(argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
  } catch (const std::exception& error) {
    std::cout << "cycles: " << error.what() << std::endl;
    return 1;
  }
}
