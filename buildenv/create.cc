// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/create.h"

#include <algorithm>
#include <optional>
#include <set>

#include "buildenv/cache.h"
#include "buildenv/file_list.h"
#include "buildenv/image_strings.h"
#include "buildenv/kbuild.h"
#include "buildenv/proof.h"
#include "buildenv/toolchain.h"
#include "buildenv/workspace.h"
#include "buildenv/xen_tree.h"
#include "common/support/check.h"
#include "common/support/digest.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// A built tree of Debian's 4.17 is 220 MB, the packages' contents while they are unpacked 20 MB; debug information can triple a tree.
constexpr std::uint64_t kRoomNeeded = std::uint64_t{600} << 20;

std::string value_in(const std::vector<std::pair<std::string, std::string>>& variables, const std::string& name) {
  for (const auto& [variable, value] : variables) {
    if (variable == name) return value;
  }
  return {};
}

class Creation {
 public:
  Creation(const CreateOptions& options, const fs::path& place) : options_(options), place_(place), tree_(place / "tree") {}

  Result<CreateOutcome> run() {
    base_.target = "xen";
    base_.architecture = "x86_64";
    base_.build_directory = "tree/xen";
    base_.symbols_image = "image/xen-syms";
    base_.config = "image/config";
    HP_ASSIGN(TempDir work, TempDir::make("work", place_));
    if (options_.debian_version.empty()) {
      HP_TRY(obtain_own());
    } else {
      HP_TRY(obtain_debian(work.path()));
    }
    HP_ASSIGN(elf::Image image, read_xen_image(place_ / base_.symbols_image));
    base_.build_id = image.build_id();
    HP_ASSIGN(const FileList sources, list_files(tree_, ".", options_.threads));
    base_.source_sha256 = sha256_text(as_byte_view(file_list_text(sources)));
    HP_ASSIGN(const std::string log,
              build_xen(tree_, build_, place_ / base_.config, work.path(), options_.threads, options_.progress));
    HP_TRY(record(log, sources));
    options_.progress("comparing with the image");
    HP_TRY(prove(image));
    HP_TRY(finish());
    return CreateOutcome{std::move(base_), std::move(notes_)};
  }

 private:
  Result<> obtain_debian(const fs::path& work) {
    HP_ASSIGN(const fs::path cache, cache_directory());
    HP_ASSIGN(const XenPackages packages, fetch_xen(cache, options_.debian_version, options_.progress));
    if (packages.version != options_.debian_version) {
      notes_.push_back(
          "THE ARCHIVE DOES NOT HAVE xen " + options_.debian_version + " (any more). This base is of xen " + packages.version +
          ", the newest version whose source, image and debug packages are all there: it serves hosts that run that version, "
          "and no others.");
      options_.progress("note: " + notes_.back());
    }
    base_.description = "Debian xen " + packages.version;
    base_.package_version = packages.version;
    base_.boot_image = "image/xen.gz";
    options_.progress("unpacking");
    HP_ASSIGN(const XenShipped shipped, unpack_shipped(packages, work));
    HP_TRY(take_in(shipped.symbols, place_ / base_.symbols_image));
    HP_TRY(take_in(shipped.boot, place_ / base_.boot_image));
    HP_TRY(unpack_source(packages, tree_));
    HP_TRY(take_in(tree_ / "debian/xen-kconfig", place_ / base_.config));
    shipped_config_ = place_ / "image/config.shipped";
    HP_TRY(take_in(shipped.config, shipped_config_));
    HP_ASSIGN_DOING("read Debian's build settings", build_, debian_build(tree_));
    return {};
  }

  Result<> obtain_own() {
    HP_TRY(take_in(options_.image, place_ / base_.symbols_image));
    HP_ASSIGN(const elf::Image image, read_xen_image(options_.image));
    HP_TRY(take_in(options_.config, place_ / base_.config));
    if (!options_.boot.empty()) {
      base_.boot_image = "image/xen.gz";
      HP_TRY(take_in(options_.boot, place_ / base_.boot_image));
    }
    base_.description = "xen from a user's own tree";
    options_.progress("copying the source");
    HP_TRY(copy_source(options_.source, tree_));
    build_ = user_build(options_.make_variables);
    for (std::pair<std::string, std::string>& variable : identity_variables(image))
      build_.environment.push_back(std::move(variable));
    return {};
  }

  Result<> record(const std::string& log, const FileList& sources) {
    base_.environment = build_.environment;
    std::sort(base_.environment.begin(), base_.environment.end());
    HP_ASSIGN_DOING("read the image that the build made", elf::Object rebuilt, elf::read_object(tree_ / "xen/xen-syms"));
    HP_ASSIGN(const elf::Image image, elf::Image::make(std::move(rebuilt)));
    HP_ASSIGN_DOING("read what the build recorded", base_.units, read_units({tree_, tree_ / "xen", log}, image));
    const std::string path = value_in(base_.environment, "PATH");
    HP_ASSIGN(base_.tools, identify_tools(base_.units, make_variable(build_.make_arguments, "LD", "ld"), path));
    std::set<std::string> generated;
    for (const Unit& unit : base_.units) {
      for (const std::string& dependency : unit.dependencies) {
        if (!sources.contains("./xen/" + dependency) && fs::exists(tree_ / "xen" / dependency)) generated.insert(dependency);
      }
    }
    base_.generated_files.assign(generated.begin(), generated.end());
    return {};
  }

