// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/memory.h"

#include <doctest/doctest.h>

namespace hotpatch::xen::host {
namespace {

class Writer {
 public:
  Writer& did(const std::string& action, const std::string& name, const std::string& state, const std::string& outcome = "done") {
    begun(action, name);
    JournalRecord end = contents.records.back();
    end.is_end = true;
    end.outcome = outcome;
    end.state = state;
    contents.records.push_back(end);
    return *this;
  }
  Writer& begun(const std::string& action, const std::string& name) {
    JournalRecord begin;
    begin.time = "t" + std::to_string(contents.records.size());
    begin.boot = boot;
    begin.id = ++id_;
    begin.action = action;
    begin.name = name;
    begin.build_id = "id-of-" + name;
    contents.records.push_back(begin);
    return *this;
  }
  JournalContents contents;
  std::string boot = "now";

 private:
  std::uint64_t id_ = 0;
};

hypercall::Listed listed(const std::string& name, hypercall::State state) {
  return {.name = name, .status = {.state = state, .rc = 0}, .metadata = {}};
}
constexpr auto kApplied = hypercall::State::kApplied;
constexpr auto kChecked = hypercall::State::kChecked;

TEST_CASE("the order of application is remembered, not that of the uploads") {
  Writer writer;
  writer.did("upload", "a", "checked").did("upload", "b", "checked").did("apply", "b", "applied").did("apply", "a", "applied");
  const Memory memory = recall(writer.contents, "now");
  CHECK(memory.stack == std::vector<std::string>{"b", "a"});
  const Stack stack = stack_of({listed("a", kApplied), listed("b", kApplied)}, memory);
  CHECK(stack.names == std::vector<std::string>{"b", "a"});
  CHECK(stack.order_known);
}

TEST_CASE("an action that failed, or was already done, changes the memory by the state it left alone") {
  Writer writer;
  writer.did("upload", "a", "checked").did("apply", "a", "checked", "failed");
  CHECK(recall(writer.contents, "now").stack.empty());
  writer.did("apply", "a", "applied").did("apply", "a", "applied", "already");
  CHECK(recall(writer.contents, "now").stack == std::vector<std::string>{"a"});
}

TEST_CASE("a replacement leaves itself alone on the stack") {
  Writer writer;
  writer.did("apply", "a", "applied").did("apply", "b", "applied").did("replace", "c", "applied");
  CHECK(recall(writer.contents, "now").stack == std::vector<std::string>{"c"});
}

TEST_CASE("what another boot did is no part of this one's state") {
  Writer writer;
  writer.boot = "before";
  writer.did("upload", "a", "checked").did("apply", "a", "applied").begun("revert", "a");
  const Memory memory = recall(writer.contents, "now");
  CHECK(memory.payloads.empty());
  CHECK(memory.stack.empty());
  CHECK(memory.interrupted.empty());
  CHECK(memory.last_id == 3);
}

TEST_CASE("an action without an end is interrupted") {
  Writer writer;
  writer.did("upload", "a", "checked").begun("apply", "a");
  const Memory memory = recall(writer.contents, "now");
  REQUIRE(memory.interrupted.size() == 1);
  CHECK(memory.interrupted[0].action == "apply");
}

TEST_CASE("the hypervisor's word goes before the memory's") {
  Writer writer;
  writer.did("apply", "a", "applied").did("apply", "b", "applied");
  const Memory memory = recall(writer.contents, "now");
  const Stack stack = stack_of({listed("a", kChecked), listed("b", kApplied), listed("foreign", kApplied)}, memory);
  CHECK(stack.names == std::vector<std::string>{"b", "foreign"});
  CHECK_FALSE(stack.order_known);
}

TEST_CASE("an unloaded payload is forgotten") {
  Writer writer;
  writer.did("upload", "a", "checked").did("unload", "a", "absent");
  CHECK(recall(writer.contents, "now").find("a") == nullptr);
}

}  // namespace
}  // namespace hotpatch::xen::host
