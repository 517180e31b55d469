// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/proof.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "buildenv/toolchain.h"
#include "common/support/file.h"
#include "common/support/parallel.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

std::string comment_of(const elf::Object& object) {
  const auto section = object.find_section(".comment");
  if (!section) return {};
  std::string text(as_text(object.section(*section).contents));
  std::replace(text.begin(), text.end(), '\0', '\n');
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

/// The settings of a kernel-style configuration: what is set, and what is explicitly not.
std::set<std::string> settings_of(const std::string& config) {
  std::set<std::string> settings;
  std::istringstream lines(config);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("CONFIG_") || (line.starts_with("# CONFIG_") && line.ends_with(" is not set"))) settings.insert(line);
  }
  return settings;
}

struct UnitOutcome {
  std::optional<Error> error;
  std::optional<prove::Located> located;
};

}  // namespace

bool is_provable(const Unit& unit) noexcept { return unit.is_linked && unit.source.ends_with(".c"); }

Result<MatchProof> match_units(const fs::path& build, const std::vector<Unit>& units, const elf::Image& image, unsigned threads) {
  std::vector<UnitOutcome> outcomes(units.size());
  parallel_for(units.size(), threads, [&](std::size_t at) {
    const Unit& unit = units[at];
    if (!is_provable(unit)) return;
    auto object = elf::read_object(build / unit.object);
    if (!object) {
      outcomes[at].error = std::move(object).error();
      return;
    }
    auto located = prove::locate(*object, image, unit.object);
    if (located) {
      outcomes[at].located = *std::move(located);
    } else {
      outcomes[at].error = std::move(located).error();
    }
  });
  MatchProof proof;
  for (std::size_t at = 0; at < units.size(); ++at) {
    UnitOutcome& outcome = outcomes[at];
    if (outcome.error) return tl::unexpected(std::move(*outcome.error).while_doing("prove " + units[at].object));
    if (!outcome.located) continue;
    ++proof.units;
    proof.functions += outcome.located->proven_functions;
    proof.bytes += outcome.located->proven_bytes;
    const std::vector<prove::Mismatch>& mismatches = outcome.located->mismatches;
    if (!mismatches.empty()) proof.mismatches.push_back({units[at].object, mismatches.front(), mismatches.size()});
  }
  return proof;
}

Result<bool> same_bytes(const fs::path& left, const fs::path& right) {
  HP_ASSIGN(const Bytes first, read_file(left));
  HP_ASSIGN(const Bytes second, read_file(right));
  return first == second;
}

std::string describe(const UnitMismatch& mismatch) {
  std::ostringstream text;
  text << mismatch.unit << ": " << mismatch.first.symbol << "+0x" << std::hex << mismatch.first.offset << std::dec << ": "
       << mismatch.first.reason;
  if (!mismatch.first.rebuilt.empty()) text << "; rebuilt " << hex_bytes(mismatch.first.rebuilt, ' ');
  if (!mismatch.first.image.empty()) text << "; image " << hex_bytes(mismatch.first.image, ' ');
  if (mismatch.count > 1) text << "; and " << mismatch.count - 1 << " more in this object";
  return text.str();
}

Result<> require_proof(const Base& base, const prove::Located& original, Diagnostics& findings) {
  const std::vector<prove::Mismatch>& mismatches = original.mismatches;
  const std::string difference =
      mismatches.empty() ? std::string() : describe({original.unit, mismatches.front(), mismatches.size()});
  const auto unit = std::find_if(base.units.begin(), base.units.end(),
                                 [&](const Unit& candidate) { return candidate.object == original.unit; });
  if (unit != base.units.end() && !unit->unproven.empty()) {
    findings.add({.rule = kUnprovenRule,
                  .severity = Severity::kError,
                  .where = {.unit = original.unit,
                            .symbol = mismatches.empty() ? std::string() : mismatches.front().symbol,
                            .section = {},
                            .source = unit->source},
                  .text = "this base could not prove that the image holds the code of this object: " + unit->unproven +
                          (difference.empty() ? "" : "; now " + difference),
                  .remedy = "leave the file out of the patch if the fix works without it; a base that is identical to its image "
                            "proves every object"});
    return {};
  }
  const bool is_nowhere = original.proven_functions == 0 && !original.absent.empty();
  if (mismatches.empty() && !is_nowhere) return {};
  std::string text = mismatches.empty()
                         ? original.unit + ": none of its functions is in the image, beginning with " + original.absent.front()
                         : difference;
  std::string reason = "the base was changed after it was made, or is not what its manifest says";
  if (const std::vector<std::string> tools = changed_tools(base); !tools.empty()) reason = tools.front();
  return tl::unexpected(
      Error(Errc::kTrust, std::move(text))
          .with_remedy("the likely reason: " + reason + "; 'hotpatch base verify " + base.directory.string() + "' says more"));
}

std::string likely_reason(const elf::Object& rebuilt, const elf::Object& image, const std::string& built_config,
                          const std::string& wanted_config) {
  const std::string ours = comment_of(rebuilt);
  const std::string theirs = comment_of(image);
  if (ours != theirs && !theirs.empty())
    return "another compiler: the image is from '" + theirs + "', the rebuilt one from '" + ours + "'";
  const std::set<std::string> built = settings_of(built_config);
  const std::set<std::string> wanted = settings_of(wanted_config);
  std::string differences;
  std::size_t count = 0;
  for (const std::string& setting : wanted) {
    if (built.contains(setting)) continue;
    if (++count <= 5) differences += (differences.empty() ? "'" : ", '") + setting + "'";
  }
  if (count > 0) {
    return "another configuration: " + std::to_string(count) +
           " settings of the image are not those of the rebuilt one; the image has " + differences + (count > 5 ? ", …" : "");
  }
  return "the same compiler version and configuration, so another source, other variables given to make, or other compiler flags";
}

Result<elf::Image> read_xen_image(const fs::path& path) {
  HP_ASSIGN(Bytes bytes, read_file(path));
  const std::string_view text = as_text(bytes);
  const char* const kRemedy =
      "give the image with symbols that the same build made: xen-syms (in Debian: the -dbg package's "
      "usr/lib/debug/boot/xen-syms-*)";
  if (text.starts_with("MZ")) {
    return tl::unexpected(
        Error(Errc::kUnsupported,
              path.string() + " is a xen.efi: a base of its own, with other addresses than xen-syms and a build ID of 16 bytes")
            .with_remedy(
                "make the base of the same build's xen.gz from xen-syms, and from that the one of xen.efi, with --efi-of"));
  }
  if (text.starts_with("\x1f\x8b")) {
    return tl::unexpected(
        Error(Errc::kUnsupported, path.string() + " is a compressed boot image, without symbols").with_remedy(kRemedy));
  }
  HP_ASSIGN(elf::Object object, elf::parse_object(std::move(bytes), path.string()));
  auto image = elf::Image::make(std::move(object));
  if (!image) return tl::unexpected(std::move(image).error().with_remedy(kRemedy));
  if (image->build_id().empty()) return fail(Errc::kUnsupported, path.string() + " has no build ID");
  return image;
}

}  // namespace hotpatch::buildenv
