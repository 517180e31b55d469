// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/kernel_module.h"

#include <algorithm>

#include "buildenv/linux/kernel_tree.h"
#include "buildenv/linux/module_source.h"
#include "common/support/digest.h"
#include "common/support/file.h"
#include "linux/check/check.h"
#include "linux/module/sign.h"
#include "linux/module/wrapper.h"

namespace hotpatch::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigestDigits = 64;
constexpr std::uint64_t kMostSymvers = std::uint64_t{64} << 20;  // bytes

Result<elf::Object> compile(const buildenv::ModuleCompiler& compiler, const fs::path& source, const fs::path& object,
                            const std::string& module_name) {
  HP_ASSIGN(const buildenv::Compiled compiled, compiler.compile(source, object, module_name));
  if (!compiled.ok) return fail(Errc::kInvalid, source.filename().string() + " does not compile:\n" + compiled.errors);
  return elf::read_object(object);
}

/// What was written is read by code that shares nothing with the maker, and must lead to the addresses that the maker meant.
Result<> check_own_work(kernel::LivepatchModule& made, const kernel::TargetKernel& target) {
  HP_ASSIGN_DOING("read back the module", const kernel::ModuleCheck check, kernel::check_module(made.file, check_target(target)));
  if (check.findings.has_errors())
    return fail(Errc::kUnsupported, "the module that was made is wrong:\n" + check.findings.text());
  const auto differs = [&](const kernel::LivepatchRelocation& meant) {
    return std::ranges::none_of(check.relocations, [&](const kernel::ResolvedRelocation& found) {
      return found.section == meant.section && found.offset == meant.offset && found.symbol == meant.symbol &&
             found.object == meant.object && found.refers == meant.refers;
    });
  };
  const auto wrong = std::ranges::find_if(made.report.relocations, differs);
  if (wrong != made.report.relocations.end() || check.relocations.size() != made.report.relocations.size() ||
      check.functions.size() != made.report.functions.size())
    return fail(Errc::kUnsupported, "the module that was made does not lead to the addresses that it was made for" +
                                        (wrong == made.report.relocations.end() ? std::string() : ": " + wrong->symbol));
  return {};
}

bool defines(const std::vector<elf::Object>& hooks, const std::string& name) {
  return std::ranges::any_of(hooks, [&](const elf::Object& object) {
    return std::ranges::any_of(object.symbols(), [&](const elf::Symbol& symbol) {
      return symbol.name == name && symbol.place == elf::SymbolPlace::kSection;
    });
  });
}

/// What the hooks' table of states holds: struct klp_state is an unsigned long, an unsigned int and a pointer, and the table ends with one
/// of zeros (Linux 6.1, include/linux/livepatch.h).
std::vector<Manifest::State> states_of(const std::vector<elf::Object>& hooks) {
  constexpr std::size_t kStateSize = 24;
  constexpr std::size_t kVersionOffset = 8;
  std::vector<Manifest::State> states;
  for (const elf::Object& object : hooks)
    for (const elf::Symbol& symbol : object.symbols()) {
      if (symbol.name != "hotpatch_states" || symbol.place != elf::SymbolPlace::kSection) continue;
      const ByteView content = object.section(symbol.section).contents;
      for (std::size_t at = symbol.value; at + kStateSize <= std::min<std::size_t>(symbol.value + symbol.size, content.size());
           at += kStateSize) {
        const auto id = load_le<std::uint64_t>(content, at);
        const auto version = load_le<std::uint32_t>(content, at + kVersionOffset);
        if (id != 0 || version != 0) states.push_back({std::to_string(id), version});
      }
    }
  return states;
}

