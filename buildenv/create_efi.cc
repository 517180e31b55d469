// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/create_efi.h"

#include <algorithm>

#include "buildenv/cache.h"
#include "buildenv/debian_xen.h"
#include "buildenv/efi_image.h"
#include "buildenv/proof.h"
#include "buildenv/verify.h"
#include "common/process/process.h"
#include "common/support/digest.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kRoomNeeded = std::uint64_t{600} << 20;  // as for the other base

class EfiCreation {
 public:
  EfiCreation(const EfiOptions& options, const Base& beside, const fs::path& place)
      : options_(options), beside_(beside), place_(place), base_(beside) {}

  Result<CreateOutcome> run() {
    base_.description = beside_.description + ", xen.efi";
    base_.symbols_image = kEfiSymbols;
    base_.boot_image = kEfiBoot;
    options_.progress("checking " + beside_.directory.string());
    HP_TRY(check_beside());
    HP_TRY(obtain_image());
    options_.progress("copying the built source");
    process::Command copy;
    copy.argv = {"cp", "-a", "--reflink=auto", "--", beside_.source_root().string(), (place_ / "tree").string()};
    HP_TRY_DOING("copy " + beside_.source_root().string(), process::run_checked(copy));
    HP_TRY(take_in(beside_.symbols_path(), place_ / kEfiLinkedBeside));
    HP_TRY(take_in(beside_.directory / beside_.config, place_ / base_.config));
    HP_ASSIGN(const Bytes symbols, read_efi_symbols(place_ / kEfiBoot, place_ / kEfiLinkedBeside));
    HP_TRY(write_file(place_ / kEfiSymbols, symbols));
    options_.progress("comparing with the image");
    HP_TRY(prove());
    HP_ASSIGN(base_.image_sha256, sha256_file(place_ / base_.symbols_image));
    options_.progress("recording all files");
    HP_TRY(record_files(place_, {"tree", "image"}, options_.threads, base_));
    return CreateOutcome{std::move(base_), std::move(notes_)};
  }

 private:
  Result<> check_beside() const {
    Verification verification;
    HP_TRY(verify_files(beside_, options_.threads, verification));
    if (verification.problems.empty()) return {};
    return fail(Error(Errc::kTrust, beside_.directory.string() + ": " + verification.problems.front())
                    .with_remedy("make that base again"));
  }

  Result<> obtain_image() {
    const fs::path target = place_ / kEfiBoot;
    if (!options_.boot.empty()) return take_in(options_.boot, target);
    if (beside_.package_version.empty()) return obtain_built(target);
    HP_ASSIGN(const fs::path cache, cache_directory());
    HP_ASSIGN(const XenPackages packages, fetch_xen(cache, beside_.package_version, options_.progress));
    if (packages.version != beside_.package_version)
      return fail(Error(Errc::kNotFound, "the archive does not have xen " + beside_.package_version + " (any more)")
                      .with_remedy("give the xen.efi of that version: --boot"));
    HP_ASSIGN(const TempDir work, TempDir::make("work", place_));
    HP_ASSIGN(const XenShipped shipped, unpack_shipped(packages, work.path()));
    HP_TRY(require_files({shipped.efi}));
    return take_in(shipped.efi, target);
  }

  Result<> obtain_built(const fs::path& target) {
    if (beside_.grade != ProofGrade::kIdentical)
      return fail(Error(Errc::kInvalid, "the base's own xen.efi need not be the one that was shipped, as its xen-syms is not")
                      .with_remedy("give the one that was: --boot"));
    notes_.emplace_back("xen.efi is what the build makes, as its xen-syms is the one that was given; nothing else was compared");
    return take_in(beside_.build_path() / "xen.efi", target);
  }

  Result<> prove() {
    HP_ASSIGN(const elf::Image image, read_xen_image(place_ / base_.symbols_image));
    base_.build_id = image.build_id();
    const fs::path built = place_ / base_.build_directory / "xen.efi";
    std::error_code ignored;
    bool same = false;
    if (fs::exists(built, ignored)) {
      HP_ASSIGN(same, same_bytes(built, place_ / kEfiBoot));
    }
    base_.grade = same && beside_.grade == ProofGrade::kIdentical ? ProofGrade::kIdentical : ProofGrade::kMatched;
    HP_ASSIGN(const MatchProof match, match_units(place_ / base_.build_directory, base_.units, image, options_.threads));
    base_.proven_functions = match.functions;
    base_.proven_bytes = match.bytes;
    if (match.functions == 0) return fail(Errc::kTrust, "no function of the base could be compared with xen.efi");
    for (const UnitMismatch& mismatch : match.mismatches) {
      const auto unit = std::find_if(base_.units.begin(), base_.units.end(),
                                     [&](const Unit& candidate) { return candidate.object == mismatch.unit; });
      if (unit == base_.units.end() || unit->unproven.empty())
        return fail(
            Error(Errc::kTrust, "xen.efi does not hold the code of the base: " + describe(mismatch))
                .with_remedy("give the xen.efi that was installed together with the xen.gz of " + beside_.directory.string()));
    }
    return {};
  }

  const EfiOptions& options_;
  const Base& beside_;
  fs::path place_;
  Base base_;
  std::vector<std::string> notes_;
};

}  // namespace

Result<CreateOutcome> create_efi_base(const EfiOptions& options) {
  HP_ASSIGN(const Base beside, load_base(options.beside));
  if (beside.target != "xen" || beside.symbols_image != kEfiLinkedBeside)
    return fail(Errc::kInvalid, options.beside.string() + " is not a base of Xen's xen.gz, but of " + beside.description);
  if (!options.boot.empty()) HP_TRY(require_files({options.boot}));
  HP_ASSIGN(Workspace workspace, Workspace::make(options.output, kRoomNeeded));
  return publish(workspace, options.output, EfiCreation(options, beside, workspace.path()).run());
}

}  // namespace hotpatch::buildenv
