// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/create_kernel.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <set>
#include <thread>

#include "buildenv/cache.h"
#include "buildenv/file_list.h"
#include "buildenv/linux/generated_files.h"
#include "buildenv/linux/include_graph.h"
#include "buildenv/linux/kernel_proof.h"
#include "buildenv/linux/kernel_tree.h"
#include "buildenv/linux/shipped_kernel.h"
#include "buildenv/toolchain.h"
#include "buildenv/workspace.h"
#include "common/elf/record_sizes.h"
#include "common/support/digest.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// A base of Debian's 6.1 is 1.9 GB; while it is made, the source package's archive is there too.
constexpr std::uint64_t kRoomNeeded = std::uint64_t{2600} << 20;
constexpr std::size_t kSample = 6;

/// The records of tables that belong to functions, and a unit that defines each (their sizes change between kernels).
constexpr std::array<const char*, 9> kRecords = {"alt_instr",  "bug_entry",        "exception_table_entry",
                                                 "jump_entry", "static_call_site", "paravirt_patch_site",
                                                 "orc_entry",  "module",           "pci_fixup"};
constexpr std::array<const char*, 7> kRecordUnits = {"arch/x86/kernel/alternative.c", "lib/bug.c",
                                                     "arch/x86/mm/extable.c",         "kernel/jump_label.c",
                                                     "arch/x86/kernel/unwind_orc.c",  "drivers/pci/quirks.c",
                                                     "kernel/static_call_inline.c"};

/// The kernel's build leaves it where it leaves vmlinux.
fs::path symvers_of(const KernelCreateOptions& options) {
  return options.symvers.empty() ? options.image.parent_path() / "Module.symvers" : options.symvers;
}

class KernelCreation {
 public:
  KernelCreation(const KernelCreateOptions& options, const fs::path& place)
      : options_(options), place_(place), tree_(place / "tree"), image_(place / "image/vmlinux") {}

  Result<CreateOutcome> run() {
    base_.target = "linux";
    base_.architecture = "x86_64";
    base_.build_directory = "tree";
    base_.symbols_image = "image/vmlinux";
    base_.config = "image/config";
    base_.grade = ProofGrade::kOnDemand;
    base_.kernel.emplace();
    std::error_code failure;
    for (const char* name : {"image", "index", "tree"}) fs::create_directory(place_ / name, failure);
    if (failure) return fail_errno("make directories in " + place_.string(), failure.value());
    HP_ASSIGN(TempDir work, TempDir::make("work", place_));
    if (options_.debian_release.empty()) {
      HP_TRY(obtain_own(work.path()));
    } else {
      HP_TRY(obtain_debian(work.path()));
    }
    HP_TRY(read_image());
    HP_TRY(write_indexes(work.path()));
    HP_TRY(identify());
    HP_TRY(prove(work.path()));
    HP_TRY(record_files());
    return CreateOutcome{std::move(base_), std::move(notes_)};
  }

 private:
  /// Two things at a time: the debug package is decompressed while the tree is prepared.
  Result<> obtain_debian(const fs::path& work) {
    HP_ASSIGN(const KernelRelease wanted, parse_release(options_.debian_release));
    HP_ASSIGN(const fs::path cache, cache_directory());
    HP_ASSIGN(const KernelPackages packages, fetch_kernel(cache, wanted, options_.progress));
    const std::string& release = packages.release.text;
    if (release != options_.debian_release) {
      notes_.push_back("THE ARCHIVE DOES NOT HAVE " + options_.debian_release + " (any more). This base is of " + release +
                       ", the newest release of the series whose source, headers, image and debug packages are all there: it "
                       "serves hosts that run that release, and no others.");
      options_.progress("note: " + notes_.back());
    }
    base_.description = "Debian linux " + release + " (" + packages.version + ")";
    base_.package_version = packages.version;
    base_.boot_image = "image/vmlinuz";
    base_.kernel->release = release;
    base_.kernel->debug_package = packages.debug_deb.filename().string();
    HP_TRY(take_file(packages.headers_deb, "/linux-headers-" + release + "/.config", place_ / base_.config));
    HP_TRY(take_file(packages.headers_deb, "/Module.symvers", place_ / "image/Module.symvers"));
    HP_TRY(take_file(packages.image_deb, "boot/vmlinuz-" + release, place_ / base_.boot_image));
    options_.progress("reading the debug package and unpacking the source");
    Result<> debug;
    std::thread reader(
        [&] { debug = take_debug_package(packages.debug_deb, packages.release, image_, options_.threads, units_); });
    const Result<> source = unpack_kernel_source(packages.source_deb, tree_, work);
    reader.join();
    HP_TRY(debug);
    HP_TRY(source);
    return prepare(work, false);
  }