/// The declared hooks must be ones that the livepatch core calls at the right time; and what they did to the running kernel must be a
/// state of the livepatch core: a module that replaces this one runs none of its hooks, and the core refuses one that does not know
/// its states.
void check_hooks(const std::vector<safety::Discharge>& discharges, const std::vector<elf::Object>& hooks, Diagnostics& findings) {
  const auto is_called = [&](const std::string& name, const char* moment) {
    std::string object;
    return kernel::is_hook_name(name, object) && name.find(moment) != std::string::npos && defines(hooks, name);
  };
  for (const safety::Discharge& one : discharges) {
    if (!is_called(one.apply, "_patch_"))
      findings.add(safety::missing_hook(one, one.apply + " is no hook that is called when the module is put into effect"));
    if (!is_called(one.revert, "_unpatch_"))
      findings.add(safety::missing_hook(one, one.revert + " is no hook that is called when the module is taken out of effect"));
    if (!defines(hooks, "hotpatch_states"))
      findings.add(
          safety::missing_hook(one,
                               "the hooks have no hotpatch_states[]: a module that takes the place of this one would not "
                               "know what they did"));
  }
}

}  // namespace

Result<kernel::Exports> read_exports(const buildenv::Base& base) {
  HP_ASSIGN(const std::string symvers, read_text_file(base.directory / "image/Module.symvers", kMostSymvers));
  return kernel::Exports::parse(symvers);
}

kernel::TargetKernel target_kernel(const buildenv::Base& base, const buildenv::UnitIndex& index, buildenv::StockKernel& stock,
                                   const kernel::Exports& exports) {
  kernel::TargetKernel target;
  target.release = base.kernel->release;
  target.image = &stock.image();
  target.exports = &exports;
  target.record_sizes = base.kernel->record_sizes;
  target.module_image = [&](const std::string& module) -> Result<const elf::Image*> {
    for (std::size_t owner = 0; owner < index.owners.size(); ++owner)
      if (index.owners[owner].module_name() == module) return stock.owner_image(owner);
    return fail(Errc::kNotFound, "the base has no module " + module);
  };
  return target;
}

kernel::CheckTarget check_target(const kernel::TargetKernel& target) {
  return {
      .image = target.image, .exports = target.exports, .record_sizes = target.record_sizes, .module_image = target.module_image};
}

Result<kernel::LivepatchModule> make_kernel_module(const buildenv::Base& base, const buildenv::UnitIndex& index,
                                                   buildenv::StockKernel& stock, const buildenv::KernelPairBuild& pairs,
                                                   const std::vector<UnitPatch>& units,
                                                   const std::vector<prove::Located>& located, const KernelModuleOptions& options,
                                                   const fs::path& work) {
  HP_ASSIGN(const kernel::Exports exports, read_exports(base));
  const kernel::TargetKernel target = target_kernel(base, index, stock, exports);
  std::vector<kernel::ModuleUnit> linked;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (!units[i].changes_something) continue;
    linked.push_back(
        {.owner = index.owners.at(pairs.pairs[i].owner).module_name(), .patch = &units[i].object, .located = &located[i]});
  }
  HP_ASSIGN(const buildenv::ModuleCompiler compiler, buildenv::ModuleCompiler::make(base, index));
  std::vector<elf::Object> hooks;
  for (const fs::path& file : options.hooks) {
    HP_ASSIGN_DOING("--hooks", elf::Object compiled,
                    compile(compiler, fs::absolute(file), work / ("hooks" + std::to_string(hooks.size()) + ".o"), options.name));
    hooks.push_back(std::move(compiled));
  }
  kernel::ModuleOptions module;
  for (const elf::Object& object : hooks) module.hooks.push_back(&object);
  module.name = options.name;
  module.replace = options.replace;
  module.consistency = options.consistency;
  module.patch_digest = pairs.patch_sha256;
  if (!options.certificate.empty()) module.certificate_digest = sha256_text(as_byte_view(options.certificate));
  module.base = base.description;
  module.tool_version = HOTPATCH_VERSION;
  module.fixes = options.fixes;
  for (const safety::Discharge& one : options.discharges) module.discharges.push_back(one.text());
  Manifest manifest = options.manifest;
  manifest.states = states_of(hooks);
  HP_ASSIGN(module.manifest, manifest_entries(manifest));
  module.manifest.emplace_back("replaces", options.replace ? "all" : "none");
  if (options.seal) {
    module.report_digest = std::string(kDigestDigits, '0');
    module.manifest.emplace_back("class", "?");
  }
  const auto compile_wrapper = [&](const std::string& source, const std::string& name) -> Result<elf::Object> {
    const fs::path path = work / "wrapper.c";
    const fs::path object = work / "wrapper.o";
    // The same wrapper belongs to the module with the report's digest and to the one without.
    const Result<std::string> known = read_text_file(path);
    if (known && *known == source && fs::exists(object)) return elf::read_object(object);
    HP_TRY(write_file(path, as_byte_view(source)));
    return compile(compiler, path, object, name);
  };
  HP_ASSIGN(kernel::LivepatchModule made, kernel::make_module(linked, target, module, compile_wrapper));
  check_hooks(options.discharges, hooks, made.report.findings);
  if (made.report.findings.has_errors()) made.file.clear();
  if (made.file.empty()) return made;
  if (options.seal) {
    // All is known that the report says, but of the module: that gets the report's digest in the place of zeros, and nothing else changes.
    Diagnostics found = std::move(made.report.findings);
    ReportSeal seal = options.seal(found);
    module.report_digest = std::move(seal.digest);
    module.manifest.back().second = std::move(seal.grade);
    HP_ASSIGN(made, kernel::make_module(linked, target, module, compile_wrapper));
    made.report.findings = std::move(found);
  }
  HP_TRY(check_own_work(made, target));
  if (!options.sign_key.empty()) {
    HP_ASSIGN(const std::string config, read_text_file(base.directory / base.config));
    kernel::SigningFiles files{.key = options.sign_key, .certificate = options.sign_certificate};
    const std::string hash = buildenv::config_value(config, "MODULE_SIG_HASH");
    if (hash != "n") files.hash = hash;
    HP_ASSIGN(made.file, kernel::sign_module(made.file, files));
    made.report.file_size = made.file.size();
    made.report.is_signed = true;
  }
  return made;
}

