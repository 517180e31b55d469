// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/explain.h"

#include <algorithm>
#include <optional>

#include "programs/hotpatch/listing.h"
#include "programs/hotpatch/report.h"

namespace hotpatch::cli {
namespace {

using diff::Entity;
using diff::EntityIndex;
using diff::EntityKind;
using diff::Verdict;

bool has_name(const Entity& entity, const std::string& symbol) {
  return entity.name == symbol || std::ranges::find(entity.aliases, symbol) != entity.aliases.end();
}

const char* kind_name(const Entity& entity) {
  switch (entity.kind) {
    case EntityKind::kFunction: return "function";
    case EntityKind::kExternal: return "external";
    default: return "data";
  }
}

class Explainer {
 public:
  Explainer(const UnitView& view, const BothLines& lines, target::Decoder& decoder)
      : view_(view), lines_(lines), decoder_(decoder) {}

  Explanation run(std::optional<EntityIndex> original, std::optional<EntityIndex> patched) {
    Explanation product;
    const Entity& entity = patched ? view_.patched.entity(*patched) : view_.original.entity(*original);
    product.kind = kind_name(entity);
    if (original) product.original = side(view_.original, *original, lines_.original);
    if (patched) product.patched = side(view_.patched, *patched, lines_.patched);
    if (original && patched) product.paired_by = diff::evidence_text(view_.correlation.paired_by[patched->value()]);
    set_verdict(product, original, patched);
    if (original && patched) add_context(product, *original, *patched);
    if (patched)
      set_presence(product, *patched);
    else
      product.presence = "nothing of the patched source corresponds to it: the original stays where it is";
    return product;
  }

 private:
  static ExplainedSide side(const diff::ObjectModel& model, EntityIndex index, const elf::LineTable& lines) {
    const Entity& entity = model.entity(index);
    ExplainedSide product;
    product.exists = true;
    product.name = std::string(entity.name);
    product.aliases.assign(entity.aliases.begin(), entity.aliases.end());
    if (entity.kind != EntityKind::kExternal) {
      product.section = std::string(model.object().section(entity.section).name);
      product.offset = entity.offset;
      product.size = entity.size;
      product.source = source_text(lines, entity.section, entity.offset);
    }
    for (const std::size_t record : entity.records)
      product.records.push_back(std::string(model.records()[record].schema->name) + " at +" +
                                hex(static_cast<std::uint64_t>(model.records()[record].owner.offset)));
    add_users(product, model, index);
    return product;
  }

  static void add_users(ExplainedSide& side, const diff::ObjectModel& model, EntityIndex index) {
    for (std::size_t i = 0; i < model.entities().size(); ++i) {
      const Entity& user = model.entities()[i];
      for (const diff::Reference& reference : user.references) {
        if (reference.target.entity != index || EntityIndex(i) == index) continue;
        const char* how = reference.is_branch                  ? " goes to it"
                          : user.kind == EntityKind::kFunction ? " takes its address or uses it"
                                                               : " holds its address";
        side.users.push_back(model.describe(EntityIndex(i)) + "+" + hex(reference.offset) + how);
      }
    }
    for (const diff::Record& record : model.records())
      for (const diff::RecordField& field : record.fields)
        if (field.target && field.target->entity == index && field.schema->kind != target::FieldKind::kOwner &&
            record.owner.entity != index)
          side.users.push_back("a record of " + std::string(record.schema->name) + " of " + model.describe(record.owner.entity));
  }

  void set_verdict(Explanation& product, std::optional<EntityIndex> original, std::optional<EntityIndex> patched) const {
    if (!patched) {
      const bool is_external = view_.original.entity(*original).kind == EntityKind::kExternal;
      product.verdict = is_external ? "external" : "removed";
      product.reason =
          is_external ? "the patched object does not refer to it any more" : "nothing of the patched source corresponds to it";
      return;
    }
    const diff::Change& change = view_.changes.of(*patched);
    product.reason = change.reason;
    switch (change.verdict) {
      case Verdict::kSame:
        product.verdict = "same";
        product.reason = "what it consists of and refers to is the same on both sides";
        break;
      case Verdict::kChanged: product.verdict = "changed"; break;
      case Verdict::kNew:
        product.verdict = "new";
        product.reason = "nothing of the original corresponds to it";
        break;
      case Verdict::kNone:
        product.verdict = "external";
        product.reason = "it is defined elsewhere: its name is its identity";
        break;
    }
  }

