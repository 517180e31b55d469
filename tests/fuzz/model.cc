// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: an object taken apart, with the tables of special sections of the profile that it asks for. What can be taken apart does
// not differ from itself.
#include "common/diff/model.h"
#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/support/check.h"
#include "tests/fuzz/choose_profile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpatch;
  static target::Decoder decoder = *target::Decoder::make();
  const ByteView input = std::as_bytes(std::span(data, size));
  const auto object = elf::parse_object(Bytes(input.begin(), input.end()), "input");
  if (!object || object->type() != elf::FileType::kRelocatable) return 0;
  const auto model = diff::ObjectModel::make(*object, fuzz::choose_profile(input), decoder);
  if (!model) return 0;
  for (std::size_t i = 0; i < model->entities().size(); ++i) {
    (void)model->describe(diff::EntityIndex(i));
    (void)model->contents(model->entity(diff::EntityIndex(i)));
  }
  // State without a name is nobody's counterpart, and takes part in no claim.
  for (const diff::Entity& entity : model->entities())
    if (entity.is_writable && !entity.is_private && entity.name.empty() && entity.kind != diff::EntityKind::kExternal) return 0;
  const diff::Correlation correlation = *diff::correlate(*model, *model);
  diff::Equality equality(*model, *model, correlation);
  for (std::size_t i = 0; i < model->entities().size(); ++i) {
    const diff::EntityIndex index(i);
    if (correlation.to_original(index) != index || correlation.ambiguous.size() != 0) continue;
    const auto difference = equality.compare(index, index);
    HP_CHECK(!difference || difference->reason.find("instead of") != std::string::npos, "an entity differs from itself");
  }
  return 0;
}