Json module_json(const kernel::LivepatchModule& module, const std::string& name, const std::string& file) {
  const kernel::ModuleReport& report = module.report;
  Json object;
  object["file"] = file;
  object["name"] = name;
  object["build_id"] = report.build_id.text();
  object["size"] = report.file_size;
  object["consistency"] = kernel::consistency_name(report.consistency);
  object["signed"] = report.is_signed;
  object["vermagic"] = report.vermagic;
  object["stubs"] = report.stubs;
  object["exported_symbols"] = report.exports;
  Json& functions = object["functions"] = Json::array();
  for (const kernel::ModuleFunction& function : report.functions)
    functions.push_back({{"name", function.name},
                         {"object", function.unit},
                         {"owner", function.owner},
                         {"position", function.position},
                         {"old_address", hex(function.old_addr.value())},
                         {"old_size", function.old_size},
                         {"new_offset", function.new_offset},
                         {"new_size", function.new_size}});
  Json& sections = object["sections"] = Json::array();
  for (const kernel::ModuleSection& section : report.sections)
    sections.push_back({{"name", section.name},
                        {"size", section.size},
                        {"relocations", section.relocations},
                        {"livepatch_relocations", section.livepatch_relocations}});
  Json& relocations = object["livepatch_relocations"] = Json::array();
  for (const kernel::LivepatchRelocation& relocation : report.relocations)
    relocations.push_back({{"section", relocation.section},
                           {"offset", relocation.offset},
                           {"applied_for", relocation.object},
                           {"symbol", relocation.symbol},
                           {"meaning", relocation.meaning.empty() ? relocation.symbol : relocation.meaning},
                           {"address", hex(relocation.meant.value())}});
  return object;
}

std::string module_text(const kernel::LivepatchModule& module, const std::string& name, const std::string& file) {
  const kernel::ModuleReport& report = module.report;
  std::string text = "module " + name + " (build ID " + report.build_id.text() + ")\n";
  for (const kernel::ModuleFunction& function : report.functions)
    text += "  replaces  " + function.name +
            (function.position == 0 ? "" : " (number " + std::to_string(function.position) + ")") + " of " + function.owner +
            "\n";
  return text + "  refers to " + std::to_string(report.exports.size()) + " exported symbols; " +
         std::to_string(report.relocations.size()) + " places by livepatch symbols, " + std::to_string(report.stubs) +
         " of them stubs for calls\nwritten to " + file + " (" + std::to_string(report.file_size) + " bytes" +
         (report.is_signed ? ", signed" : "") + ")\n";
}

}  // namespace hotpatch::cli
