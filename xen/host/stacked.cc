// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/stacked.h"

#include <algorithm>

#include "common/elf/object.h"
#include "xen/host/look.h"
#include "xen/host/memory.h"
#include "xen/host/store.h"
#include "xen/relocate/live.h"

namespace hotpatch::xen::host {
namespace {

/// Adds what one applied payload wrote to what lay there before. kUnsupported if that cannot be known.
Result<> add_payload(Session& session, const std::string& name, SplicedBytes& spliced) {
  const Remembered* known = session.memory().find(name);
  if (known == nullptr) return fail(Errc::kUnsupported, name + " is another tool's");
  HP_ASSIGN(const CheckedPayload copy, kept_payload(session.config().state_dir, known->build_id, known->digest));
  HP_ASSIGN(const std::optional<Metadata> seen, look_at(session.channel(), name));
  if (!seen || !seen->load_address) return fail(Errc::kUnsupported, name + " does not tell where it lies");
  HP_ASSIGN(const elf::Object object, elf::parse_object(Bytes(copy.file), name));
  HP_ASSIGN(const LiveImage live, live_image(object, TargetAddr(*seen->load_address)));
  HP_CHECK(live.functions.size() == copy.info.functions.size(), "a live function for each of the payload's");
  for (std::size_t i = 0; i < live.functions.size(); ++i) {
    const LiveFunction& function = live.functions[i];
    const std::optional<Bytes>& expected = copy.info.functions[i].expect;
    const auto below = spliced.find(function.old_addr);
    if (below == spliced.end() && !expected) continue;  // nobody knows what lay there
    Bytes bytes = below != spliced.end() ? below->second : *expected;
    // Behind an ENDBR64 that the lowest payload saw; one above has no expectation of its own to see it by.
    const std::uint64_t skipped = starts_with_endbr(bytes) ? kEndbrSize : 0;
    if (!function.new_addr || bytes.size() < skipped + kJumpSize) {
      spliced.erase(function.old_addr);
      continue;
    }
    std::ranges::copy(jump_to(*function.new_addr, function.old_addr + skipped),
                      bytes.begin() + static_cast<std::ptrdiff_t>(skipped));
    spliced[function.old_addr] = std::move(bytes);
  }
  return {};
}

/// Whether a payload of the stack has spliced a function of `payload` that expects nothing yet.
bool is_on_spliced(const Memory& memory, const std::vector<std::string>& stack, const PayloadInfo& payload) {
  return std::ranges::any_of(stack, [&](const std::string& name) {
    const Remembered* known = memory.find(name);
    return known != nullptr && std::ranges::any_of(known->functions, [&](const JournalFunction& theirs) {
             return std::ranges::any_of(payload.functions, [&](const PayloadFunction& ours) {
               return !ours.expect && ours.old_addr.value() == theirs.old_addr;
             });
           });
  });
}

}  // namespace

SplicedBytes spliced_bytes(Session& session, const std::vector<hypercall::Listed>& listed, const PayloadInfo& payload) {
  const Stack stack = stack_of(listed, session.memory());
  if (!stack.order_known || !is_on_spliced(session.memory(), stack.names, payload)) return {};
  SplicedBytes spliced;
  for (const std::string& name : stack.names)
    if (const Result<> added = add_payload(session, name, spliced); !added) return {};
  return spliced;
}

std::size_t expect_spliced(const SplicedBytes& spliced, const PayloadInfo& payload, Bytes& image) {
  if (spliced.empty()) return 0;
  const Result<elf::Object> object = elf::parse_object(Bytes(image), payload.name);
  const auto section = object ? object->find_section(kFuncsSection) : std::nullopt;
  if (!section) return 0;
  const ByteView records = object->section(*section).contents;
  const auto begin = static_cast<std::size_t>(records.data() - object->bytes().data());
  std::size_t count = 0;
  for (std::size_t i = 0; i < payload.functions.size() && (i + 1) * kFuncSize <= records.size(); ++i) {
    const PayloadFunction& function = payload.functions[i];
    const auto found = spliced.find(function.old_addr.value());
    if (function.expect || found == spliced.end()) continue;
    const std::size_t length = std::min<std::size_t>({found->second.size(), function.old_size, kMaxExpectation});
    store_expectation(image, begin + i * kFuncSize, ByteView(found->second).first(length));
    ++count;
  }
  return count;
}

}  // namespace hotpatch::xen::host
