// SPDX-License-Identifier: GPL-2.0-or-later
#include "hypercall/list_reader.h"

#include <cerrno>
#include <deque>

#include <doctest/doctest.h>

namespace hotpatch::hypercall {
namespace {

Listed entry(const std::string& name, std::string_view metadata) {
  const ByteView bytes = as_byte_view(metadata);
  return {.name = name, .status = {.state = State::kChecked, .rc = 0}, .metadata = Bytes(bytes.begin(), bytes.end())};
}

/// Each reading, of sizes or of content, sees the next of `versions`; the last one stays.
class ChangingSource final : public ListSource {
 public:
  explicit ChangingSource(std::deque<std::vector<Listed>> versions) : versions_(std::move(versions)) {}

  Result<ListSizes> list_sizes() override {
    const std::vector<Listed> now = next();
    ListSizes sizes{.count = static_cast<std::uint32_t>(now.size()), .names = 0, .metadata = 0};
    for (const Listed& one : now) {
      sizes.names += static_cast<std::uint32_t>(one.name.size()) + 1;
      sizes.metadata += static_cast<std::uint32_t>(one.metadata.size());
    }
    return sizes;
  }

  Result<RawList> read_list(const ListSizes& room) override {
    ++reads;
    last_room = room;
    if (failures > 0) {
      --failures;
      return tl::unexpected(hypercall_error("list", failure));
    }
    RawList raw;
    for (const Listed& one : next()) {
      raw.statuses.push_back(one.status);
      raw.name_sizes.push_back(static_cast<std::uint32_t>(one.name.size()) + 1);
      raw.metadata_sizes.push_back(static_cast<std::uint32_t>(one.metadata.size()));
      raw.names += one.name + '\0';
      raw.metadata.insert(raw.metadata.end(), one.metadata.begin(), one.metadata.end());
    }
    raw.names.resize(room.names);
    raw.metadata.resize(room.metadata);
    raw.left = left;
    if (spoil_name_size) raw.name_sizes.front() = 4000000000U;
    return raw;
  }

  unsigned reads = 0;
  unsigned failures = 0;
  int failure = 0;
  std::uint32_t left = 0;
  bool spoil_name_size = false;
  ListSizes last_room;

 private:
  std::vector<Listed> next() {
    std::vector<Listed> now = versions_.front();
    if (versions_.size() > 1) versions_.pop_front();
    return now;
  }
  std::deque<std::vector<Listed>> versions_;
};

const std::vector<Listed> kOne = {entry("a", "x=1")};
const std::vector<Listed> kTwo = {entry("a", "x=1"), entry("bb", "")};

TEST_CASE("an empty list is not asked for its content") {
  ChangingSource source({std::vector<Listed>()});
  const auto listed = read_stable_list(source);
  REQUIRE(listed);
  CHECK(listed->empty());
  CHECK(source.reads == 0);
}

TEST_CASE("a list that stands still is returned as it is, empty metadata included") {
  ChangingSource source({kTwo});
  const auto listed = read_stable_list(source);
  REQUIRE(listed);
  CHECK(*listed == kTwo);
}

TEST_CASE("there is room for payloads that appear after the sizes were read") {
  ChangingSource source({kOne});
  REQUIRE(read_stable_list(source));
  CHECK(source.last_room.count >= 10);
  CHECK(source.last_room.names >= 10 * kMaxNameSize);
  CHECK(source.last_room.metadata >= 4096);
}

TEST_CASE("a payload that appears between sizes and content leads to another reading") {
  ChangingSource source({kOne, kTwo});
  const auto listed = read_stable_list(source);
  REQUIRE(listed);
  CHECK(*listed == kTwo);
}

TEST_CASE("a payload that is exchanged for one of the same sizes is noticed") {
  const std::vector<Listed> other = {entry("z", "x=1")};
  ChangingSource source({kOne, kOne, kOne, other});
  const auto listed = read_stable_list(source);
  REQUIRE(listed);
  CHECK(*listed == other);
}

TEST_CASE("a list that never stands still is busy, after a bounded number of readings") {
  std::deque<std::vector<Listed>> versions;
  for (unsigned number = 0; number < 100; ++number) versions.push_back(number % 2 == 0 ? kOne : kTwo);
  ChangingSource source(versions);
  const auto listed = read_stable_list(source);
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code() == Errc::kBusy);
  CHECK(source.reads < 20);
}

TEST_CASE("what a changing list is refused with is tried again, and a real refusal is not") {
  ChangingSource changing({kOne});
  changing.failures = 2;
  changing.failure = ENOBUFS;
  CHECK(read_stable_list(changing));
  ChangingSource refusing({kOne});
  refusing.failures = 1;
  refusing.failure = EPERM;
  const auto listed = read_stable_list(refusing);
  REQUIRE_FALSE(listed);
  CHECK(listed.error().os_error() == EPERM);
  CHECK(refusing.reads == 1);
}

TEST_CASE("sizes from outside that do not fit are never followed") {
  ChangingSource source({kOne});
  source.spoil_name_size = true;
  const auto listed = read_stable_list(source);
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code() == Errc::kBusy);
}

TEST_CASE("an incomplete list is not taken for the whole") {
  ChangingSource source({kOne});
  source.left = 1;
  CHECK_FALSE(read_stable_list(source));
}

}  // namespace
}  // namespace hotpatch::hypercall