  Result<> obtain_own(const fs::path& work) {
    HP_TRY(take_in(options_.image, image_));
    HP_TRY(take_in(options_.config, place_ / base_.config));
    HP_TRY(take_in(symvers_of(options_), place_ / "image/Module.symvers"));
    if (!options_.boot.empty()) {
      base_.boot_image = "image/vmlinuz";
      HP_TRY(take_in(options_.boot, place_ / base_.boot_image));
    }
    if (!options_.modules.empty()) {
      std::error_code failure;
      base_.kernel->module_directory = fs::canonical(options_.modules, failure).string();
      if (failure) return fail_errno("find " + options_.modules.string(), failure.value());
    } else {
      notes_.emplace_back("no --modules were given: code of vmlinux can be patched, that of modules cannot");
    }
    options_.progress("reading the image");
    HP_TRY(take_own_files(image_, base_.kernel->module_directory, units_));
    base_.description = "Linux from a user's own tree";
    return prepare(work, true);
  }

  Result<> prepare(const fs::path& work, bool is_own) {
    HP_ASSIGN(elf::Object object, elf::map_object(image_));
    HP_ASSIGN(const elf::Image image, elf::Image::make(std::move(object)));
    HP_ASSIGN(const KernelBanner banner, read_banner(image));
    base_.kernel->release = banner.release;
    HP_ASSIGN(const std::string config, read_text_file(place_ / base_.config));
    HP_ASSIGN(const KernelBuild build, kernel_build(banner, config));
    base_.environment = build.environment;
    std::ranges::sort(base_.environment);
    base_.kernel->make_arguments = build.make_arguments;
    if (is_own) HP_TRY(copy_kernel_source(options_.source, tree_, build));
    options_.progress("preparing the tree");
    return prepare_kernel(tree_, build, config, work, options_.threads);
  }

  Result<> read_image() {
    HP_ASSIGN(const elf::Object object, elf::map_object(image_));
    HP_ASSIGN(base_.build_id, elf::build_id_of(object));
    if (base_.build_id.empty()) return fail(Errc::kUnsupported, "vmlinux has no build ID");
    const std::set<std::string> units(kRecordUnits.begin(), kRecordUnits.end());
    HP_ASSIGN(const auto sizes, elf::read_record_sizes(object, units, {kRecords.begin(), kRecords.end()}));
    for (const auto& [tag, size] : sizes) base_.kernel->record_sizes.emplace_back("struct " + tag, size);
    return {};
  }

  Result<> write_indexes(const fs::path& work) {
    options_.progress("indexing units and includes");
    index_ = std::move(units_).finish(tree_);
    for (const IndexedUnit& unit : index_.units)
      ++(index_.owners[unit.owner].is_image() ? base_.kernel->image_units : base_.kernel->module_units);
    base_.kernel->modules = index_.owners.size() - 1;
    HP_TRY(write_unit_index(index_, place_ / "index"));
    HP_ASSIGN(const IncludeGraph graph, IncludeGraph::scan(tree_, options_.threads));
    HP_TRY(graph.write(place_ / "index/includes"));
    options_.progress("making what the build generates");
    const KernelBuild build{base_.environment, base_.kernel->make_arguments};
    HP_ASSIGN(const std::vector<std::string> absent, generate_files(tree_, build, index_, graph, work, options_.threads));
    if (!absent.empty()) {
      std::string text = "the build could not make these here, and units that include them cannot be patched:";
      for (const std::string& path : absent) text += " " + path;
      notes_.push_back(std::move(text));
    }
    return {};
  }

