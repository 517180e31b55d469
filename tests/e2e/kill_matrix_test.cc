// SPDX-License-Identifier: GPL-2.0-or-later
//
// xen-hotpatch killed at every step of its operations, on the stock Xen. The cells are driven from within the guest (guest/kill_cells.cc),
// hundreds of them in one boot.
#include <cstdlib>
#include <sstream>
#include <vector>

#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

struct Row {
  const char* operation;
  unsigned least;  // cells: two for each change that no implementation could do without, and as many for its lines in the journal
  bool is_in_other;  // each of its steps is one of `load` too
};

constexpr Row kRows[] = {
    {"upload", 20, true},  {"load", 30, false},           {"apply", 10, true},
    {"revert", 10, false}, {"revert --above", 20, false}, {"unload", 10, false},
};

/// With HOTPATCH_KILL_ALL in the environment all of them: some minutes more.
std::vector<Row> rows_to_run() {
  std::vector<Row> product;
  for (const Row& row : kRows)
    if (!row.is_in_other || std::getenv("HOTPATCH_KILL_ALL") != nullptr) product.push_back(row);
  return product;
}

TEST_CASE("killed at every step: the next run agrees with Xen, and ends or undoes the work") {
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
  const std::vector<Row> rows = rows_to_run();
  for (const Row& row : rows)
    steps.push_back(guest.add("kill_cells /payloads '" + std::string(row.operation) + "'", std::chrono::seconds(600)));
  const auto list = guest.add("xen-hotpatch list");
  lab::Options options = default_options();
  options.timeout = std::chrono::seconds(1700);
  guest.run(&options);
  CHECK_MESSAGE(guest.status(readable) == 0, guest.describe(readable));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Row& row = rows[i];
    CAPTURE(row.operation);
    const std::string said = guest.output(steps[i]);
    CHECK_MESSAGE(guest.status(steps[i]) == 0, guest.describe(steps[i]));
    const std::string prefix = std::string(row.operation) + ": ";
    REQUIRE_MESSAGE(said.starts_with(prefix), guest.describe(steps[i]));
    unsigned cells = 0;
    std::istringstream(said.substr(prefix.size())) >> cells;
    CHECK_MESSAGE(cells >= row.least, said);
    MESSAGE(said);
  }
  CHECK_MESSAGE(guest.output(list) == "no payloads", guest.describe(list));
}

}  // namespace
}  // namespace hotpatch::e2e
