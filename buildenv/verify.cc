// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/verify.h"

#include <algorithm>

#include "buildenv/efi_image.h"
#include "buildenv/file_list.h"
#include "buildenv/proof.h"
#include "buildenv/toolchain.h"
#include "common/process/process.h"
#include "common/support/digest.h"
#include "common/support/file.h"
#include "common/support/parallel.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// What the build left under the name `built` is the image `shipped`, byte for byte.
void verify_rebuilt(const Base& base, const std::string& built, std::string_view shipped, Verification& verification) {
  const auto same = same_bytes(base.build_path() / built, base.directory / shipped);
  if (!same) {
    verification.problems.push_back(same.error().message());
  } else if (!*same) {
    verification.problems.push_back("the rebuilt " + base.build_directory + "/" + built + " is not " + std::string(shipped) +
                                    " byte for byte");
  }
}

/// The image with symbols follows from the two that were shipped.
void verify_efi_symbols(const Base& base, Verification& verification) {
  const auto made = read_efi_symbols(base.directory / kEfiBoot, base.directory / kEfiLinkedBeside);
  const auto recorded = read_file(base.symbols_path());
  if (!made || !recorded) {
    verification.problems.push_back(!made ? made.error().message() : recorded.error().message());
  } else if (*made != *recorded) {
    verification.problems.push_back(base.symbols_image + " does not follow from " + std::string(kEfiBoot) + " and " +
                                    std::string(kEfiLinkedBeside));
  }
}

/// What cannot even be compared is a problem like any other.
void verify_image(const Base& base, unsigned threads, Verification& verification) {
  const auto image = read_xen_image(base.symbols_path());
  if (!image) {
    verification.problems.push_back(image.error().message());
    return;
  }
  if (image->build_id() != base.build_id) {
    verification.problems.push_back(base.symbols_image + " has build ID " + image->build_id().text() + ", the manifest says " +
                                    base.build_id.text());
  }
  const bool is_efi = base.symbols_image == kEfiSymbols;
  if (base.grade == ProofGrade::kIdentical) {
    verify_rebuilt(base, "xen-syms", is_efi ? kEfiLinkedBeside : std::string_view(base.symbols_image), verification);
    if (is_efi) verify_rebuilt(base, "xen.efi", kEfiBoot, verification);
  }
  if (is_efi) verify_efi_symbols(base, verification);
  const auto match = match_units(base.build_path(), base.units, *image, threads);
  if (!match) {
    verification.problems.push_back(match.error().message());
    return;
  }
  verification.functions = match->functions;
  verification.bytes = match->bytes;
  for (const UnitMismatch& mismatch : match->mismatches) {
    const auto unit = std::find_if(base.units.begin(), base.units.end(),
                                   [&](const Unit& candidate) { return candidate.object == mismatch.unit; });
    const bool known = unit != base.units.end() && !unit->unproven.empty();
    (known ? verification.notes : verification.problems).push_back(describe(mismatch));
  }
}

Result<> verify_objects(const Base& base, unsigned threads, Verification& verification) {
  HP_ASSIGN(const TempDir work, TempDir::make("hotpatch-verify"));
  std::vector<std::string> problems(base.units.size());
  std::vector<char> replayed(base.units.size(), 0);
  parallel_for(base.units.size(), threads, [&](std::size_t at) {
    const Unit& unit = base.units[at];
    if (!unit.unreplayable.empty()) return;
    const fs::path object = work.path() / (std::to_string(at) + ".o");
    auto outcome = replay_unit(base, unit, base.build_path(), object);
    if (!outcome) {
      problems[at] = outcome.error().message();
      return;
    }
    const auto same = same_bytes(object, base.build_path() / unit.object);
    std::error_code ignored;
    fs::remove(object, ignored);
    if (!same) {
      problems[at] = same.error().message();
    } else if (!*same) {
      problems[at] = unit.object + " made again is another";
    } else {
      replayed[at] = 1;
    }
  });
  for (std::size_t at = 0; at < base.units.size(); ++at) {
    verification.replayed += static_cast<std::uint64_t>(replayed[at]);
    if (!problems[at].empty()) verification.problems.push_back(problems[at]);
    const Unit& unit = base.units[at];
    if (!unit.unreplayable.empty())
      verification.notes.push_back(unit.object + " cannot be made again singly: " + unit.unreplayable);
  }
  return {};
}

}  // namespace

Result<> verify_files(const Base& base, unsigned threads, Verification& verification) {
  HP_ASSIGN(const std::string text, read_text_file(base.directory / kFileListName));
  if (sha256_text(as_byte_view(text)) != base.files_sha256) {
    verification.problems.push_back(std::string(kFileListName) +
                                    ", the list of all files, is not the one that the manifest was written for");
  }
  HP_ASSIGN(const FileList recorded, parse_file_list(text));
  HP_ASSIGN(FileList found, list_files(base.directory, "tree", threads));
  for (const char* folder : {"image", "index"}) {
    std::error_code ignored;
    if (!fs::is_directory(base.directory / folder, ignored)) continue;
    HP_ASSIGN(FileList more, list_files(base.directory, folder, threads));
    found.merge(more);
  }
  for (const auto& [name, digest] : recorded) {
    const auto file = found.find(name);
    if (file == found.end()) {
      verification.problems.push_back(name + " is missing");
    } else if (file->second != digest) {
      verification.problems.push_back(name + " was changed: sha256 " + file->second + ", recorded " + digest);
    } else {
      ++verification.files;
    }
  }
  for (const auto& [name, digest] : found) {
    if (!recorded.contains(name)) verification.problems.push_back(name + " was added after the base was made");
  }
  const auto image = found.find(base.symbols_image);
  if (image != found.end() && image->second != base.image_sha256) {
    verification.problems.push_back(base.symbols_image + " is not the image of the manifest");
  }
  return {};
}

Result<> replay_unit(const Base& base, const Unit& unit, const fs::path& build, const fs::path& object) {
  if (!unit.unreplayable.empty())
    return fail(Errc::kUnsupported, unit.object + " cannot be made again singly: " + unit.unreplayable);
  const std::string tree = build.parent_path().string();
  Result<> outcome;
  for (const std::vector<std::string>& words : unit.commands) {
    process::Command command;
    command.directory = build;
    command.clear_environment = true;
    command.environment = base.environment;
    for (std::string word : words) {
      replace_all(word, kTreePlaceholder, tree);
      replace_all(word, kOutputPlaceholder, object.string());
      command.argv.push_back(std::move(word));
    }
    auto run = process::run_checked(command);
    if (!run) {
      outcome = fail(Errc::kInvalid, "make " + unit.object + ": " + run.error().message());
      break;
    }
  }
  std::error_code ignored;
  for (const char* suffix : {".d", ".tmp", ".plain"}) fs::remove(object.string() + suffix, ignored);
  return outcome;
}

Result<Verification> verify_base(const Base& base, const VerifyOptions& options) {
  Verification verification;
  HP_TRY(verify_files(base, options.threads, verification));
  verify_image(base, options.threads, verification);
  for (std::string& change : changed_tools(base)) verification.notes.push_back(std::move(change));
  if (options.objects) HP_TRY(verify_objects(base, options.threads, verification));
  return verification;
}

}  // namespace hotpatch::buildenv