  void add_context(Explanation& product, EntityIndex original, EntityIndex patched) {
    const auto& difference = view_.changes.of(patched).difference;
    if (!difference) return;
    const auto around = [](const std::vector<ListingLine>& lines, std::uint64_t offset) {
      constexpr std::size_t kLines = 4;  // before and after
      const auto found = std::ranges::find_if(lines, [&](const ListingLine& line) { return line.offset >= offset; });
      const auto at = static_cast<std::size_t>(found - lines.begin());
      std::vector<std::string> texts;
      for (std::size_t i = at - std::min(at, kLines); i < std::min(lines.size(), at + kLines + 1); ++i) {
        const ListingLine& line = lines[i];
        texts.push_back((i == at ? "> +" : "  +") + hex(line.offset) + "  " + line.text +
                        (line.operand.empty() ? "" : "  # " + line.operand) +
                        (line.source.empty() ? "" : "  (" + line.source + ")"));
      }
      if (found == lines.end()) texts.emplace_back("> the end");
      return texts;
    };
    const Entity& before = view_.original.entity(original);
    const Entity& after = view_.patched.entity(patched);
    if (before.instructions.empty() && after.instructions.empty()) {
      product.original.context = data_around(view_.original, before, difference->original_offset);
      product.patched.context = data_around(view_.patched, after, difference->patched_offset);
      return;
    }
    product.original.context =
        around(list_function(view_.original, before, nullptr, lines_.original, decoder_), difference->original_offset);
    product.patched.context =
        around(list_function(view_.patched, after, &view_.correlation, lines_.patched, decoder_), difference->patched_offset);
  }

  static std::vector<std::string> data_around(const diff::ObjectModel& model, const Entity& entity, std::uint64_t offset) {
    constexpr std::uint64_t kBytes = 16;
    const ByteView contents = model.contents(entity);
    const std::uint64_t at = std::min<std::uint64_t>(offset, contents.size());
    std::string text =
        "> +" + hex(at) + "  " + hex_bytes(contents.subspan(at, std::min<std::uint64_t>(kBytes, contents.size() - at)));
    for (const diff::Reference& reference : entity.references)
      if (reference.offset >= at && reference.offset < at + kBytes) text += "  # " + place_text(model, reference.target);
    return {std::move(text)};
  }

  void set_presence(Explanation& product, EntityIndex index) const {
    const Entity& entity = view_.patched.entity(index);
    if (view_.closure.contains[index.value()]) {
      product.is_taken_along = !view_.is_refused;
      product.presence = view_.is_refused ? "no: it would be taken along, but the patch is refused" : "yes";
      for (std::optional<EntityIndex> member = index; member;) {
        const auto found = std::ranges::find(view_.closure.included, *member, &extract::Inclusion::entity);
        HP_CHECK(found != view_.closure.included.end(), "a closure says why it holds each of its members");
        product.chain.push_back(view_.patched.describe(*member) + ": " + found->why);
        member = found->because_of;
      }
      return;
    }
    product.presence = "no: " + absence(entity, index);
  }

  std::string absence(const Entity& entity, EntityIndex index) const {
    if (entity.kind == EntityKind::kExternal) return "it is defined elsewhere, and bound to what the running system has";
    const Verdict verdict = view_.changes.of(index).verdict;
    if (verdict == Verdict::kNew) return "nothing that is taken along needs it";
    if (verdict == Verdict::kChanged)
      return entity.is_writable ? "live data is never replaced"
                                : "it does not run, or is not read, after boot, or nothing that is taken along needs it";
    return "it is the same as the running system's, and what refers to it is bound to that one";
  }