  Result<> identify() {
    base_.directory = place_;
    sample_ = sample_units(index_, tree_, kSample);
    std::vector<std::string> objects;
    for (const IndexedUnit* unit : sample_) objects.push_back(unit->object());
    HP_ASSIGN(const auto commands, ask_commands(base_, objects));
    std::vector<Unit> units(1);
    if (!commands.empty()) units.front().commands = {commands.begin()->second.front()};
    const auto path = std::ranges::find(base_.environment, "PATH", &std::pair<std::string, std::string>::first);
    HP_ASSIGN(base_.tools, identify_tools(units, "ld", path->second));
    return {};
  }

  Result<> prove(const fs::path& work) {
    options_.progress("proving a sample of " + std::to_string(sample_.size()) + " units");
    HP_ASSIGN(const std::unique_ptr<StockKernel> stock, StockKernel::open(base_, index_));
    HP_ASSIGN(const std::vector<ProvenUnit> proven, prove_units(base_, index_, *stock, sample_, work, options_.threads));
    for (const ProvenUnit& unit : proven) {
      if (!unit.ok())
        return fail(Error(Errc::kTrust, "what is compiled here is not what was shipped: " + describe(unit))
                        .with_remedy("source, configuration, compiler and image must be those of one build"));
      base_.proven_functions += unit.located.proven_functions;
      base_.proven_bytes += unit.located.proven_bytes;
    }
    return {};
  }

  Result<> record_files() {
    options_.progress("recording all files");
    HP_ASSIGN(base_.config_sha256, sha256_file(place_ / base_.config));
    HP_ASSIGN(FileList files, buildenv::record_files(place_, {"tree", "image", "index"}, options_.threads, base_));
    base_.image_sha256 = files.at(base_.symbols_image);
    std::erase_if(files, [](const auto& file) { return !file.first.starts_with("tree/"); });
    base_.source_sha256 = sha256_text(as_byte_view(file_list_text(files)));
    return {};
  }

  const KernelCreateOptions& options_;
  fs::path place_;
  fs::path tree_;
  fs::path image_;
  UnitIndexBuilder units_;
  UnitIndex index_;
  std::vector<const IndexedUnit*> sample_;
  Base base_;
  std::vector<std::string> notes_;
};

Result<> check_options(const KernelCreateOptions& options) {
  std::vector<Requirement> needed = {{"make", "make"},   {"gcc", "gcc"},      {"ld", "binutils"}, {"flex", "flex"},
                                     {"bison", "bison"}, {"bc", "bc"},        {"perl", "perl"},   {"pahole", "dwarves"},
                                     {"awk", "mawk"},    {"cp", "coreutils"}, {"sed", "sed"},     {"tar", "tar"}};
  if (!options.debian_release.empty()) {
    HP_TRY(parse_release(options.debian_release));
    for (const Requirement& more : std::vector<Requirement>{
             {"apt-get", "apt"}, {"apt-cache", "apt"}, {"apt-config", "apt"}, {"dpkg-deb", "dpkg"}, {"xz", "xz-utils"}})
      needed.push_back(more);
  } else {
    HP_TRY(require_files({options.image, options.config}));
    std::error_code ignored;
    if (const fs::path symvers = symvers_of(options); !fs::is_regular_file(symvers, ignored))
      return tl::unexpected(Error(Errc::kNotFound, "there is no " + symvers.string())
                                .with_remedy("give the Module.symvers of the kernel's build with --symvers: it says what modules "
                                             "find exported, and in which version"));
  }
  const char* path = std::getenv("PATH");
  return require_programs(needed, path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path);
}

}  // namespace

Result<CreateOutcome> create_kernel_base(const KernelCreateOptions& options) {
  HP_TRY(check_options(options));
  HP_ASSIGN(Workspace workspace, Workspace::make(options.output, kRoomNeeded));
  return publish(workspace, options.output, KernelCreation(options, workspace.path()).run());
}

}  // namespace hotpatch::buildenv
