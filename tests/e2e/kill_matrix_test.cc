// SPDX-License-Identifier: GPL-2.0-or-later
//
// xen-hotpatch killed at the steps of every operation, on the stock Xen. The cells are driven from within the guest (guest/kill_cells.cc),
// hundreds of them in one boot. Prints the table of docs/xen-host.md.
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <vector>

#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

struct Row {
  const char* operation;
  unsigned least;  // cells: two for each change that no implementation could do without, and as many for its lines in the journal
};

constexpr Row kRows[] = {
    {"upload", 20},  {"load", 30},    {"apply", 10},  {"revert", 10}, {"revert --above", 20}, {"unload", 10},
    {"replace", 10}, {"upgrade", 40}, {"accept", 10}, {"forget", 8},  {"restore", 30},
};

/// Every n-th step. With HOTPATCH_KILL_ALL in the environment it is every one: many minutes more.
unsigned share() { return std::getenv("HOTPATCH_KILL_ALL") != nullptr ? 1 : 5; }

TEST_CASE("killed at any step of every operation: the next run agrees with Xen, and ends or undoes the work") {
  const std::string visible_patch = source_file("demo/visible.patch").string();
  const std::string changeset_patch = source_file("tests/e2e/patches/changeset.patch").string();
  const auto first = build_payload("first", {"--patch", visible_patch});
  const auto on_top = build_payload("on-top", {"--patch", changeset_patch, "--depends", first.string()});
  const auto other = build_payload("other", {"--patch", visible_patch, "--patch", changeset_patch});
  Guest guest("kill-matrix");
  guest.add_program(guest_program("kill_cells"));
  guest.add_payload("first", content_of(first));
  guest.add_payload("on-top", content_of(on_top));
  guest.add_payload("other", content_of(other));
  // Hypercalls are told apart by their arguments, which then lie in memory that one process may read of another.
  const auto readable = guest.add("rm -f /dev/xen/hypercall && ls /dev/xen");
  std::vector<std::size_t> steps;
  const std::string begin = "kill_cells /payloads " + std::to_string(share()) + " '";
  for (const Row& row : kRows) steps.push_back(guest.add(begin + row.operation + "'", std::chrono::seconds(1200)));
  const auto list = guest.add("xen-hotpatch list");
  lab::Options options = default_options();
  options.timeout = std::chrono::seconds(share() == 1 ? 7200 : 1700);
  guest.run(&options);
  CHECK_MESSAGE(guest.status(readable) == 0, guest.describe(readable));
  unsigned all = 0;
  std::cout << "| operation | cells | killed at |\n|---|---|---|\n";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Row& row = kRows[i];
    CAPTURE(row.operation);
    const std::string said = guest.output(steps[i]);
    CHECK_MESSAGE(guest.status(steps[i]) == 0, guest.describe(steps[i]));
    const std::string prefix = std::string(row.operation) + ": ";
    REQUIRE_MESSAGE(said.starts_with(prefix), guest.describe(steps[i]));
    unsigned cells = 0;
    std::istringstream(said.substr(prefix.size())) >> cells;
    CHECK_MESSAGE(cells >= row.least / share(), said);
    const std::size_t calls = said.rfind('(');
    REQUIRE_MESSAGE((calls != std::string::npos && said.ends_with(')')), said);
    std::cout << "| " << row.operation << " | " << cells << " | " << said.substr(calls + 1, said.size() - calls - 2) << " |\n";
    all += cells;
  }
  std::cout << "| all | " << all << " | |\n";
  CHECK_MESSAGE(guest.output(list) == "no payloads", guest.describe(list));
}

}  // namespace
}  // namespace hotpatch::e2e