  Result<> prove(const elf::Image& image) {
    const fs::path built = tree_ / "xen/xen-syms";
    HP_ASSIGN(const bool same, same_bytes(built, place_ / base_.symbols_image));
    bool same_boot = true;
    if (same && base_.boot_image.empty()) {
      base_.boot_image = "image/xen.gz";
      HP_TRY(take_in(tree_ / "xen/xen.gz", place_ / base_.boot_image));
    } else if (same) {
      HP_ASSIGN(same_boot, same_bytes(tree_ / "xen/xen.gz", place_ / base_.boot_image));
    }
    HP_ASSIGN(const MatchProof match, match_units(place_ / base_.build_directory, base_.units, image, options_.threads));
    base_.proven_functions = match.functions;
    base_.proven_bytes = match.bytes;
    if (same && same_boot) {
      base_.grade = ProofGrade::kIdentical;
      return {};
    }
    const UnitMismatch* first = nullptr;
    for (const UnitMismatch& mismatch : match.mismatches) {
      Unit& unit = unit_of(mismatch);
      if (includes_identity(unit)) {
        unit.unproven = "it holds what the image says of its own build (date, changeset): " + describe(mismatch);
        notes_.push_back(unit.object + " is not proven, and so cannot be patched: " + unit.unproven);
      } else if (first == nullptr) {
        first = &mismatch;
      }
    }
    if (first != nullptr || match.functions == 0) return refuse(match, first, image);
    base_.grade = ProofGrade::kMatched;
    if (same) notes_.push_back("the boot image given is not byte for byte what the build makes of the identical xen-syms");
    if (base_.boot_image.empty()) {
      notes_.push_back("there is no boot image in this base, so hotpatch try cannot boot it; give one with --boot");
    }
    return {};
  }

  Unit& unit_of(const UnitMismatch& mismatch) {
    const auto found =
        std::find_if(base_.units.begin(), base_.units.end(), [&](const Unit& unit) { return unit.object == mismatch.unit; });
    HP_CHECK(found != base_.units.end(), "a mismatch of no unit");
    return *found;
  }

  /// The date, the builder and the changeset of the image are in the one generated header that a build from the same source may have
  /// otherwise. What includes it may stay unproven, which refuses a patch of it and of nothing else.
  static bool includes_identity(const Unit& unit) {
    return std::binary_search(unit.dependencies.begin(), unit.dependencies.end(), std::string("include/xen/compile.h"));
  }

  Result<> refuse(const MatchProof& match, const UnitMismatch* first, const elf::Image& image) const {
    HP_ASSIGN(const elf::Object rebuilt, elf::read_object(tree_ / "xen/xen-syms"));
    HP_ASSIGN(const BuildId rebuilt_id, elf::build_id_of(rebuilt));
    HP_ASSIGN(const std::string built_config, read_text_file(tree_ / "xen/.config"));
    HP_ASSIGN(std::string wanted_config, read_text_file(shipped_config_.empty() ? place_ / base_.config : shipped_config_));
    if (const std::optional<std::string> embedded = embedded_config(image)) wanted_config = *embedded;
    std::string text =
        "the image could not be reproduced: build ID " + image.build_id().text() + ", rebuilt " + rebuilt_id.text();
    if (first == nullptr) {
      text += "; no function could be compared";
    } else {
      text += "; " + std::to_string(match.mismatches.size()) + " of " + std::to_string(match.units) +
              " objects differ, the first is " + describe(*first);
    }
    return tl::unexpected(
        Error(Errc::kTrust, std::move(text))
            .with_remedy("the likely reason: " + likely_reason(rebuilt, image.object(), built_config, wanted_config)));
  }

  Result<> finish() {
    if (!shipped_config_.empty()) {
      HP_TRY(take_in(shipped_config_, place_ / base_.config));
      std::error_code failure;
      fs::remove(shipped_config_, failure);
    }
    HP_ASSIGN(base_.config_sha256, sha256_file(place_ / base_.config));
    HP_ASSIGN(base_.image_sha256, sha256_file(place_ / base_.symbols_image));
    options_.progress("recording all files");
    HP_TRY(record_files(place_, {"tree", "image"}, options_.threads, base_));
    return {};
  }

  const CreateOptions& options_;
  fs::path place_;
  fs::path tree_;
  fs::path shipped_config_;  // Debian's /boot/xen-*.config, which olddefconfig should give again
  XenBuild build_;
  Base base_;
  std::vector<std::string> notes_;
};

Result<> check_options(const CreateOptions& options) {
  const std::string path =
      options.debian_version.empty() ? value_in(user_build({}).environment, "PATH") : "/usr/sbin:/usr/bin:/sbin:/bin";
  std::vector<Requirement> needed = xen_build_requirements();
  if (!options.debian_version.empty()) {
    HP_TRY(xen_series(options.debian_version));
    const std::vector<Requirement> more = debian_package_requirements();
    needed.insert(needed.end(), more.begin(), more.end());
    return require_programs(needed, path);
  }
  HP_TRY(require_files({options.image, options.config}));
  HP_TRY(read_xen_image(options.image));
  return require_programs(needed, path);
}

}  // namespace

Result<CreateOutcome> create_xen_base(const CreateOptions& options) {
  HP_TRY(check_options(options));
  HP_ASSIGN(Workspace workspace, Workspace::make(options.output, kRoomNeeded));
  return publish(workspace, options.output, Creation(options, workspace.path()).run());
}

}  // namespace hotpatch::buildenv
