// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: two objects in one input, through every pass of `hotpatch diff`, with the profile that the first one asks for; what is
// extracted is an object again.
#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/diff/model.h"
#include "common/extract/closure.h"
#include "common/extract/extract.h"
#include "common/extract/write_object.h"
#include "common/support/check.h"
#include "tests/fuzz/choose_profile.h"
#include "tests/fuzz/elf_mutator.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpatch;
  static target::Decoder decoder = *target::Decoder::make();
  const auto [first, second] = fuzz::split_pair({data, size});
  const target::Profile& profile = fuzz::choose_profile(std::as_bytes(first));
  const auto parse = [](std::span<const std::uint8_t> half, const char* name) {
    const ByteView bytes = std::as_bytes(half);
    return elf::parse_object(Bytes(bytes.begin(), bytes.end()), name);
  };
  const auto original_object = parse(first, "original");
  const auto patched_object = parse(second, "patched");
  if (!original_object || !patched_object || original_object->type() != elf::FileType::kRelocatable ||
      patched_object->type() != elf::FileType::kRelocatable)
    return 0;
  const auto original = diff::ObjectModel::make(*original_object, profile, decoder);
  const auto patched = diff::ObjectModel::make(*patched_object, profile, decoder);
  if (!original || !patched) return 0;
  const diff::Correlation correlation = *diff::correlate(*original, *patched);
  const diff::ChangeSet changes = diff::compare(*original, *patched, correlation, "unit");
  const extract::Closure closure = extract::close_over(*original, *patched, correlation, changes, "unit");
  if (changes.findings.has_errors() || closure.findings.has_errors()) return 0;
  const auto extracted = extract::extract(*original, *patched, correlation, changes, closure, "unit");
  if (!extracted) return 0;
  const auto file = extract::write_object(*extracted);
  if (!file) return 0;
  const auto again = elf::parse_object(*file, "extracted");
  HP_CHECK(again.has_value(), "what was written cannot be read");
  return 0;
}
