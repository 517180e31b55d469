// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/settle.h"

#include "common/elf/object.h"
#include "xen/host/look.h"
#include "xen/relocate/relocate.h"

namespace hotpatch::xen::host {
namespace {

constexpr unsigned kMaxMisses = 3;
constexpr const char* kCannotUnload = "its image lies in a wrong place, and could not be unloaded";

}  // namespace

Result<Settled> settle(const CheckedPayload& payload, const SplicedBytes& below, const SettleSteps& steps) {
  Settled settled;
  const auto stuck = [&](const char* state, const Error& error) {
    return tl::unexpected(
        Error(Errc::kRefused, payload.info.name + ": " + settled.why_not + "; " + state + " (" + error.message() + ")")
            .with_remedy("see xen-hotpatch list; unload it if it is there, and load it again"));
  };
  HP_ASSIGN(const elf::Object object, elf::parse_object(Bytes(payload.file), payload.info.name));
  Result<Metadata> seen = steps.look();
  settled.why_not = seen ? "its metadata do not tell where it lies" : "where it lies cannot be seen: " + seen.error().message();
  enum class Loaded : std::uint8_t { kPayload, kMisplacedImage, kNothing } there = Loaded::kPayload;
  while (seen && seen->load_address && settled.misses < kMaxMisses) {
    Result<PlacedImage> linked = link_for(object, TargetAddr(*seen->load_address));
    if (!linked) {
      settled.why_not = linked.error().message();
      break;
    }
    expect_spliced(below, payload.info, linked->file);
    if (const Result<> good = check_image(linked->file, payload.info, linked->load_address); !good) {
      settled.why_not = good.error().message();
      break;
    }
    if (const Result<> gone = steps.unload(); !gone) {
      if (there == Loaded::kMisplacedImage) return stuck(kCannotUnload, gone.error());
      settled.why_not = gone.error().message();
      return settled;
    }
    there = Loaded::kNothing;
    if (const Result<> taken = steps.upload(linked->file, "linked for " + hex(*seen->load_address)); !taken) {
      settled.why_not = "the linked image was not taken: " + taken.error().message();
      break;
    }
    there = Loaded::kMisplacedImage;  // until the opposite has been seen
    seen = steps.look();
    if (seen && placement_of(*seen) == ImagePlace::kRight) {
      settled.linked_for = seen->load_address;
      settled.why_not.clear();
      return settled;
    }
    ++settled.misses;
    settled.why_not = seen ? "another tool took its place " + std::to_string(settled.misses) + " times in a row"
                           : "where its image lies cannot be seen: " + seen.error().message();
  }
  if (there == Loaded::kMisplacedImage) {
    if (const Result<> gone = steps.unload(); !gone) return stuck(kCannotUnload, gone.error());
    there = Loaded::kNothing;
  }
  if (there == Loaded::kNothing) {
    if (const Result<> back = steps.upload(payload.file, {}); !back) return stuck("it is not loaded any more", back.error());
  }
  return settled;
}

Result<> check_in_place(hypercall::Channel& channel, const std::string& name) {
  const Result<std::optional<Metadata>> seen = look_at(channel, name);
  if (!seen) {
    Error error = seen.error();
    return tl::unexpected(std::move(error).while_doing("see where " + name + " lies").with_remedy("try again"));
  }
  if (!*seen || placement_of(**seen) != ImagePlace::kWrong) return {};
  const Metadata& metadata = **seen;
  return tl::unexpected(
      Error(Errc::kRefused, name + " is linked for " + hex(*linked_for(metadata)) + ", and lies " +
                                (metadata.load_address ? "at " + hex(*metadata.load_address) : "where nobody can tell") +
                                ": it must not be applied")
          .with_remedy("unload it, and load the payload again"));
}

}  // namespace hotpatch::xen::host
