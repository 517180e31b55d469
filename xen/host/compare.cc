// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/compare.h"

#include <algorithm>

#include "common/elf/object.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen::host {
namespace {

class Comparer {
 public:
  void text(std::string what, std::string believed, std::string reported) {
    comparisons_.push_back({.what = std::move(what), .believed = std::move(believed), .reported = std::move(reported)});
  }
  void address(std::string what, std::uint64_t believed, std::uint64_t reported) {
    text(std::move(what), hex(believed), hex(reported));
  }
  void number(std::string what, std::uint64_t believed, std::uint64_t reported) {
    text(std::move(what), std::to_string(believed), std::to_string(reported));
  }
  std::vector<Comparison> take() && { return std::move(comparisons_); }

 private:
  std::vector<Comparison> comparisons_;
};

void compare_functions(Comparer& comparer, const LiveImage& live, const DumpedPayload& dumped) {
  comparer.number("functions", live.functions.size(), dumped.functions.size());
  const std::size_t count = std::min(live.functions.size(), dumped.functions.size());
  for (std::size_t number = 0; number < count; ++number) {
    const LiveFunction& ours = live.functions[number];
    const DumpedFunction& theirs = dumped.functions[number];
    comparer.text("name of function " + std::to_string(number), ours.name, theirs.name);
    comparer.address(ours.name + ": replaces what is at", ours.old_addr, theirs.old_addr);
    comparer.number(ours.name + ": bytes there", ours.old_size, theirs.old_size);
    comparer.address(ours.name + ": is at", ours.new_addr.value_or(0), theirs.new_addr);
    comparer.number(ours.name + ": bytes", ours.new_size, theirs.new_size);
  }
}

Result<Metadata> metadata_in(const LiveImage& live) {
  HP_ASSIGN(const elf::Object object, elf::parse_object(Bytes(live.file), "the kept copy"));
  const auto index = object.find_section(kMetadataSection);
  return index ? parse_metadata(object.section(*index).contents) : Metadata();
}

}  // namespace

Result<std::vector<Comparison>> compare(const PayloadView& view, const LiveImage& live, const std::vector<DumpedPayload>& dump) {
  Comparer comparer;
  const bool believed_applied = view.remembered && !view.remembered->applied_at.empty();
  comparer.text("state", believed_applied ? "applied" : "checked", hypercall::state_name(view.status.state));
  HP_ASSIGN(const Metadata believed, metadata_in(live));
  for (const auto& [key, value] : believed.entries) {
    if (key != kLinkedKey)  // not so where Xen relocated the payload
      comparer.text("metadata " + key, value, std::string(view.metadata.find(key).value_or("")));
  }
  const auto dumped = std::ranges::find(dump, view.name, &DumpedPayload::name);
  comparer.text("printed by Xen", "yes", dumped == dump.end() ? "no" : "yes");
  if (dumped == dump.end()) return std::move(comparer).take();
  comparer.text("state as printed", believed_applied ? "2" : "1", std::to_string(dumped->state));
  comparer.address("address of the text", live.load_address, dumped->text);
  comparer.address("address of writable data", live.rw_address, dumped->rw);
  comparer.address("address of read-only data", live.ro_address, dumped->ro);
  comparer.number("pages", live.pages, dumped->pages);
  if (view.remembered) {
    comparer.text("build ID", view.remembered->build_id, dumped->build_id);
    comparer.text("goes on top of", view.remembered->depends, dumped->depends);
  }
  compare_functions(comparer, live, *dumped);
  return std::move(comparer).take();
}

}  // namespace hotpatch::xen::host