  const UnitView& view_;
  const BothLines& lines_;
  target::Decoder& decoder_;
};

std::string list_text(const std::string& title, const std::vector<std::string>& lines) {
  constexpr std::size_t kMost = 40;
  std::string text;
  for (std::size_t i = 0; i < std::min(lines.size(), kMost); ++i)
    text += "    " + (i == 0 ? title : std::string(12, ' ')) + lines[i] + "\n";
  if (lines.size() > kMost) text += std::string(16, ' ') + "and " + std::to_string(lines.size() - kMost) + " more\n";
  return text;
}

std::string side_text(const std::string& title, const ExplainedSide& side) {
  if (!side.exists) return "  " + title + "  does not have it\n";
  std::string text = "  " + title + "  " + side.name;
  if (!side.section.empty()) text += ", " + std::to_string(side.size) + " bytes at " + side.section + "+" + hex(side.offset);
  text += (side.source.empty() ? "" : "  (" + side.source + ")") + std::string("\n");
  text += list_text("also called ", side.aliases) + list_text("differs     ", side.context) +
          list_text("records     ", side.records) + list_text("users       ", side.users);
  return text;
}

Json side_json(const ExplainedSide& side) {
  return {{"name", side.name},       {"section", side.section}, {"offset", side.offset},
          {"size", side.size},       {"source", side.source},   {"aliases", side.aliases},
          {"context", side.context}, {"records", side.records}, {"users", side.users}};
}

std::string one_text(const Explanation& explanation) {
  const ExplainedSide& named = explanation.patched.exists ? explanation.patched : explanation.original;
  std::string text = explanation.kind + " " + named.name + " of " + explanation.unit + ": " + explanation.verdict + "\n";
  text += "  reason    " + explanation.reason + "\n";
  if (!explanation.paired_by.empty()) text += "  paired    by " + explanation.paired_by + "\n";
  text += side_text("original", explanation.original) + side_text("patched ", explanation.patched);
  text += "  payload   " + explanation.presence + "\n";
  for (std::size_t i = 0; i < explanation.chain.size(); ++i)
    text += std::string(12 + 2 * std::min<std::size_t>(i, 20), ' ') + explanation.chain[i] + "\n";
  return text + explanation.findings.text();
}

Json one_json(const Explanation& explanation) {
  Json object;
  object["unit"] = explanation.unit;
  object["kind"] = explanation.kind;
  object["verdict"] = explanation.verdict;
  object["reason"] = explanation.reason;
  if (!explanation.paired_by.empty()) object["paired_by"] = explanation.paired_by;
  if (explanation.original.exists) object["original"] = side_json(explanation.original);
  if (explanation.patched.exists) object["patched"] = side_json(explanation.patched);
  object["taken_along"] = explanation.is_taken_along;
  object["presence"] = explanation.presence;
  object["chain"] = explanation.chain;
  object["findings"] = to_json(explanation.findings);
  return object;
}

}  // namespace

Result<std::vector<Explanation>> explain(const UnitView& view, const std::string& unit, const std::string& symbol,
                                         const Diagnostics& findings, target::Decoder& decoder) {
  std::vector<std::pair<std::optional<EntityIndex>, std::optional<EntityIndex>>> wanted;
  for (std::size_t i = 0; i < view.patched.entities().size(); ++i) {
    const auto twin = view.correlation.to_original(EntityIndex(i));
    if (has_name(view.patched.entities()[i], symbol) || (twin && has_name(view.original.entity(*twin), symbol)))
      wanted.emplace_back(twin, EntityIndex(i));
  }
  for (std::size_t i = 0; i < view.original.entities().size(); ++i)
    if (has_name(view.original.entities()[i], symbol) && !view.correlation.to_patched(EntityIndex(i)))
      wanted.emplace_back(EntityIndex(i), std::nullopt);
  std::vector<Explanation> product;
  if (wanted.empty()) return product;
  HP_ASSIGN(const BothLines* lines, view.lines.read());
  Explainer explainer(view, *lines, decoder);
  for (const auto& [original, patched] : wanted) {
    product.push_back(explainer.run(original, patched));
    product.back().unit = unit;
    for (const Finding& finding : findings.findings())
      if (finding.where.symbol == symbol ||
          (!finding.where.symbol.empty() &&
           (finding.where.symbol == product.back().original.name || finding.where.symbol == product.back().patched.name)))
        product.back().findings.add(finding);
  }
  return product;
}

std::string to_text(const std::vector<Explanation>& explanations) {
  std::string text;
  for (const Explanation& explanation : explanations) text += one_text(explanation);
  return text;
}

Json to_json(const std::vector<Explanation>& explanations) {
  Json array = Json::array();
  for (const Explanation& explanation : explanations) array.push_back(one_json(explanation));
  return array;
}

}  // namespace hotpatch::cli
